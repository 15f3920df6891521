"""The charts, as Plotly figures in plain dicts; pure functions of data, drawn by `chart.js`.

Colours are names like "@ink" or "@npo" that the page looks up in `palette`, light or dark.
"""

from collections.abc import Sequence
from typing import Any

from dashboard.answers import Answer
from dashboard.board import Board
from dashboard.escape import colour, esc
from dashboard.labels import spread
from dashboard.words import points
from loaders.family import Family, ModelSpec
from metrics.metric import Metric
from metrics.reading.numerals import number
from metrics.results import Measurement

Figure = dict[str, Any]

INK = {
    "ink": ("#1d1b18", "#ece9e2"),
    "soft": ("#6b665e", "#9d988f"),
    "line": ("#e4dfd6", "#34323b"),
    "card": ("#ffffff", "#1f1e24"),
}
FONT = "system-ui, -apple-system, Segoe UI, Roboto, DejaVu Sans, sans-serif"
BAR = 0.2
LABEL_GAP = 8.5
LABEL_WIDTH = 25


def curves(family: Family, answers: Sequence[Answer], max_new_tokens: int, run: str = "") -> Figure:
    """ROUGE-L so far by tokens, a line per model, each labelled at the right without overlap."""
    said = {answer.model: answer for answer in answers if answer.curve}
    specs = [spec for spec in family.models if spec.key in said]
    lines = [_curve(spec, said[spec.key]) for spec in specs]
    places = spread([points(said[spec.key]) for spec in specs], LABEL_GAP, -4, 104)
    names = [
        label(spec, f"{spec.label} {points(said[spec.key])}", 1.0, place, xref="paper", xshift=8)
        | {"name": f"{esc(spec.letter)} {points(said[spec.key])}"}
        for spec, place in zip(specs, places, strict=True)
    ]
    heard = ", ".join(f"{spec.label} {points(said[spec.key])}" for spec in specs)
    layout = base_layout(run) | {
        "margin": {"l": 36, "r": 124, "t": 8, "b": 40},
        "xaxis": axis_of([0, max_new_tokens], "tokens"),
        "yaxis": axis_of([-6, 106], "", [0, 25, 50, 75, 100]),
        "annotations": names,
    }
    return make_figure(
        family, lines, layout, f"ROUGE-L to the true text so far: {heard or 'no run'}."
    )


def _curve(spec: ModelSpec, answer: Answer) -> dict[str, Any]:
    ended = answer.phase in ("finished", "stopped")
    sizes = [0] * (len(answer.curve) - 1) + [9 if ended else 5]
    return {
        "type": "scatter",
        "mode": "lines+markers",
        "name": spec.label,
        "x": [point.tokens for point in answer.curve],
        "y": [round(100 * point.score, 1) for point in answer.curve],
        "line": {"color": f"@{spec.key}", "width": 2.5},
        "marker": {
            "symbol": spec.marker,
            "size": sizes,
            "opacity": 1,
            "color": f"@{spec.key}",
            "line": {"width": 0},
        },
        "cliponaxis": False,
        "hovertemplate": f"{esc(spec.label)} %{{y:.0f}} after %{{x}} tokens<extra></extra>",
    }


def bars(family: Family, board: Board, metrics: Sequence[Metric]) -> Figure:
    """Each metric's bars with 95 % intervals and Retrained as a dashed line; PrivLeak apart."""
    points_of_100 = [m for m in metrics if m.best != "zero" and m.key != "fluency"]
    around_zero = [m for m in metrics if m.best == "zero"]
    groups = [(metric, i, "") for i, metric in enumerate(points_of_100)]
    groups += [(metric, i, "2") for i, metric in enumerate(around_zero)]
    traces, shapes, letters = [], [], []
    for place, spec in enumerate(family.models):
        offset = (place - (len(family.models) - 1) / 2) * BAR * 4 / len(family.models)
        for axis in ("", "2"):
            mine = [(m, x) for m, x, a in groups if a == axis]
            traces += _bar(spec, board, mine, offset, axis, 0.86 * BAR * 4 / len(family.models))
            letters += [_letter(spec, x + offset, axis) for _, x in mine]
    if family.retrained is not None:
        shapes = [_ruler(family.retrained, board, *group) for group in groups]
    layout = base_layout("metrics") | {
        "margin": {"l": 36, "r": 44, "t": 10, "b": 64},
        "bargap": 0,
        "barmode": "overlay",
        "xaxis": groups_axis([m.label for m in points_of_100]) | {"domain": [0, 0.74]},
        "xaxis2": groups_axis([m.label for m in around_zero])
        | {"domain": [0.79, 1], "anchor": "y2"},
        "yaxis": axis_of([0, 104], "", [0, 25, 50, 75, 100]),
        "yaxis2": axis_of([-104, 104], "", [-100, -50, 0, 50, 100])
        | {"anchor": "x2", "side": "right", "zeroline": True, "zerolinecolor": "@soft"},
        "shapes": [shape for shape in shapes if shape],
        "annotations": letters,
    }
    return make_figure(family, traces, layout, _heard(family, board, metrics))


