"""A metric over precision: one line per model; pure.

Every panel is a chart of its own, so that they find their places on a phone.
"""

from collections.abc import Sequence
from typing import Any

from dashboard.escape import esc
from dashboard.figures import Figure, base_layout, label, make_figure
from dashboard.precision.axes import MARGIN, TICK_SIZE, choose_scale, places_axis
from dashboard.precision.reading import Reading
from loaders.family import ModelSpec
from metrics.metric import Metric
from metrics.reading.numerals import number
from metrics.reading.recovery import BITS
from metrics.results import Measurement

APART = 0.12  # of models at one precision, side by side so that their intervals can be told apart

Trace = dict[str, Any]


def over_precision(reading: Reading, metric: Metric) -> Figure:
    """One line per model over the precisions, with 95 % intervals; Retrained is dashed."""
    known = [(spec, _measured(reading, spec, metric)) for spec in reading.family.models]
    known = [(spec, found) for spec, found in known if found]
    ends = [measured for _, found in known for measured in found.values()]
    scale = choose_scale(metric, [end for measured in ends for end in measured.ci95])
    traces = [_line(reading, spec, metric, found) for spec, found in known]
    last = [list(found.values())[-1].value for _, found in known]
    names = [
        label(spec, spec.label, 1.0, place, xref="paper", xshift=4) | {"name": esc(spec.letter)}
        for (spec, _), place in zip(known, scale.apart(last), strict=True)
    ]
    missing = [place for place, name in enumerate(BITS) if name not in reading.precisions]
    said = [_not_measured(place) for place in missing] if known else [_nothing()]
    layout = base_layout(f"precision-{metric.key}") | {
        "margin": MARGIN,
        "xaxis": places_axis(BITS),
        "yaxis": scale.axis,
        "shapes": [_band(place) for place in missing],
        "annotations": names + said,
    }
    heard = _heard(reading, metric, known)
    return make_figure(reading.family, traces, layout, heard) | {"ticks": TICK_SIZE}


def _measured(reading: Reading, spec: ModelSpec, metric: Metric) -> dict[str, Measurement]:
    found = {name: reading.number(spec, metric, name) for name in reading.precisions}
    return {name: measured for name, measured in found.items() if measured is not None}


def _line(
    reading: Reading, spec: ModelSpec, metric: Metric, found: dict[str, Measurement]
) -> Trace:
    models = reading.family.models
    shift = (models.index(spec) - (len(models) - 1) / 2) * APART
    is_ruler = spec.role == "retrained"
    measured = list(found.values())
    return {
        "type": "scatter",
        "mode": "lines+markers",
        "name": spec.label,
        "x": [BITS.index(name) + shift for name in found],
        "y": [one.value for one in measured],
        "error_y": _bars(measured, f"@{spec.key}"),
        "line": {"color": f"@{spec.key}", "width": 2, "dash": "dash" if is_ruler else "solid"},
        "marker": {
            "symbol": spec.marker,
            "size": 13 if is_ruler else 10,
            "color": f"@{spec.key}",
            "line": {"width": 1, "color": "@card"},
        },
        "cliponaxis": False,
        "hoverinfo": "text",
        "hovertext": [_hover(spec, metric, name, one) for name, one in found.items()],
    }


def _bars(measured: Sequence[Measurement], hue: str) -> dict[str, Any]:
    return {
        "type": "data",
        "symmetric": False,
        "array": [max(0.0, one.ci95[1] - one.value) for one in measured],
        "arrayminus": [max(0.0, one.value - one.ci95[0]) for one in measured],
        "color": hue,
        "thickness": 1.5,
        "width": 0,
    }


def _hover(spec: ModelSpec, metric: Metric, precision: str, measured: Measurement) -> str:
    low, high = (number(end, metric.decimals) for end in measured.ci95)
    against = f"<br>against {esc(measured.reference)}" if measured.reference else ""
    return (
        f"<b>{esc(spec.label)}</b> at {esc(precision)}<br>"
        f"{esc(metric.label)} {number(measured.value, metric.decimals)} ({low} to {high})<br>"
        f"n = {measured.n}{against}"
    )


def _band(place: int) -> dict[str, Any]:
    across = {"x0": place - 0.5, "x1": place + 0.5, "y0": 0, "y1": 1}
    refs = {"xref": "x", "yref": "paper", "layer": "below"}
    return {
        "type": "rect",
        **across,
        **refs,
        "fillcolor": "@line",
        "opacity": 0.5,
        "line": {"width": 0},
    }


def _not_measured(place: int) -> dict[str, Any]:
    middle = {"x": place, "xref": "x", "y": 0.5, "yref": "paper", "textangle": -90}
    font = {"color": "@soft", "size": 12}
    return {"text": "not measured", "showarrow": False, "font": font} | middle


def _nothing() -> dict[str, Any]:
    middle = {"x": 0.5, "xref": "paper", "y": 0.5, "yref": "paper"}
    return {"text": "not measured yet", "showarrow": False, "font": {"color": "@soft"}} | middle


def _heard(
    reading: Reading, metric: Metric, known: Sequence[tuple[ModelSpec, dict[str, Measurement]]]
) -> str:
    lines = [
        f"{spec.label} "
        + ", ".join(f"{name} {number(one.value, metric.decimals)}" for name, one in found.items())
        for spec, found in known
    ]
    return f"{metric.label} over precision. {'; '.join(lines) or 'Nothing measured yet'}."
