"""The HTML of the Metrics page: progress, the table of models and metrics, published numbers."""

from collections.abc import Sequence

from dashboard.board import Board, CellKey
from dashboard.escape import esc
from dashboard.labels import duration, number, signed
from dashboard.panes import letter, model_style
from dashboard.provenance import Provenance, badge, checkpoint, short_revision
from loaders.family import Family, ModelSpec, Published
from metrics.fluency import collapsed_set
from metrics.knowmem import floor
from metrics.metric import Metric
from metrics.results import Measurement, Sample

SATURATED_AUC = 0.005
BEST = {"low": "less", "high": "more", "zero": "zero"}


def decimals(metric: Metric) -> int:
    """Fluency is in 0–1, everything else in points of 100."""
    return 2 if metric.key == "fluency" else 1


def progress(family: Family, metrics: Sequence[Metric], board: Board) -> str:
    """Where the run is, in one line: metric, model, n of total, time left."""
    now = board.progress
    fraction = 1.0 if board.phase == "finished" else now.fraction if now else 0.0
    left = board.seconds_left
    time_left = f"{duration(left)} left" if board.is_running and left is not None else ""
    return (
        f'<div class="progress" data-phase="{board.phase}"><p>{_doing(family, metrics, board)}</p>'
        f'<div class="track" role="progressbar" aria-label="Progress of the run" '
        f'aria-valuemin="0" aria-valuemax="100" aria-valuenow="{100 * fraction:.0f}">'
        f'<i style="width:{100 * fraction:.1f}%"></i></div>'
        f'<p class="left">{time_left}</p></div>'
    )


def _doing(family: Family, metrics: Sequence[Metric], board: Board) -> str:
    now = board.progress
    if board.phase == "idle":
        sizes = f"{len(family.models)} models, {len(metrics)} metrics"
        return f"<b>No run yet</b> {sizes}, every number with its samples"
    if board.phase == "waiting":
        runs = f"{board.ahead} run{'s' * (board.ahead != 1)} before yours"
        return f"<b>Waiting</b> {runs if board.ahead else 'for the models to be loaded'}"
    if board.phase == "finished":
        return f"<b>Finished</b> in {duration(board.seconds)}"
    if now is None:
        return "<b>Starting</b>" if board.is_running else "<b>Cancelled</b> before the first number"
    label = next((metric.label for metric in metrics if metric.key == now.metric), now.metric)
    where = f"{family.model(now.model).label} · {now.done} of {now.total}"
    stopped = "Cancelled at " if board.phase in ("cancelled", "failed") else ""
    return f"<b>{stopped}{esc(label)}</b> {esc(where)}"


def metrics_table(provenance: Provenance, metrics: Sequence[Metric], board: Board) -> str:
    """Models × metrics. Every number is a button that opens the samples behind it."""
    family = provenance.family
    head = "".join(
        f'<th scope="col">{esc(m.label)}<small>{esc(m.explains)}</small>'
        f"<small>best: {BEST[m.best]}</small></th>"
        for m in metrics
    )
    rows = "".join(_row(provenance, spec, metrics, board) for spec in family.models)
    return (
        f'<div class="scroller" tabindex="0" role="region" aria-label="Models and metrics">'
        f'<table class="board"><thead><tr><th scope="col"><span class="sr">Model</span></th>{head}'
        f"</tr></thead><tbody>{rows}</tbody></table></div>"
        f'<p class="footnote">{_footnote(provenance, board)}</p>'
    )


def _row(provenance: Provenance, spec: ModelSpec, metrics: Sequence[Metric], board: Board) -> str:
    family = provenance.family
    cells = "".join(f"<td>{_cell(family, spec, metric, board)}</td>" for metric in metrics)
    return (
        f'<tr class="model" style="{model_style(spec)}"><th scope="row">'
        f"<div>{letter(spec)}{esc(spec.label)}</div>"
        f'<small title="{esc(checkpoint(provenance, spec))}">{esc(_about(provenance, spec))}'
        f"</small></th>{cells}</tr>"
    )


def _about(provenance: Provenance, spec: ModelSpec) -> str:
    revision = short_revision(provenance, spec)
    parts = ("the line to reach" if spec.role == "retrained" else "", revision)
    return " · ".join(part for part in parts if part)


def _cell(family: Family, spec: ModelSpec, metric: Metric, board: Board) -> str:
    measured = board.measurement(spec.key, metric.key)
    if measured is None:
        reason = board.reason(spec.key, metric.key)
        why = f'<small class="why">{esc(reason)}</small>' if reason else ""
        return f'<div class="cell empty"><b class="value">—</b>{why}</div>'
    ruler = family.retrained
    reference = board.measurement(ruler.key, metric.key) if ruler else None
    key = CellKey(spec.key, metric.key)
    part = f"n = {measured.n} so far" if key in board.unfinished else ""
    return (
        f'<button type="button" class="cell" data-model="{esc(spec.key)}"'
        f' data-metric="{esc(metric.key)}" aria-label="{esc(_spoken(spec, metric, measured))}">'
        f'<span class="line"><b class="value">{number(measured.value, decimals(metric))}</b>'
        f"<small>{esc(_beside(metric, measured, reference))}</small></span>"
        f"{_distance(spec, metric, measured, reference)}"
        f'<small class="part">{part}</small></button>'
    )


