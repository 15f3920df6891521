"""The key of a sweep's chart, drawn with the very marks it explains; pure data."""

from collections.abc import Mapping, Sequence
from typing import Any

from dashboard.escape import esc
from dashboard.sweep.marks import (
    BAND_OPACITY,
    Mark,
    draw_base,
    draw_crosses,
    draw_marks,
    draw_ring,
)
from dashboard.sweep.methods import plain
from loaders.family import ModelSpec
from metrics.choosing.rule import ABOVE_RETRAINED

ROWS = 8
LEFT, RIGHT = 0.02, 0.295  # where the marks of the two columns stand
TEXT_SHIFT = 0.065
SAMPLE = Mark("@soft", "circle", 11)

Trace = dict[str, Any]


def draw_key(marks: Mapping[float, Mark], bases: Sequence[ModelSpec], ruler: str) -> list[Trace]:
    """Traces on axes from 0 to 1: λ on the left, all else on the right. `ruler` is the retrained
    model's colour."""
    weights = sorted(marks, reverse=True)
    steps = draw_marks([marks[weight] for weight in weights], [True] * len(weights))
    band = {"symbol": "square", "size": 19, "color": ruler, "opacity": BAND_OPACITY}
    after = 3 + len(bases)
    says = ["forgot (all 4 bounds)", "not forgotten", "collapsed"]
    says += [esc(spec.label) for spec in bases]
    says += ["shipped", "its seeds: mean, range"]
    says += [f"≤ {plain(ABOVE_RETRAINED)} above Retrained"]
    return [
        _dots(LEFT, range(len(weights)), steps),
        _texts(LEFT, [f"λ {plain(weight)}" for weight in weights]),
        _dots(RIGHT, (0, 1, 2), draw_marks([SAMPLE] * 3, [True, False, False])),
        _dots(RIGHT, (2,), draw_crosses([SAMPLE])),
        *(_dots(RIGHT, (3 + row,), draw_base(spec)) for row, spec in enumerate(bases)),
        _dots(RIGHT, (after,), draw_ring("@soft")),
        _bars(after + 1),
        _dots(RIGHT, (after + 2,), band),
        _texts(RIGHT, says),
    ]


def _dots(x: float, rows: Sequence[int], marker: Mapping[str, Any]) -> Trace:
    return _trace(x, rows) | {"mode": "markers", "marker": dict(marker)}


def _texts(x: float, texts: Sequence[str]) -> Trace:
    return _trace(x + TEXT_SHIFT, range(len(texts))) | {
        "mode": "text",
        "text": list(texts),
        "textposition": "middle right",
        "textfont": {"size": 12.5, "color": "@ink"},
    }


def _bars(row: int) -> Trace:
    length = {"color": "@soft", "thickness": 2, "width": 4, "type": "constant"}
    return _dots(RIGHT, (row,), {"symbol": "circle", "size": 4, "color": "@soft"}) | {
        "error_x": {**length, "value": 0.035},
        "error_y": {**length, "value": 0.045},
    }


def _trace(x: float, rows: Sequence[int]) -> Trace:
    return {
        "type": "scatter",
        "name": "key",
        "x": [x] * len(rows),
        "y": [round(1 - (row + 0.5) / ROWS, 3) for row in rows],
        "hoverinfo": "skip",
        "cliponaxis": False,
    }
