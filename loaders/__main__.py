"""`python -m loaders COMMAND`: what is done with checkpoints beside running them; only calls it."""

import argparse
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from loaders.faults import Fault
from loaders.hub import check
from loaders.hub.check import add_flags as add_check_flags
from loaders.prequantized import command as prequantize
from loaders.prequantized.plan import add_flags as add_prequantize_flags


@dataclass(frozen=True)
class Command:
    """A name to call it by, its options, and what it does; `run` returns the exit status."""

    name: str
    help: str
    add_flags: Callable[[argparse.ArgumentParser], None]
    run: Callable[[argparse.Namespace], int]


COMMANDS = (
    Command(
        "check",
        "say whether a family is all there and will fit, before any of it is downloaded",
        add_check_flags,
        check.run,
    ),
    Command(
        "prequantize",
        "quantize a family's models once, to nf4, verify them and keep them so",
        add_prequantize_flags,
        prequantize.run,
    ),
)


def main(arguments: Sequence[str] | None = None) -> int:
    """The exit status: that of the command, 2 for a fault, 130 for Ctrl+C."""
    options = parser().parse_args(arguments)
    try:
        status: int = options.run(options)
    except Fault as fault:
        print(f"python -m loaders {options.command}: {fault}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("Stopped; the same command goes on where it was.", file=sys.stderr)
        return 130
    return status


def parser() -> argparse.ArgumentParser:
    """A subcommand for each of COMMANDS."""
    made = argparse.ArgumentParser(prog="python -m loaders")
    some = made.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for command in COMMANDS:
        one = some.add_parser(command.name, help=command.help, description=command.help)
        command.add_flags(one)
        one.set_defaults(run=command.run)
    return made


if __name__ == "__main__":
    sys.exit(main())
