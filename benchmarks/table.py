"""Figures as lines of text; never measures and never writes a file."""

from collections.abc import Sequence

from benchmarks.figure import Figure

SIGNS = {"at least": "≥", "at most": "≤"}
UNITS = {"ratio": "", "seconds": " s", "tokens_per_second": "/s", "gib": " GiB"}


def table(figures: Sequence[Figure]) -> str:
    """One line a figure: median, spread of the runs, target, whether it is met, and a note."""
    width = max((len(figure.name) for figure in figures), default=0)
    head = f"{'':{width}}  {'median':>9}  {'spread':>15}  {'target':>9}  met  note"
    return "\n".join([head, *(_line(figure, width) for figure in figures)])


def _line(figure: Figure, width: int) -> str:
    spread = f"{_number(min(figure.runs))}–{_number(max(figure.runs))}"
    sign = SIGNS[figure.bound]
    unit = UNITS[figure.unit]
    target = f"{sign} {figure.target:g}{unit}"
    note = "; ".join([*figure.misses, *([figure.note] if figure.note else [])])
    value = f"{_number(figure.value)}{unit}"
    met = "yes" if figure.met else "no"
    return f"{figure.name:{width}}  {value:>9}  {spread:>15}  {target:>9}  {met:3}  {note}".rstrip()


def _number(value: float) -> str:
    """Three digits that mean something: 12.3, 1.23, 0.123."""
    return f"{value:.1f}" if value >= 10 else f"{value:.2f}" if value >= 1 else f"{value:.3f}"
