"""A metric over the steps of training: a line with its 95 % band, beside the models it is read
against; pure.

A reference is a level across the chart, with its band, and its marker where no checkpoint is.
"""

from collections.abc import Sequence
from typing import Any

from dashboard.escape import esc
from dashboard.figures import Figure, base_layout, label, make_figure
from dashboard.precision.axes import TICK_SIZE
from dashboard.trajectory.axes import Ruler, choose_ruler, steps_axis
from dashboard.trajectory.milestones import forgettings, losses
from dashboard.trajectory.reading import Point, Reading
from dashboard.trajectory.words import heard, hover
from loaders.family import ModelSpec
from metrics.metric import Metric
from metrics.reading.numerals import number
from metrics.results import Measurement

MARGIN = {"l": 40, "r": 86, "t": 20, "b": 46}
BAND = 0.16  # of opacity

Trace = dict[str, Any]


def over_steps(reading: Reading, metric: Metric | None) -> Figure:
    """One metric, or an empty chart that asks for one."""
    if metric is None:
        return _empty(reading, "another", "pick a metric above", "No other metric is picked.")
    levels = [
        (spec, measured)
        for spec in reading.references
        if (measured := reading.number(spec, metric)) is not None
    ]
    curve = reading.curve(metric)
    said = heard(reading, metric)
    if not curve and not levels:
        return _empty(reading, metric.key, "not measured yet", said, metric)
    ends = [end for _, one in levels for end in one.ci95]
    ends += [end for point in curve for end in (point.low, point.high)]
    ruler = choose_ruler(metric, ends)
    last = _last_step(reading)
    traces = [_level(spec, one, metric, last, ruler) for spec, one in levels]
    traces += [_band(curve, ruler), _line(reading, curve, metric, ruler)] if curve else []
    layout = _layout(reading, metric.key, ruler) | {
        "shapes": [_level_band(*level, ruler) for level in levels] + _guides(reading, metric),
        "annotations": _names(levels, curve, ruler) + _dates(reading, metric),
    }
    return make_figure(reading.family, traces, layout, said) | {"ticks": TICK_SIZE}


def _empty(
    reading: Reading, name: str, text: str, said: str, metric: Metric | None = None
) -> Figure:
    ruler = choose_ruler(metric or reading.metrics[0], [])
    place = {"x": 0.5, "xref": "paper", "y": 0.5, "yref": "paper"}
    font = {"color": "@soft", "size": 12}
    note = {"text": esc(text), "showarrow": False, "font": font} | place
    layout = _layout(reading, name, ruler) | {"shapes": [], "annotations": [note]}
    return make_figure(reading.family, [], layout, said) | {"ticks": TICK_SIZE}


def _layout(reading: Reading, name: str, ruler: Ruler) -> dict[str, Any]:
    return base_layout(f"trajectory-{name}") | {
        "margin": MARGIN,
        "xaxis": steps_axis([spec.step or 0 for spec in reading.checkpoints]),
        "yaxis": ruler.axis,
    }


def _last_step(reading: Reading) -> int:
    return reading.checkpoints[-1].step or 0


def _level(
    spec: ModelSpec, measured: Measurement, metric: Metric, last: int, ruler: Ruler
) -> Trace:
    """A reference: the same from the first step to the last, for it was not trained here."""
    low, high = (number(end, metric.decimals) for end in measured.ci95)
    hovered = (
        f"<b>{esc(spec.label)}</b><br>{esc(metric.label)} "
        f"{number(measured.value, metric.decimals)} ({low} to {high})<br>n = {measured.n}"
    )
    is_ruler = spec.role == "retrained"
    return {
        "type": "scatter",
        "mode": "lines+markers",
        "name": spec.label,
        "x": [0, last],
        "y": [ruler.at(measured.value)] * 2,
        "line": {"color": f"@{spec.key}", "width": 2, "dash": "dash" if is_ruler else "solid"},
        "marker": {
            "symbol": spec.marker,
            "size": [13 if is_ruler else 10, 0],
            "opacity": 1,
            "color": f"@{spec.key}",
            "line": {"width": 1, "color": "@card"},
        },
        "cliponaxis": False,
        "hoverinfo": "text",
        "hovertext": [hovered, hovered],
    }