def _spoken(spec: ModelSpec, metric: Metric, measured: Measurement) -> str:
    digits = decimals(metric)
    low, high = (number(end, digits) for end in measured.ci95)
    return (
        f"{spec.label}, {metric.label}: {number(measured.value, digits)}, 95 % interval {low} to "
        f"{high}, {measured.n} samples. Read the samples."
    )


def _beside(metric: Metric, measured: Measurement, reference: Measurement | None) -> str:
    low, high = measured.ci95
    half = number((high - low) / 2, 2 if metric.key == "fluency" else 0)
    parts = [f"± {half}"]
    if measured.auc is not None:
        parts.append(f"AUC {measured.auc:.2f}".replace("0.", "."))
    if measured.exact is not None:
        parts.append(f"EM {measured.exact:.0f}")
    if metric.key == "fluency" and collapsed_set(
        measured.samples, reference.samples if reference else None
    ):
        parts.append("⚠ collapsed")
    return " · ".join(parts)


def _distance(
    spec: ModelSpec, metric: Metric, measured: Measurement, reference: Measurement | None
) -> str:
    if spec.role == "retrained":
        return _bar(0.0, "reference")
    if reference is None:
        return _bar(0.0, "no Retrained yet")
    difference = measured.value - reference.value
    share = difference / (1.0 if metric.key == "fluency" else 100.0)
    text = signed(difference, 2 if metric.key == "fluency" else 0)
    return _bar(max(-1.0, min(1.0, share)), f"{text} {_verdict(metric, measured, reference)}")


def _verdict(metric: Metric, measured: Measurement, reference: Measurement) -> str:
    (low, high), (ref_low, ref_high) = measured.ci95, reference.ci95
    if low <= ref_high and ref_low <= high:
        return "≈"
    return "over-forgets" if metric.best == "low" and high < ref_low else ""


def _bar(share: float, text: str) -> str:
    left, width = 50 + min(0.0, 50 * share), abs(50 * share)
    return (
        '<span class="line"><span class="distance">'
        f'<i style="left:{left:.1f}%;width:{width:.1f}%"></i></span>'
        f"<small>{esc(text)}</small></span>"
    )


def _footnote(provenance: Provenance, board: Board) -> str:
    sizes = sorted({measured.n for measured in board.measurements.values()})
    n = f"n = {sizes[0]}" if len(sizes) == 1 else f"n = {sizes[0]}–{sizes[-1]}" if sizes else ""
    toy = "Toy numbers" if provenance.family.scale == "toy" else "Numbers"
    about = ", ".join(part for part in (toy, provenance.precision.upper(), n) if part)
    named = dict.fromkeys(m.reference for m in board.measurements.values() if m.reference)
    against = f"PrivLeak is set against {' and '.join(named)}. " if named else ""
    return esc(
        f"{about}, {provenance.source}, 95 % intervals. {against}"
        f"{_saturation(provenance.family, board)}{_floor(board)}Small bars: distance to "
        "Retrained; the closest is best, not the lowest. ≈: the intervals of the two overlap, no "
        "test has told them apart. Click a number to read the samples behind it."
    )


def _saturation(family: Family, board: Board) -> str:
    """Names the models whose PrivLeak is at the lower end of its axis, where no more can show."""
    ended = [
        spec.label
        for spec in family.models
        if (measured := board.measurement(spec.key, "privleak")) is not None
        and measured.auc is not None
        and measured.auc < SATURATED_AUC
    ]
    if not ended:
        return ""
    return (
        f"PrivLeak of {' and '.join(ended)} is saturated: the attack tells every text, and "
        "−100 is the end of the axis. "
    )


def _floor(board: Board) -> str:
    """What exact match is, and what KnowMem would give for right answers to wrong questions."""
    asked = [m for m in board.measurements.values() if m.exact is not None and m.n > 1]
    if not asked:
        return ""
    floors = {
        floor(tuple(s.reference for s in measured.samples if isinstance(s, Sample)))
        for measured in asked
    }
    return f"EM: exact match; answers shuffled among the questions would give {max(floors):.1f}. "


def published_block(published: Published, metrics: Sequence[Metric]) -> str:
    """Numbers from the literature, on their own: no target for a run at another precision."""
    shown = [m for m in metrics if any(m.key in row.values for row in published.rows)]
    head = "".join(f'<th scope="col">{esc(metric.label)}</th>' for metric in shown)
    rows = "".join(
        f'<tr><th scope="row">{esc(row.label)}</th>'
        + "".join(f"<td>{_published_value(row.values.get(m.key))}</td>" for m in shown)
        + "</tr>"
        for row in published.rows
    )
    mark = badge(f"PUBLISHED · {published.precision}", "published")
    return (
        f'<section class="card"><h2>In the literature {mark}</h2>'
        f'<p class="sub">{esc(published.source)}. Measured by others at '
        f"{esc(published.precision)}: not what a 4-bit run should come to.</p>"
        '<div class="scroller" tabindex="0" role="region" aria-label="Published numbers">'
        f'<table class="plain"><thead><tr><th scope="col"><span class="sr">Model</span></th>{head}'
        f"</tr></thead><tbody>{rows}</tbody></table></div></section>"
    )


def _published_value(value: float | None) -> str:
    return "—" if value is None else number(value, 2)