def _bar(
    spec: ModelSpec,
    board: Board,
    groups: Sequence[tuple[Metric, int]],
    offset: float,
    axis: str,
    width: float,
) -> list[dict[str, Any]]:
    found = [(m, x, board.measurement(spec.key, m.key)) for m, x in groups]
    known = [(m, x, measured) for m, x, measured in found if measured is not None]
    if not known:
        return []
    values = [measured.value for _, _, measured in known]
    return [
        {
            "type": "bar",
            "name": spec.label,
            "x": [x + offset for _, x, _ in known],
            "y": values,
            "width": width,
            "marker": {"color": f"@{spec.key}", "cornerradius": 3},
            "error_y": _error([measured for _, _, measured in known]),
            "customdata": [m.label for m, _, _ in known],
            "hovertemplate": f"{esc(spec.label)}, %{{customdata}}: %{{y:.1f}}<extra></extra>",
            "xaxis": f"x{axis}",
            "yaxis": f"y{axis}",
        }
    ]


def _ruler(spec: ModelSpec, board: Board, metric: Metric, x: int, axis: str) -> dict[str, Any]:
    measured = board.measurement(spec.key, metric.key)
    if measured is None:
        return {}
    line = {"color": f"@{spec.key}", "width": 2, "dash": "dash"}
    ends = {"x0": x - 0.46, "x1": x + 0.46, "y0": measured.value, "y1": measured.value}
    return {"type": "line", "xref": f"x{axis}", "yref": f"y{axis}", "line": line} | ends


def _letter(spec: ModelSpec, x: float, axis: str) -> dict[str, Any]:
    place = {"x": x, "xref": f"x{axis}", "y": 0, "yref": "paper", "yanchor": "top", "yshift": -1}
    font = {"color": f"@{spec.key}", "size": 11, "weight": 700}
    return {"text": esc(spec.letter), "showarrow": False, "font": font} | place


def scatter(family: Family, board: Board, forget: Metric, utility: Metric) -> Figure:
    """Forgetting against utility with both intervals; less remembered stands further right."""
    found = [
        (spec, board.measurement(spec.key, forget.key), board.measurement(spec.key, utility.key))
        for spec in family.models
    ]
    known = [(s, x, y) for s, x, y in found if x is not None and y is not None]
    places = _beside([x.value for _, x, _ in known], [y.value for _, _, y in known])
    names = [
        label(spec, spec.label, x.value, place, xref="x", xshift=14)
        for (spec, x, _), place in zip(known, places, strict=True)
    ]
    layout = base_layout("metrics") | {
        "margin": {"l": 52, "r": 84, "t": 10, "b": 48},
        "xaxis": axis_of([106, -6], f"{forget.label}: less is remembered →", [0, 25, 50, 75, 100]),
        "yaxis": axis_of([-4, 106], utility.label, [0, 25, 50, 75, 100]),
        "annotations": names,
    }
    traces = [_dot(spec, x, y) for spec, x, y in known]
    heard = "; ".join(
        f"{spec.label}: {forget.label} {number(x.value, 0)}, {utility.label} {number(y.value, 0)}"
        for spec, x, y in known
    )
    return make_figure(
        family, traces, layout, f"Forgetting against utility. {heard or 'No run yet'}."
    )


def _beside(xs: Sequence[float], ys: Sequence[float]) -> list[float]:
    """Heights of labels right of their dots: moved apart only where dots are close in x too."""
    places = list(ys)
    order = sorted(range(len(xs)), key=lambda i: xs[i])
    group: list[int] = []
    for index in [*order, None]:
        if group and (index is None or xs[index] - xs[group[-1]] > LABEL_WIDTH):
            for member, place in zip(
                group, spread([ys[i] for i in group], LABEL_GAP, 0, 100), strict=True
            ):
                places[member] = place
            group = []
        if index is not None:
            group.append(index)
    return places


