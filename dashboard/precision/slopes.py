"""Published pairs as slopes from full precision to 4 bits; pure."""

from collections.abc import Sequence
from typing import Any

from dashboard.escape import colour, esc
from dashboard.figures import INK, Figure, base_layout
from dashboard.precision.axes import MARGIN, TICK_SIZE, choose_scale, places_axis
from dashboard.precision.published import Pair, Pairs, PaperModel
from dashboard.precision.words import name_metric, percent
from metrics.metric import Metric
from metrics.reading.numerals import number

PAPER = "paper:"  # what a published model's colour is called, so that it is no model's of ours

Trace = dict[str, Any]


def slopes(pairs: Pairs, metric: Metric) -> Figure:
    """A published metric from full precision to 4 bits, a line per model; Retrained is dashed.

    Dotted: a second full-precision value that the same source prints.
    """
    source = pairs.sources[0]
    counting = pairs.counting(source)
    drawn = [pair for pair in pairs.of(source) if metric.key in pair.full]
    both = [pair for pair in counting if metric.key in pair.quantized]
    scale = choose_scale(metric, [value for pair in drawn for value in _values(pair, metric)])
    places = scale.apart([pair.quantized[metric.key] for pair in both])
    names = [_name(pairs.model(pair), place) for pair, place in zip(both, places, strict=True)]
    rulers = [pair for pair in drawn if pairs.model(pair).role == "retrained"]
    axis = places_axis((pairs.full, pairs.quantized)) | {"range": [-0.12, 1.1]}
    layout = base_layout(f"published-{metric.key}") | {
        "margin": MARGIN,
        "xaxis": axis,
        "yaxis": scale.axis,
        "shapes": [_ruler(pairs.model(pair), pair.full[metric.key]) for pair in rulers],
        "annotations": names,
    }
    traces = [_slope(pairs, pair, metric, dotted=pair not in counting) for pair in drawn]
    return {
        "data": traces,
        "layout": layout,
        "palette": _palette(pairs),
        "ticks": TICK_SIZE,
        "description": _heard_published(pairs, counting, metric),
    }


def _values(pair: Pair, metric: Metric) -> list[float]:
    found = (pair.full.get(metric.key), pair.quantized.get(metric.key))
    return [value for value in found if value is not None]


def _slope(pairs: Pairs, pair: Pair, metric: Metric, dotted: bool) -> Trace:
    model, values = pairs.model(pair), _values(pair, metric)
    symbol = f"{model.marker}-open" if dotted else model.marker
    hue = f"@{PAPER}{model.key}"
    return {
        "type": "scatter",
        "mode": "lines+markers",
        "name": f"{model.label}, {pair.where}",
        "x": list(range(len(values))),
        "y": values,
        "line": {
            "color": hue,
            "width": 1.5 if dotted else 2.5,
            "dash": "dot" if dotted else "solid",
        },
        "marker": {
            "symbol": symbol,
            "size": 13 if model.role == "retrained" else 10,
            "color": hue,
            "line": {"width": 1.5 if dotted else 1, "color": hue if dotted else "@card"},
        },
        "cliponaxis": False,
        "hoverinfo": "text",
        "hovertext": [_said(pairs, pair, metric)] * len(values),
    }


def _said(pairs: Pairs, pair: Pair, metric: Metric) -> str:
    told = " → ".join(number(value, 1) for value in _values(pair, metric))
    share = pairs.regained(pair, metric.key)
    back = f"<br>{percent(share)} of the way back" if share is not None else ""
    name = f"<b>{esc(pairs.model(pair).label)}</b>, {esc(pair.where)}"
    return f"{name}<br>{esc(metric.label)} {told}{back}"


def _name(model: PaperModel, y: float) -> dict[str, Any]:
    font = {"color": f"@{PAPER}{model.key}", "size": 12, "weight": 700}
    place = {"x": 1.0, "xref": "paper", "y": y, "yref": "y", "xanchor": "left", "xshift": 4}
    return {"text": esc(model.label), "showarrow": False, "font": font} | place


def _ruler(model: PaperModel, level: float) -> dict[str, Any]:
    line = {"color": f"@{PAPER}{model.key}", "width": 2, "dash": "dash"}
    ends = {"x0": 0, "x1": 1, "y0": level, "y1": level, "xref": "paper", "yref": "y"}
    return {"type": "line", "layer": "between", "line": line} | ends


def _palette(pairs: Pairs) -> dict[str, dict[str, str]]:
    known = {f"{PAPER}{m.key}": (colour(m.colour), colour(m.colour_dark)) for m in pairs.models}
    return {
        mode: {name: pair[index] for name, pair in (INK | known).items()}
        for index, mode in enumerate(("light", "dark"))
    }


def _heard_published(pairs: Pairs, counting: Sequence[Pair], metric: Metric) -> str:
    told = "; ".join(
        f"{pairs.model(pair).label} {' to '.join(number(v, 1) for v in _values(pair, metric))}"
        for pair in counting
        if metric.key in pair.full
    )
    return (
        f"Published {name_metric(metric)} of {pairs.title}, from {pairs.full} to "
        f"{pairs.quantized}: {told}."
    )