def _level_band(spec: ModelSpec, measured: Measurement, ruler: Ruler) -> dict[str, Any]:
    low, high = (ruler.at(end) for end in measured.ci95)
    across = {"x0": 0, "x1": 1, "xref": "paper", "y0": low, "y1": high, "yref": "y"}
    fill = {"fillcolor": f"@{spec.key}", "opacity": BAND, "line": {"width": 0}}
    return {"type": "rect", "layer": "below", **across, **fill}


def _band(curve: Sequence[Point], ruler: Ruler) -> Trace:
    """The intervals of the checkpoints, as one area there and back."""
    back = list(reversed(curve))
    ends = [point.low for point in curve] + [point.high for point in back]
    return {
        "type": "scatter",
        "mode": "lines",
        "name": "95 % intervals",
        "x": [point.step for point in (*curve, *back)],
        "y": [ruler.at(end) for end in ends],
        "fill": "toself",
        "fillcolor": _hue(curve),
        "opacity": BAND,
        "line": {"width": 0},
        "hoverinfo": "skip",
    }


def _line(reading: Reading, curve: Sequence[Point], metric: Metric, ruler: Ruler) -> Trace:
    return {
        "type": "scatter",
        "mode": "lines+markers",
        "name": "checkpoints",
        "x": [point.step for point in curve],
        "y": [ruler.at(point.measured.value) for point in curve],
        "line": {"color": _hue(curve), "width": 2.5},
        "marker": {
            "symbol": [_symbol(reading, point) for point in curve],
            "size": 9,
            "color": _hue(curve),
            "line": {"width": 1, "color": "@card"},
        },
        "cliponaxis": False,
        "hoverinfo": "text",
        "hovertext": [_hover(reading, point, metric) for point in curve],
    }


def _hue(curve: Sequence[Point]) -> str:
    """One run has one colour: its last checkpoint's."""
    return f"@{curve[-1].spec.key}"


def _symbol(reading: Reading, point: Point) -> str:
    """The model's own marker; a cross where its text has collapsed."""
    return "x" if reading.sign(point.spec) else point.spec.marker


def _hover(reading: Reading, point: Point, metric: Metric) -> str:
    lines = (esc(line) for line in hover(reading, point, metric))
    return "<br>".join([f"<b>{esc(point.spec.label)}</b>", *lines])


def _names(
    levels: Sequence[tuple[ModelSpec, Measurement]], curve: Sequence[Point], ruler: Ruler
) -> list[dict[str, Any]]:
    """The names at the right, without overlap; letters on a phone."""
    heights = [ruler.at(measured.value) for _, measured in levels]
    named = [(spec, spec.label, spec.letter) for spec, _ in levels]
    if curve:
        last = curve[-1]
        heights.append(ruler.at(last.measured.value))
        named.append((last.spec, last.spec.label, str(last.step)))
    return [
        label(spec, text, 1.0, place, xref="paper", xshift=4) | {"name": esc(brief)}
        for (spec, text, brief), place in zip(named, ruler.scale.apart(heights), strict=True)
    ]


def _moment(reading: Reading, metric: Metric) -> tuple[ModelSpec, int] | None:
    """The step that the sentences name, and whose level it was that was met or left."""
    arrived = [o.arrived for o in forgettings(reading) if o.metric is metric and o.arrived]
    fell = [loss.fell for loss in losses(reading) if loss.metric is metric and loss.fell]
    if arrived and reading.family.retrained is not None:
        return reading.family.retrained, arrived[0].step
    if fell and reading.original is not None:
        return reading.original, fell[0].step
    return None


def _guides(reading: Reading, metric: Metric) -> list[dict[str, Any]]:
    if (moment := _moment(reading, metric)) is None:
        return []
    spec, step = moment
    ends = {"x0": step, "x1": step, "xref": "x", "y0": 0, "y1": 1, "yref": "paper"}
    line = {"color": f"@{spec.key}", "width": 1.5, "dash": "dot"}
    return [{"type": "line", "layer": "below", "line": line, **ends}]


def _dates(reading: Reading, metric: Metric) -> list[dict[str, Any]]:
    if (moment := _moment(reading, metric)) is None:
        return []
    spec, step = moment
    place = {"x": step, "xref": "x", "xanchor": "center", "y": 1, "yref": "paper"}
    font = {"color": f"@{spec.key}", "size": 11, "weight": 700}
    text = f"step {step}"
    return [{"text": text, "yanchor": "bottom", "showarrow": False, "font": font} | place]
