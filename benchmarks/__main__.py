"""`python -m benchmarks NAME…`: measure, keep the figures as JSON, print a table; no more."""

import argparse
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from benchmarks import gpu, prequantized, scaling, start, stream, suite, visitors
from benchmarks.figure import Figure, save
from benchmarks.setting import QUICK, Setting, Size
from benchmarks.table import table
from loaders import Fault, load_family, require_precision


@dataclass(frozen=True)
class Benchmark:
    """A name to call it by, and what yields its figures; `asked` is run only when it is named."""

    name: str
    measure: Callable[[Setting], Iterator[Figure]]
    asked: bool = False


BENCHMARKS = (
    Benchmark("suite", suite.measure),
    Benchmark("stream", stream.measure),
    Benchmark("visitors", visitors.measure),
    Benchmark("scaling", scaling.measure),
    Benchmark("start", start.measure),
    Benchmark("prequantized", prequantized.measure),
    Benchmark("gpu", gpu.measure, asked=True),
)


def main(arguments: Sequence[str] | None = None) -> int:
    """The exit status: 0 measured, whether targets are met or not, 2 a fault."""
    options = parser().parse_args(arguments)
    try:
        setting = make_setting(options)
        print(table(list(_measured(options.names, setting, options.out))))
    except Fault as fault:
        print(f"python -m benchmarks: {fault}", file=sys.stderr)
        return 2
    return 0


def parser() -> argparse.ArgumentParser:
    """The options, each with what it takes."""
    size = Size()
    made = argparse.ArgumentParser(prog="python -m benchmarks")
    add = made.add_argument
    names = ", ".join(benchmark.name for benchmark in BENCHMARKS)
    default = [benchmark.name for benchmark in BENCHMARKS if not benchmark.asked]
    words = f"{names}; default {', '.join(default)}"
    add("names", nargs="*", metavar="NAME", default=default, help=words)
    add("--out", type=Path, help="JSON file that the figures are put into; others in it stay")
    add("--precision", default="fp32,nf4", help="one or more, by commas; default fp32,nf4")
    add("--repeats", type=int, help=f"laps of every contender; default {size.repeats}")
    add("--rows", type=int, help=f"rows a set in 'suite', for all alike; default {size.rows}")
    add("--full", action="store_true", help="all rows in 'suite'; most of an hour")
    add("--passes", type=int, help=f"passes over row counts in 'scaling'; default {size.passes}")
    add("--quick", action="store_true", help="tiny numbers, to see whether everything runs")
    return made


def make_setting(options: argparse.Namespace) -> Setting:
    """Check the options; a Fault says which one is wrong and what it may be."""
    known = [benchmark.name for benchmark in BENCHMARKS]
    if unknown := next((name for name in options.names if name not in known), None):
        raise Fault(f"There is no benchmark {unknown!r}; choose from {', '.join(known)}.")
    precisions = dict.fromkeys(name.strip() for name in options.precision.split(","))
    size = QUICK if options.quick else Size()
    size = replace(
        size,
        repeats=_count("--repeats", options.repeats, size.repeats),
        passes=_count("--passes", options.passes, size.passes),
        rows=None if options.full else _count("--rows", options.rows, size.rows or 1),
    )
    return Setting(load_family("demo"), tuple(map(require_precision, precisions)), size)


def _count(option: str, given: int | None, default: int) -> int:
    if given is not None and given < 1:
        raise Fault(f"{option} is {given}; choose 1 or more.")
    return default if given is None else given


def _measured(names: Sequence[str], setting: Setting, out: Path | None) -> Iterator[Figure]:
    """Each figure as it comes, kept at once: a run that is stopped loses only what is not done."""
    for benchmark in BENCHMARKS:
        if benchmark.name not in names:
            continue
        print(f"{benchmark.name} …", file=sys.stderr)
        for figure in benchmark.measure(setting):
            if out is not None:
                save(out, [figure])
            yield figure


if __name__ == "__main__":
    sys.exit(main())
