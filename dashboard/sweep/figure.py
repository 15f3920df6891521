"""The chart of a sweep: a panel per method, a mark per trial, the key in the last place; pure.

Colour and shape are λ and filling is the rule's verdict; see `marks.py`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from dashboard.escape import esc
from dashboard.figures import Figure, base_layout, make_figure
from dashboard.sweep.axes import (
    X_RANGE,
    Y_RANGE,
    Panel,
    key_axes,
    make_panels,
    panel_axes,
    stretch,
)
from dashboard.sweep.key import draw_key
from dashboard.sweep.marks import (
    BAND_OPACITY,
    Mark,
    choose_marks,
    draw_base,
    draw_crosses,
    draw_marks,
    draw_ring,
    with_scale,
)
from dashboard.sweep.methods import describe_setting, find_model, name_method, name_shipped
from dashboard.sweep.names import Box, Name, Point, place_names
from loaders.family import Family, ModelSpec
from metrics.choosing.rule import ABOVE_RETRAINED
from metrics.choosing.sweep import (
    find_retrained,
    list_bases,
    list_methods,
    list_seeds,
    list_shipped,
    list_tried,
    memorization_left,
    spread_over,
)
from metrics.choosing.trials import Trial
from metrics.reading.numerals import number

BAR_STEPS = 8

Trace = dict[str, Any]


@dataclass(frozen=True)
class Sweep:
    """What every panel is drawn from."""

    family: Family
    trials: Sequence[Trial]
    retrained: Trial
    marks: Mapping[float, Mark]

    def place(self, trial: Trial) -> float:
        """Where a trial stands on the axis of memorization left."""
        return stretch(self.left(trial))

    def left(self, trial: Trial) -> float:
        """How much memorization is left, in points."""
        return memorization_left(trial, self.retrained)

    def colour(self, trial: Trial) -> str:
        """The colour of the model that a shipped trial became."""
        spec = find_model(self.family, trial.shipped_as)
        return f"@{spec.key}" if spec else "@ink"

    @property
    def bases(self) -> list[ModelSpec]:
        """The family's models that the trials are set against."""
        roles = {base.method for base in list_bases(self.trials)}
        return [spec for spec in self.family.models if spec.role in roles]

    @property
    def ruler(self) -> str:
        """The retrained model's colour."""
        return f"@{self.family.retrained.key}" if self.family.retrained else "@soft"


def sweep_figure(family: Family, trials: Sequence[Trial]) -> Figure:
    """Memorization left against KnowMem on the retain set; all trials, all methods."""
    sweep = Sweep(family, trials, find_retrained(trials), choose_marks(trials))
    methods = list_methods(trials)
    *panels, last = make_panels(len(methods) + 1)
    traces, notes, bands = [], [_along()], []
    layout = base_layout("sweep") | {"margin": {"l": 54, "r": 8, "t": 46, "b": 50}}
    for method, panel in zip(methods, panels, strict=True):
        traces += [panel.holds(trace) for trace in _traces(sweep, method)]
        notes += _titles(sweep, method, panel) + _names(sweep, method, panel)
        bands += _rulers(sweep, panel)
        layout |= panel_axes(panel)
    traces += [last.holds(trace) for trace in draw_key(sweep.marks, sweep.bases, sweep.ruler)]
    layout |= key_axes(last) | {"annotations": notes, "shapes": bands}
    layout["hoverlabel"] |= {"align": "left"}
    figure = make_figure(family, traces, layout, _heard(sweep, methods))
    return figure | {"palette": with_scale(figure["palette"])}


def _traces(sweep: Sweep, method: str) -> list[Trace]:
    tried = list_tried(sweep.trials, method)
    shipped = [trial for trial in list_shipped(sweep.trials) if trial.method == method]
    return [
        _dots(sweep, tried),
        _crosses(sweep, [trial for trial in tried if trial.verdict == "collapsed"]),
        *(_base(sweep, spec) for spec in sweep.bases),
        *(_seeds(sweep, trial) for trial in shipped),
        *(_ring(sweep, trial) for trial in shipped),
    ]


def _dots(sweep: Sweep, tried: Sequence[Trial]) -> Trace:
    marks = [sweep.marks[trial.retain_weight or 0.0] for trial in tried]
    filled = [trial.verdict == "forgot" for trial in tried]
    return _at(sweep, tried) | {
        "name": "trials",
        "marker": draw_marks(marks, filled),
        "hoverinfo": "text",
        "hovertext": [_hover(sweep, trial) for trial in tried],
    }