def _dot(spec: ModelSpec, x: Measurement, y: Measurement) -> dict[str, Any]:
    return {
        "type": "scatter",
        "mode": "markers",
        "name": spec.label,
        "x": [x.value],
        "y": [y.value],
        "error_x": _error([x]),
        "error_y": _error([y]),
        "marker": {
            "symbol": f"{spec.marker}-open",  # open: models in one place all stay visible
            "size": 18 if spec.role == "retrained" else 14,
            "color": f"@{spec.key}",
            "line": {"width": 3},
        },
        "hovertemplate": f"{esc(spec.label)} (%{{x:.1f}}, %{{y:.1f}})<extra></extra>",
    }


def _error(measured: Sequence[Measurement]) -> dict[str, Any]:
    return {
        "type": "data",
        "symmetric": False,
        "array": [max(0.0, m.ci95[1] - m.value) for m in measured],
        "arrayminus": [max(0.0, m.value - m.ci95[0]) for m in measured],
        "color": "@ink",
        "thickness": 1.5,
        "width": 0,
    }


def _heard(family: Family, board: Board, metrics: Sequence[Metric]) -> str:
    lines = []
    for metric in metrics:
        found = [(m.label, board.measurement(m.key, metric.key)) for m in family.models]
        said = ", ".join(f"{label} {number(m.value, 1)}" for label, m in found if m is not None)
        if said:
            lines.append(f"{metric.label}: {said}")
    return "; ".join(lines) + "." if lines else "No metric has been run yet."


def palette(family: Family) -> dict[str, dict[str, str]]:
    """The colours of both appearances by name."""
    pairs = INK | {m.key: (colour(m.colour), colour(m.colour_dark)) for m in family.models}
    return {
        "light": {name: pair[0] for name, pair in pairs.items()},
        "dark": {name: pair[1] for name, pair in pairs.items()},
    }


def label(spec: ModelSpec, text: str, x: float, y: float, xref: str, xshift: int) -> dict[str, Any]:
    """A model's name in its colour, right of a place; `xref` is a Plotly axis or "paper"."""
    place = {"x": x, "xref": xref, "y": y, "yref": "y", "xanchor": "left", "xshift": xshift}
    font = {"color": f"@{spec.key}", "size": 12, "weight": 700}
    return {"text": esc(text), "showarrow": False, "font": font} | place


def axis_of(limits: list[float], title: str, ticks: Sequence[int] = ()) -> dict[str, Any]:
    """An axis from end to end with quiet lines; the grid is drawn where ticks are given."""
    axis: dict[str, Any] = {
        "range": limits,
        "title": {"text": title, "font": {"size": 12, "color": "@soft"}},
        "gridcolor": "@line",
        "zeroline": False,
        "showline": False,
        "tickfont": {"size": 12, "color": "@soft"},
        "showgrid": bool(ticks),
    }
    return axis | ({"tickvals": list(ticks)} if ticks else {"nticks": 6})


def groups_axis(names: Sequence[str]) -> dict[str, Any]:
    """An axis of groups at 0, 1, …, with room for letters between the axis and their names."""
    return {
        "range": [-0.5, len(names) - 0.5],
        "tickvals": list(range(len(names))),
        "ticktext": [esc(name).replace(", ", ",<br>") for name in names],
        "tickangle": 0,
        "ticks": "outside",
        "ticklen": 18,
        "tickcolor": "rgba(0,0,0,0)",
        "tickfont": {"size": 12, "color": "@soft"},
        "showgrid": False,
        "zeroline": False,
        "fixedrange": True,
    }


def base_layout(revision: str) -> dict[str, Any]:
    """What all charts share; zoom is kept as long as `revision` stays the same."""
    return {
        "uirevision": revision,
        "showlegend": False,
        "hovermode": "closest",
        "paper_bgcolor": "rgba(0,0,0,0)",
        "plot_bgcolor": "rgba(0,0,0,0)",
        "font": {"family": FONT, "size": 12, "color": "@ink"},
        "hoverlabel": {
            "bgcolor": "@card",
            "bordercolor": "@line",
            "font": {"family": FONT, "color": "@ink"},
        },
    }


def make_figure(family: Family, data: list[Any], layout: dict[str, Any], heard: str) -> Figure:
    """The whole of what assets/chart.js needs; `heard` is what a screen reader says."""
    return {"data": data, "layout": layout, "palette": palette(family), "description": heard}
