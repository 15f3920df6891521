"""Figures and laps made by hand, for tests of what is said of them."""

from collections.abc import Sequence

from benchmarks.figure import Bound, Figure, Unit
from benchmarks.race import Lap
from benchmarks.visitors import Served


def figure(
    name: str = "suite_vs_reference",
    runs: tuple[float, ...] = (11.0, 12.5, 12.0),
    *,
    unit: Unit = "ratio",
    bound: Bound = "at least",
    target: float = 10.0,
    misses: tuple[str, ...] = (),
    note: str = "",
) -> Figure:
    """A figure that is met, unless told otherwise."""
    return Figure(
        name=name,
        unit=unit,
        runs=runs,
        bound=bound,
        target=target,
        baseline="one prompt at a time",
        device="a CPU",
        note=note,
        misses=misses,
        details={"rows": 16},
        created="2026-11-24T10:00:00+00:00",
    )


def served(seconds: float, texts: Sequence[str], first: Sequence[float]) -> Lap[Served]:
    """A crowd of requests "0", "1", …, each with 10 tokens and the given text."""
    names = [str(number) for number in range(len(texts))]
    return Lap(
        seconds,
        Served(
            texts=dict(zip(names, texts, strict=True)),
            first_seconds=dict(zip(names, first, strict=True)),
            tokens=10 * len(texts),
        ),
    )