def _crosses(sweep: Sweep, collapsed: Sequence[Trial]) -> Trace:
    marks = [sweep.marks[trial.retain_weight or 0.0] for trial in collapsed]
    return _at(sweep, collapsed) | {
        "name": "collapsed",
        "marker": draw_crosses(marks),
        "hoverinfo": "skip",
    }


def _ring(sweep: Sweep, trial: Trial) -> Trace:
    return _at(sweep, [trial]) | {
        "name": name_shipped(sweep.family, trial),
        "marker": draw_ring(sweep.colour(trial)),
        "hoverinfo": "skip",
    }


def _seeds(sweep: Sweep, trial: Trial) -> Trace:
    """The mean over the seeds of a shipped setting, with bars from the least to the most."""
    same = list_seeds(sweep.trials, trial)
    across = spread_over([sweep.left(other) for other in same])
    up = spread_over([other.knowmem_r for other in same])
    colour = sweep.colour(trial)
    return {
        "type": "scatter",
        "mode": "markers",
        "name": f"seeds of {name_shipped(sweep.family, trial)}",
        "x": [stretch(across.mean)],
        "y": [up.mean],
        "error_x": _bar([stretch(end) for end in (across.low, across.mean, across.high)], colour),
        "error_y": _bar([up.low, up.mean, up.high], colour),
        "marker": {"symbol": "circle", "size": 4, "color": colour},
        "hoverinfo": "skip",
    }


def _bar(ends: Sequence[float], colour: str) -> dict[str, Any]:
    low, middle, high = ends
    return {
        "type": "data",
        "symmetric": False,
        "array": [high - middle],
        "arrayminus": [middle - low],
        "color": colour,
        "thickness": 2,
        "width": 4,
    }


def _base(sweep: Sweep, spec: ModelSpec) -> Trace:
    """The original, or the retrained model's star."""
    rows = [base for base in list_bases(sweep.trials) if base.method == spec.role]
    return _at(sweep, rows) | {
        "name": spec.label,
        "marker": draw_base(spec),
        "hoverinfo": "text",
        "hovertext": [f"<b>{esc(spec.label)}</b><br>{_values(base)}" for base in rows],
    }


def _at(sweep: Sweep, some: Sequence[Trial]) -> Trace:
    return {
        "type": "scatter",
        "mode": "markers",
        "x": [sweep.place(trial) for trial in some],
        "y": [trial.knowmem_r for trial in some],
    }


def _hover(sweep: Sweep, trial: Trial) -> str:
    shipped = f" · shipped as {name_shipped(sweep.family, trial)}" if trial.shipped_as else ""
    return (
        f"<b>{esc(name_method(trial.method).label)}</b> · {esc(trial.verdict + shipped)}<br>"
        f"{esc(describe_setting(trial))}<br>{_values(trial)}<br>"
        f"Memorization left {number(sweep.left(trial), 1)}"
    )


def _values(trial: Trial) -> str:
    return (
        f"VerbMem {number(trial.verbmem_f, 1)} · KnowMem, forget {number(trial.knowmem_f, 1)}<br>"
        f"PrivLeak {number(trial.privleak, 1)} (AUC {number(trial.auc, 3)})<br>"
        f"KnowMem, retain {number(trial.knowmem_r, 1)} · fluency {number(trial.fluency, 2)}"
    )


def _names(sweep: Sweep, method: str, panel: Panel) -> list[dict[str, Any]]:
    """The names of shipped settings beside their rings."""
    shipped = [trial for trial in list_shipped(sweep.trials) if trial.method == method]
    rings = [Point(sweep.place(trial), trial.knowmem_r) for trial in shipped]
    seen = [*list_tried(sweep.trials, method), *list_bases(sweep.trials)]
    marks = [Point(sweep.place(trial), trial.knowmem_r) for trial in seen]
    marks += [point for trial in shipped for point in _along_bars(sweep, trial)]
    texts = [name_shipped(sweep.family, trial) for trial in shipped]
    names = place_names(texts, rings, marks, Box(*X_RANGE, *Y_RANGE))
    return [
        _name(name, sweep.colour(trial), panel) for name, trial in zip(names, shipped, strict=True)
    ]


def _along_bars(sweep: Sweep, trial: Trial) -> list[Point]:
    """Points of the bars of a setting's seeds, close enough that no name fits between two."""
    bars = _seeds(sweep, trial)
    (x,), (y,) = bars["x"], bars["y"]
    left, right = x - bars["error_x"]["arrayminus"][0], x + bars["error_x"]["array"][0]
    low, high = y - bars["error_y"]["arrayminus"][0], y + bars["error_y"]["array"][0]
    shares = [step / BAR_STEPS for step in range(BAR_STEPS + 1)]
    across = [Point(left + share * (right - left), y) for share in shares]
    return across + [Point(x, low + share * (high - low)) for share in shares]


