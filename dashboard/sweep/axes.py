"""Where the panels of a sweep's chart are, and the axes they share; pure data and arithmetic."""

from dataclasses import dataclass
from math import copysign, sqrt
from typing import Any

from dashboard.figures import axis_of

COLUMNS = 4
GAP_X, GAP_Y = 0.022, 0.17
X_RANGE, Y_RANGE = [-9.0, 106.0], [-6.0, 108.0]
X_TICKS, Y_TICKS = (0, 1, 5, 10, 25, 50, 100), (0, 25, 50, 75, 100)


@dataclass(frozen=True)
class Panel:
    """Where a panel is, in 0–1; `axis` is what Plotly appends to x and y."""

    axis: str
    left: float
    right: float
    bottom: float
    top: float
    is_first: bool
    is_lowest: bool

    def holds(self, trace: dict[str, Any]) -> dict[str, Any]:
        """A trace on this panel's axes."""
        return trace | {"xaxis": f"x{self.axis}", "yaxis": f"y{self.axis}"}


def stretch(points: float) -> float:
    """Points of memorization left as a place on the axis: 10 √points, so that 100 stays 100.

    Most trials leave next to nothing, and the rule's bound is at 5 points.
    """
    return round(copysign(10 * sqrt(abs(points)), points), 2)


def make_panels(count: int) -> list[Panel]:
    """Places row by row; the last one has no axes that others could read."""
    rows = -(-count // COLUMNS)
    width = (1 - GAP_X * (COLUMNS - 1)) / COLUMNS
    height = (1 - GAP_Y * (rows - 1)) / rows
    found = []
    for index in range(count):
        row, column = divmod(index, COLUMNS)
        left, top = column * (width + GAP_X), 1 - row * (height + GAP_Y)
        found.append(
            Panel(
                axis=str(index + 1) if index else "",
                left=round(left, 4),
                right=round(left + width, 4),
                bottom=round(max(top - height, 0.0), 4),
                top=round(top, 4),
                is_first=column == 0,
                is_lowest=index + COLUMNS >= count - 1,
            )
        )
    return found


def panel_axes(panel: Panel) -> dict[str, Any]:
    """Axes of one panel; all zoom together."""
    x = axis_of(X_RANGE, "") | {"domain": [panel.left, panel.right], "showgrid": True}
    x |= {"tickvals": [stretch(tick) for tick in X_TICKS], "ticktext": [str(t) for t in X_TICKS]}
    x |= {"anchor": f"y{panel.axis}", "showticklabels": panel.is_lowest, "tickangle": 0}
    y = axis_of(Y_RANGE, "", Y_TICKS) | {"domain": [panel.bottom, panel.top]}
    y |= {"anchor": f"x{panel.axis}", "showticklabels": panel.is_first}
    if panel.axis:
        x, y = x | {"matches": "x"}, y | {"matches": "y"}
    return {f"xaxis{panel.axis}": x, f"yaxis{panel.axis}": y}


def key_axes(panel: Panel) -> dict[str, Any]:
    """Axes from 0 to 1 that nobody sees."""
    bare = {"range": [0, 1], "visible": False, "fixedrange": True}
    x = bare | {"domain": [panel.left, panel.right]}
    y = bare | {"domain": [panel.bottom, panel.top], "anchor": f"x{panel.axis}"}
    return {f"xaxis{panel.axis}": x, f"yaxis{panel.axis}": y}
