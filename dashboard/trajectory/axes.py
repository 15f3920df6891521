"""The axes of the curves: steps from left to right, and a scale for any metric; pure arithmetic."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil, floor, log10
from typing import Any

from dashboard.figures import axis_of
from dashboard.precision.axes import Scale, choose_scale
from metrics.metric import Metric

TICKS = 4  # intervals between the lines of a scale that no metric's own range gives
ROUND = (1.0, 2.0, 2.5, 5.0, 10.0)
BESIDE = 0.03  # of the axis, so that the first and the last point stand free
WIDE = 100.0  # times the least value: from there on a scale counts powers of ten
POWERS = {0: "1", 1: "10", 2: "100", 3: "1k", 4: "10k", 5: "100k", 6: "1M"}


@dataclass(frozen=True)
class Ruler:
    """A scale, and whether it counts in powers of ten: then everything on it is a logarithm."""

    scale: Scale
    is_log: bool = False

    def at(self, value: float) -> float:
        """Where a value stands."""
        return log10(value) if self.is_log else value

    @property
    def axis(self) -> dict[str, Any]:
        """Its Plotly axis."""
        axis = self.scale.axis
        names = [POWERS.get(round(tick), f"1e{tick:.0f}") for tick in self.scale.ticks]
        return axis | ({"ticktext": names} if self.is_log else {})


def choose_ruler(metric: Metric, values: Sequence[float]) -> Ruler:
    """The metric's own range; where the values go beyond it, from 0 to a round number above, or in
    powers of ten."""
    most = max(values, default=0.0)
    if metric.best == "zero" or most <= (1.0 if metric.decimals > 1 else 100.0):
        return Ruler(choose_scale(metric, values))
    if most > WIDE * (least := min(values)) > 0:
        return Ruler(_powers(floor(log10(least)), ceil(log10(most))), is_log=True)
    between = _round_up(most / TICKS)
    ticks = tuple(between * place for place in range(TICKS + 1))
    return Ruler(Scale(-0.05 * ticks[-1], 1.06 * ticks[-1], ticks))


def _powers(low: int, high: int) -> Scale:
    beside = 0.05 * (high - low)
    return Scale(low - beside, high + beside, tuple(float(one) for one in range(low, high + 1)))


def _round_up(value: float) -> float:
    """The least round number that is not less: 1, 2, 2.5 or 5 times a power of ten."""
    power = 10.0 ** floor(log10(value))
    return next(power * one for one in ROUND if power * one >= value * (1 - 1e-9))


def steps_axis(steps: Sequence[int]) -> dict[str, Any]:
    """An axis from step 0 to the last, with whole steps for ticks."""
    last = max(steps, default=0) or 1
    between = max(1, ceil(_round_up(last / TICKS)))
    axis = axis_of([-BESIDE * last, (1 + BESIDE) * last], "steps of training")
    axis |= {"tickvals": list(range(0, last + 1, between)), "fixedrange": True, "tickangle": 0}
    return axis | {"title": axis["title"] | {"standoff": 4}}