def _name(name: Name, colour: str, panel: Panel) -> dict[str, Any]:
    """A name, with a line to its ring where it does not stand right beside it."""
    x, y = f"x{panel.axis}", f"y{panel.axis}"
    anchor = {"xanchor": "right" if name.side == "left" else "left", "xref": x, "yref": y}
    text = {"text": esc(name.text), "font": {"color": colour, "size": 13, "weight": 700}}
    if not name.is_moved:
        return text | anchor | {"x": name.x, "y": name.y, "showarrow": False}
    ends = {"x": name.ring.x, "y": name.ring.y, "ax": name.x, "ay": name.y, "axref": x, "ayref": y}
    arrow = {"arrowhead": 0, "arrowwidth": 1.5, "arrowcolor": colour, "standoff": 9}
    return text | anchor | ends | arrow | {"showarrow": True}


def _titles(sweep: Sweep, method: str, panel: Panel) -> list[dict[str, Any]]:
    """Name and note above a panel; in its emptiest corner how many of its trials forgot."""
    named = name_method(method)
    up = [_up(panel)] if panel.is_first else []
    above = {"x": panel.left, "y": panel.top, "xanchor": "left", "yanchor": "bottom"}
    corner = {"x": panel.right, "y": panel.bottom, "xanchor": "right", "yanchor": "bottom"}
    return [
        *up,
        _text(named.label, 14, "@ink", above | {"yshift": 19}, weight=700),
        _text(named.note, 12, "@soft", above | {"yshift": 3}),
        _text(say_forgot(list_tried(sweep.trials, method)), 12, "@soft", corner | {"yshift": 4}),
    ]


def say_forgot(tried: Sequence[Trial]) -> str:
    """ "3 of 72 forgot"."""
    return f"{sum(trial.verdict == 'forgot' for trial in tried)} of {len(tried)} forgot"


def _along() -> dict[str, Any]:
    along = (
        "Memorization left: VerbMem or KnowMem, forget, whichever is further above Retrained, "
        "in points (square-root scale)"
    )
    middle = {"x": 0.5, "y": 0, "xanchor": "center", "yanchor": "middle", "yshift": -38}
    return _text(along, 13, "@soft", middle)


def _up(panel: Panel) -> dict[str, Any]:
    middle = {"xanchor": "center", "yanchor": "middle", "y": (panel.bottom + panel.top) / 2}
    return _text("KnowMem, retain", 13, "@soft", middle | {"x": 0, "xshift": -42, "textangle": -90})


def _text(
    text: str, size: float, colour: str, place: Mapping[str, Any], weight: int = 400
) -> dict[str, Any]:
    font = {"color": colour, "size": size, "weight": weight}
    paper = {"xref": "paper", "yref": "paper", "showarrow": False}
    return {"text": esc(text), "font": font, **paper, **place}


def _rulers(sweep: Sweep, panel: Panel) -> list[dict[str, Any]]:
    """The band of memorization that the rule allows, and what the retrained model knows."""
    on = {"xref": f"x{panel.axis}", "yref": f"y{panel.axis}", "layer": "below"}
    band = {"x0": -200, "x1": stretch(ABOVE_RETRAINED), "y0": -200, "y1": 300}
    level = sweep.retrained.knowmem_r
    fill = {"fillcolor": sweep.ruler, "opacity": BAND_OPACITY, "line": {"width": 0}}
    line = {"line": {"color": sweep.ruler, "width": 1, "dash": "dash"}}
    return [
        {"type": "rect", **band, **fill, **on},
        {"type": "line", "x0": -200, "x1": 300, "y0": level, "y1": level, **line, **on},
    ]


def _heard(sweep: Sweep, methods: Sequence[str]) -> str:
    counts = "; ".join(
        f"{name_method(method).label}: {say_forgot(list_tried(sweep.trials, method))}"
        for method in methods
    )
    shipped = "; ".join(
        f"{name_shipped(sweep.family, trial)}: {number(sweep.left(trial), 1)} points of "
        f"memorization left, KnowMem, retain {number(trial.knowmem_r, 1)}"
        for trial in list_shipped(sweep.trials)
    )
    return f"All trials of {len(methods)} methods. {counts}. Shipped: {shipped or 'none'}."
