"""The command line of unlearning, `python -m unlearning --help`: parses flags and prints."""

import argparse
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from unlearning.check import changed_files, compare
from unlearning.recipe import STAGES, make_family, shorten
from unlearning.sweep import GRIDS, sweep
from unlearning.trajectory import trace

DEFAULT_OUT = Path(__file__).parent.parent / "assets" / "demo"


def parse_flags(arguments: list[str] | None = None) -> argparse.Namespace:
    """The flags as a namespace; a bad one ends the program with what is allowed."""
    parser = argparse.ArgumentParser(
        prog="python -m unlearning", description="Make, tune and check the demo family."
    )
    commands = parser.add_subparsers(dest="command", required=True)
    family = commands.add_parser("demo-family", help="rebuild data and models from a seed")
    family.add_argument("--steps", type=int, help="at most so many steps: a quick, bad family")
    family.add_argument("--seed", type=int, default=0, help="of all that is random; default 0")
    settings = commands.add_parser("sweep", help="try settings of every method on the bases")
    settings.add_argument(
        "--methods", nargs="+", choices=list(GRIDS), default=list(GRIDS), help="default: all"
    )
    traced = commands.add_parser("trajectories", help="measure the shipped runs on their way")
    checked = commands.add_parser("check", help="rebuild, and compare with what is shipped")
    checked.add_argument("--rebuilt", type=Path, help="a folder that was rebuilt already")
    for command in (family, settings, traced, checked):
        command.add_argument("--out", type=Path, default=DEFAULT_OUT, help="default: %(default)s")
    return parser.parse_args(arguments)


def main() -> int:
    """The exit status: 0 done, 1 a rebuilt family that differs."""
    flags = parse_flags()
    match flags.command:
        case "demo-family":
            _make(flags.out, flags.seed, flags.steps)
        case "sweep":
            sweep(flags.out, flags.methods, flags.out / "sweep.csv")
        case "trajectories":
            trace(flags.out, flags.out / "trajectories.csv")
        case "check":
            return _check(flags.rebuilt, flags.out)
    return 0


def _make(out: Path, seed: int, steps: int | None) -> None:
    stages = [shorten(jobs, steps) if steps else jobs for jobs in STAGES]
    make_family(out, seed, tuple(stages))
    print(f"Written to {out}. Measure it with: python -m metrics --precision fp32,nf4")


def _check(rebuilt: Path | None, shipped: Path) -> int:
    with TemporaryDirectory() as folder:
        if rebuilt is None:
            rebuilt = Path(folder) / "demo"
            make_family(rebuilt, seed=0)
        found = compare(rebuilt, shipped)
    for line in found:
        print(line)
    changed = changed_files(0, shipped)
    print(f"Data files that the seed gives otherwise: {', '.join(changed) or 'none'}")
    return int(bool(changed) or not all(line.agrees for line in found))


if __name__ == "__main__":
    sys.exit(main())
