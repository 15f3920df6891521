"""The command line of unlearning: `python -m unlearning demo-family`; it only parses flags."""

import argparse
from pathlib import Path

from unlearning.recipe import BASES, UNLEARNED, make_family, shorten
from unlearning.sweep import GRIDS, sweep

DEFAULT_OUT = Path(__file__).parent.parent / "assets" / "demo"


def parse_flags(arguments: list[str] | None = None) -> argparse.Namespace:
    """The flags as a namespace; a bad one ends the program with what is allowed."""
    parser = argparse.ArgumentParser(
        prog="python -m unlearning", description="Make the demo family."
    )
    commands = parser.add_subparsers(dest="command", required=True)
    family = commands.add_parser("demo-family", help="rebuild data and models from a seed")
    family.add_argument("--steps", type=int, help="at most so many steps: a quick, bad family")
    settings = commands.add_parser("sweep", help="try settings of every method on the bases")
    settings.add_argument(
        "--methods", default=",".join(GRIDS), help="some of %(default)s; default: all"
    )
    for command in (family, settings):
        command.add_argument("--out", type=Path, default=DEFAULT_OUT, help="default: %(default)s")
        command.add_argument("--seed", type=int, default=0, help="of all that is random; default 0")
    return parser.parse_args(arguments)


def main() -> None:
    """Run the command."""
    flags = parse_flags()
    if flags.command == "sweep":
        sweep(flags.out, flags.methods.split(","), flags.out / "sweep.csv")
        return
    stages = [shorten(jobs, flags.steps) if flags.steps else jobs for jobs in (BASES, UNLEARNED)]
    make_family(flags.out, flags.seed, tuple(stages))
    print(f"Written to {flags.out}. Measure it with: python -m metrics --precision fp32,nf4")


if __name__ == "__main__":
    main()
