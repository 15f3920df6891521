"""The command line of unlearning: `python -m unlearning demo-family`. Only parses flags."""

from __future__ import annotations

import argparse
from pathlib import Path

from unlearning.recipe import BASES, UNLEARNED, make_family, shorten

DEFAULT_OUT = Path(__file__).parent.parent / "assets" / "demo"


def parse_flags(arguments: list[str] | None = None) -> argparse.Namespace:
    """The flags as a namespace; a bad one ends the program with what is allowed."""
    parser = argparse.ArgumentParser(
        prog="python -m unlearning", description="Make the demo family."
    )
    commands = parser.add_subparsers(dest="command", required=True)
    family = commands.add_parser("demo-family", help="rebuild data and models from a seed")
    family.add_argument(
        "--out", type=Path, default=DEFAULT_OUT, help="folder to write (default: %(default)s)"
    )
    family.add_argument(
        "--seed", type=int, default=0, help="seed of text, weights and order (default: 0)"
    )
    family.add_argument(
        "--steps", type=int, help="at most so many steps per model: a quick, bad family"
    )
    return parser.parse_args(arguments)


def main() -> None:
    """Run the command."""
    flags = parse_flags()
    jobs = (
        (shorten(BASES, flags.steps), shorten(UNLEARNED, flags.steps))
        if flags.steps
        else (BASES, UNLEARNED)
    )
    make_family(flags.out, flags.seed, jobs)
    print(
        f"Written to {flags.out}. Measure it with: python -m metrics --family demo --precision fp32"
    )


if __name__ == "__main__":
    main()
