"""How λ and verdicts are drawn in the chart of a sweep: colours, shapes, sizes; pure data."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from loaders.family import ModelSpec
from metrics.choosing.sweep import list_weights
from metrics.choosing.trials import Trial

# More weight on what should be kept stands out more from the paper, by day and by night.
SCALE = {
    "lambda0": ("#6b665e", "#a19c93"),
    "lambda1": ("#c08a1e", "#a8763a"),
    "lambda2": ("#a3561f", "#d99a3f"),
    "lambda3": ("#732c33", "#f3c877"),
    "lambda4": ("#2b1430", "#fff6d8"),
}
SHAPES = ("hexagon", "circle", "diamond", "square", "triangle-up")
SIZES = (10, 9, 11, 9, 11)
LAST = len(SHAPES) - 1
BAND_OPACITY = 0.13


@dataclass(frozen=True)
class Mark:
    """How a λ is drawn."""

    colour: str
    shape: str
    size: int


def choose_marks(trials: Sequence[Trial]) -> dict[float, Mark]:
    """A mark for each λ: its own for 0, then step by step; the last for all that are too many."""
    weights = list_weights(trials)
    steps = [weight for weight in weights if weight > 0]
    ranks = {weight: min(steps.index(weight) + 1, LAST) if weight > 0 else 0 for weight in weights}
    return {
        weight: Mark(f"@lambda{rank}", SHAPES[rank], SIZES[rank]) for weight, rank in ranks.items()
    }


def draw_marks(marks: Sequence[Mark], filled: Sequence[bool]) -> dict[str, Any]:
    """Plotly's marker for as many marks: filled with a rim of paper, or hollow."""
    return {
        "symbol": [
            mark.shape if full else f"{mark.shape}-open"
            for mark, full in zip(marks, filled, strict=True)
        ],
        "color": [mark.colour for mark in marks],
        "size": [mark.size for mark in marks],
        "opacity": 1,
        "line": {"width": [1 if full else 1.7 for full in filled], "color": "@card"},
    }


def draw_crosses(marks: Sequence[Mark]) -> dict[str, Any]:
    """What goes through the marks of models that have collapsed."""
    return {
        "symbol": "x-thin-open",
        "size": 8,
        "opacity": 1,
        "color": [mark.colour for mark in marks],
        "line": {"width": 1.7},
    }


def draw_ring(colour: str) -> dict[str, Any]:
    """What is around the mark of a shipped setting, in its model's colour."""
    return {"symbol": "circle-open", "size": 19, "color": colour, "line": {"width": 2.5}}


def draw_base(spec: ModelSpec) -> dict[str, Any]:
    """The mark of the retrained or the original model, as on the other pages."""
    return {
        "symbol": spec.marker,
        "size": 17 if spec.role == "retrained" else 11,
        "color": f"@{spec.key}",
        "line": {"width": 1, "color": "@card"},
    }


def with_scale(palette: Mapping[str, Mapping[str, str]]) -> dict[str, dict[str, str]]:
    """A palette that knows the colours of λ too."""
    return {
        mode: {**palette[mode], **{name: pair[index] for name, pair in SCALE.items()}}
        for index, mode in enumerate(("light", "dark"))
    }
