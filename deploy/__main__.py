"""`python -m deploy`: assembles a Space and checks it, or tries it out; it uploads nothing."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from deploy.assemble import ROOT, assemble
from deploy.checks import check_all
from deploy.kinds import KINDS, find_kind
from deploy.trial import Trial, run_trial
from loaders.faults import Fault

BUILD = ROOT / "build"


def main(arguments: Sequence[str] | None = None) -> int:
    """Exit status: 0 all is well, 1 a check failed, 2 a fault."""
    options = parser().parse_args(arguments)
    try:
        return int(options.run(options))
    except Fault as fault:
        print(f"deploy: {fault}", file=sys.stderr)
        return 2


def parser() -> argparse.ArgumentParser:
    """The two commands and what each takes."""
    made = argparse.ArgumentParser(prog="python -m deploy", description=__doc__)
    commands = made.add_subparsers(required=True)
    space = commands.add_parser("space", help="assemble a Space and check it")
    kinds = [kind.name for kind in KINDS]
    space.add_argument("--kind", default=kinds[0], choices=kinds, help="default: %(default)s")
    space.add_argument("--family", default="", help="a family or a .toml file; default the kind's")
    space.add_argument("--out", type=Path, default=BUILD / "space", help="default: build/space")
    space.add_argument("--offline", action="store_true", help="do not ask the package index")
    space.set_defaults(run=_space)
    trial = commands.add_parser("test", help="install an assembled Space and use it")
    trial.add_argument("--space", type=Path, default=BUILD / "space", help="default: build/space")
    trial.add_argument("--python", default="", help="default: the Space's, or the one that runs")
    trial.add_argument("--keep", action="store_true", help="leave the environment for next time")
    trial.set_defaults(run=_trial)
    return made


def _space(options: argparse.Namespace) -> int:
    space = assemble(find_kind(options.kind), options.family, options.out)
    print(f"{space.family.title} for {space.kind.title}, version {space.version}: {space.folder}")
    passed = True
    for check in check_all(space, offline=options.offline):
        print(check, flush=True)
        passed = passed and check.passed is not False
    return 0 if passed else 1


def _trial(options: argparse.Namespace) -> int:
    trial = Trial(options.space, BUILD / "space-environment", options.python, options.keep)
    for check in run_trial(trial):
        print(check, flush=True)
        if check.passed is False:
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
