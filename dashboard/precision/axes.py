"""The axes that the charts of the Precision page share; pure data and arithmetic."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from dashboard.escape import esc
from dashboard.figures import axis_of
from dashboard.labels import spread
from metrics.metric import Metric

LABEL_GAP = 0.085  # of the axis
TICKS = 5
MARGIN = {"l": 40, "r": 86, "t": 8, "b": 28}
TICK_SIZE = 12  # on narrow charts too: the names are short


@dataclass(frozen=True)
class Scale:
    """The axis of one metric."""

    low: float
    high: float
    ticks: tuple[float, ...]

    @property
    def span(self) -> float:
        """From end to end."""
        return self.high - self.low

    @property
    def axis(self) -> dict[str, Any]:
        """Its Plotly axis; the grid is at its ticks."""
        axis = axis_of([self.low, self.high], "", [0])
        return axis | {"tickvals": list(self.ticks), "fixedrange": True}

    def apart(self, values: Sequence[float]) -> list[float]:
        """Heights for labels that want to be at `values`."""
        inset = 0.02 * self.span
        return spread(values, LABEL_GAP * self.span, self.low + inset, self.high - inset)


def choose_scale(metric: Metric, values: Sequence[float]) -> Scale:
    """From 0 to the best or worst there is; around zero only as far up as the values go."""
    if metric.best == "zero":
        high = max([25.0, *(25 * -(-value // 25) for value in values)])
        ticks = tuple(float(tick) for tick in range(-100, int(high) + 1, 50))
        return Scale(-106, high + 4, ticks)
    whole = 1.0 if metric.decimals > 1 else 100.0
    ticks = tuple(whole * step / (TICKS - 1) for step in range(TICKS))
    return Scale(-0.05 * whole, 1.06 * whole, ticks)


def places_axis(names: Sequence[str]) -> dict[str, Any]:
    """An axis of names at 0, 1, …"""
    axis = axis_of([-0.5, len(names) - 0.5], "")
    axis |= {"tickvals": list(range(len(names))), "ticktext": [esc(name) for name in names]}
    return axis | {"tickangle": 0, "fixedrange": True}
