"""The ROC curves of the membership attacks, as Plotly figures; pure functions of a board."""

from dashboard.board import Board, CellKey
from dashboard.escape import esc
from dashboard.figures import LABEL_GAP, Figure, axis_of, base_layout, label, make_figure
from dashboard.labels import spread
from loaders.family import Family, ModelSpec
from metrics.formulas.membership import roc
from metrics.metric import Metric
from metrics.registry import METRICS
from metrics.results import LikelihoodSample, Measurement

ATTACKS = tuple(m for m in METRICS if m.best == "zero" and m.needs_reference)
TICKS = [0, 25, 50, 75, 100]


def roc_figure(family: Family, board: Board, metric: Metric) -> Figure:
    """One attack on every model: the share of forget texts that it takes for members by that of
    holdout texts. The names stand at the height of the area under each curve, in points."""
    found = [(spec, board.measurement(spec.key, metric.key)) for spec in family.models]
    known = [
        (spec, one) for spec, one in found if one is not None and one.auc is not None and _both(one)
    ]
    known = [row for row in known if CellKey(row[0].key, metric.key) not in board.unfinished]
    areas = [100 * (1 - (one.auc or 0.0)) for _, one in known]
    places = spread(areas, LABEL_GAP, 0, 100)
    names = [
        label(spec, f"{spec.label} {_share(area)}", 1.0, place, xref="paper", xshift=8)
        | {"name": f"{esc(spec.letter)} {_share(area)}"}
        for (spec, _), area, place in zip(known, areas, places, strict=True)
    ]
    heard = ", ".join(
        f"{spec.label} {_share(area)}" for (spec, _), area in zip(known, areas, strict=True)
    )
    layout = base_layout("roc") | {
        "margin": {"l": 40, "r": 108, "t": 8, "b": 42},
        "xaxis": axis_of([-2, 102], "holdout texts taken for members, %", TICKS),
        "yaxis": axis_of([-2, 104], "", TICKS),
        "annotations": names,
    }
    traces = [_chance(), *(_curve(spec, one) for spec, one in known)]
    return make_figure(
        family, traces, layout, f"{metric.label}, area under the curve: {heard or 'no run'}."
    )


def _both(measured: Measurement) -> bool:
    splits = {one.split for one in measured.samples if isinstance(one, LikelihoodSample)}
    return {"forget", "holdout"} <= splits


def _share(area: float) -> str:
    return f"{area / 100:.2f}".removeprefix("0") if area < 99.5 else "1.00"


def _chance() -> dict[str, object]:
    return {
        "type": "scatter",
        "mode": "lines",
        "name": "chance",
        "x": [0, 100],
        "y": [0, 100],
        "line": {"color": "@soft", "width": 1, "dash": "dot"},
        "hoverinfo": "skip",
    }


def _curve(spec: ModelSpec, measured: Measurement) -> dict[str, object]:
    points = roc(measured.samples)
    return {
        "type": "scatter",
        "mode": "lines",
        "name": spec.label,
        "x": [round(100 * point.holdout, 1) for point in points],
        "y": [round(100 * point.forget, 1) for point in points],
        "line": {
            "color": f"@{spec.key}",
            "width": 2.5,
            "dash": "dash" if spec.role == "retrained" else "solid",
        },
        "hovertemplate": f"{esc(spec.label)}: %{{y:.0f}} % of the forget texts at %{{x:.0f}} % of "
        "the holdout texts<extra></extra>",
    }
