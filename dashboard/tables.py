"""The HTML of the Metrics page: progress, the table of models and metrics, published numbers."""

from collections.abc import Iterable, Sequence
from itertools import groupby

from dashboard.board import Board, CellKey
from dashboard.course import line
from dashboard.doing import say_who
from dashboard.escape import esc
from dashboard.labels import duration, signed
from dashboard.panes import letter, model_style
from dashboard.provenance import Provenance, badge, checkpoint, short_revision
from dashboard.results.verdicts import cell_verdict
from loaders.family import Family, ModelSpec, Published
from metrics.formulas.collapse import Writing, flag
from metrics.formulas.fluency import FLUENCY
from metrics.formulas.knowmem import floor
from metrics.formulas.phrasing import PHRASING
from metrics.formulas.verbmem import VERBMEM
from metrics.metric import Metric
from metrics.reading.numerals import number
from metrics.results import Measurement, Sample
from metrics.store.records import say_date, say_stored

SATURATED_AUC = 0.005
BEST = {"low": "less", "high": "more", "zero": "zero"}
GROUPS = {
    "memorization": "Memorization, from more sides",
    "membership": "Membership: other attacks on the same texts",
    "utility": "Utility, and whether the model still writes",
}


def progress(family: Family, metrics: Sequence[Metric], board: Board) -> str:
    """Where the run is, in one line: metric, model, n of total, time left."""
    return line(board, _doing(family, metrics, board), "Progress of the run")


def _doing(family: Family, metrics: Sequence[Metric], board: Board) -> str:
    now = board.progress
    if board.recorded:
        return f"<b>Recorded</b> {say_date(board.recorded)}, of these models; not measured here yet"
    if board.phase == "idle":
        sizes = f"{len(family.models)} models, {len(metrics)} metrics"
        return f"<b>No run yet</b> {sizes}, every number with its samples"
    if board.phase == "waiting":
        runs = f"{board.ahead} run{'s' * (board.ahead != 1)} before yours"
        return f"<b>Waiting</b> {runs if board.ahead else 'for the models to be loaded'}"
    if board.phase == "testing":
        return "<b>Testing</b> which differences chance could explain"
    if board.phase == "finished":
        return f"<b>Finished</b> in {duration(board.seconds)}"
    if now is None:
        return "<b>Starting</b>" if board.is_running else "<b>Cancelled</b> before the first number"
    label = next((metric.label for metric in metrics if metric.key == now.metric), now.metric)
    doing = board.doing or (now,)
    done, total = sum(p.done for p in doing), sum(p.total for p in doing)
    where = f"{say_who(family, doing)} · {done} of {total}"
    stopped = "Cancelled at " if board.phase in ("cancelled", "failed") else ""
    return f"<b>{stopped}{esc(label)}</b> {esc(where)}"


def metrics_table(
    provenance: Provenance, metrics: Sequence[Metric], board: Board, name: str = ""
) -> str:
    """Models × metrics. Every number is a button that opens the samples behind it; `name` tells one
    table of a page from another."""
    family = provenance.family
    head = "".join(
        f'<th scope="col">{esc(m.label)}<small>{esc(m.explains)}</small>'
        f"<small>best: {BEST[m.best]}</small></th>"
        for m in metrics
    )
    rows = "".join(_row(provenance, spec, metrics, board) for spec in family.models)
    region = " · ".join(part for part in ("Models and metrics", name) if part)
    return (
        f'<div class="scroller" tabindex="0" role="region" aria-label="{esc(region)}">'
        f'<table class="board" style="--columns:{len(metrics)}"><thead><tr><th scope="col">'
        f'<span class="sr">Model</span></th>{head}</tr></thead><tbody>{rows}</tbody></table></div>'
        f"{_flags(family, board) if not name else ''}"
        f'<p class="footnote">{_footnote(provenance, metrics, board)}</p>'
    )


def further_tables(provenance: Provenance, metrics: Sequence[Metric], board: Board) -> str:
    """A card for each group of metrics that are not in the headline."""
    rest = [metric for metric in metrics if metric.group != "headline"]
    cards = []
    for group, some in groupby(rest, key=lambda metric: metric.group):
        table = metrics_table(provenance, tuple(some), board, group)
        cards.append(f'<section class="card"><h2>{GROUPS[group]}</h2>{table}</section>')
    return "".join(cards)


def _row(provenance: Provenance, spec: ModelSpec, metrics: Sequence[Metric], board: Board) -> str:
    family = provenance.family
    cells = "".join(f"<td>{_cell(family, spec, metric, board)}</td>" for metric in metrics)
    stored = _stored(spec, metrics, board)
    return (
        f'<tr class="model" style="{model_style(spec)}"><th scope="row">'
        f"<div>{letter(spec)}{esc(spec.label)}</div>"
        f'<small title="{esc(checkpoint(provenance, spec))}">{esc(_about(provenance, spec))}'
        f"</small>{stored}</th>{cells}</tr>"
    )


def _about(provenance: Provenance, spec: ModelSpec) -> str:
    revision = short_revision(provenance, spec)
    parts = ("the line to reach" if spec.role == "retrained" else "", revision)
    return " · ".join(part for part in parts if part)


def _stored(spec: ModelSpec, metrics: Sequence[Metric], board: Board) -> str:
    """Which of a row's numbers were not measured now, and when they were."""
    if board.recorded and any(board.measurement(spec.key, metric.key) for metric in metrics):
        return f'<small class="stored">recorded, {esc(say_date(board.recorded))}</small>'
    dates = [board.stored.get(CellKey(spec.key, metric.key)) for metric in metrics]
    known = [date for date in dates if date is not None]
    if not known:
        return ""
    if len(known) == len(metrics):
        return f'<small class="stored">{esc(say_stored(max(known)))}</small>'
    share = f"{len(known)} of {len(metrics)} stored, {say_date(max(known))}"
    return f'<small class="stored">{esc(share)}</small>'


def _cell(family: Family, spec: ModelSpec, metric: Metric, board: Board) -> str:
    measured = board.measurement(spec.key, metric.key)
    if measured is None:
        reason = board.reason(spec.key, metric.key)
        why = f'<small class="why">{esc(reason)}</small>' if reason else ""
        return f'<div class="cell empty"><b class="value">—</b>{why}</div>'
    key = CellKey(spec.key, metric.key)
    part = f"n = {measured.n} so far" if key in board.unfinished else ""
    said = cell_verdict(spec, metric, board)
    spoken = _spoken(spec, metric, measured, said)
    return (
        f'<button type="button" class="cell" data-model="{esc(spec.key)}"'
        f' data-metric="{esc(metric.key)}" aria-label="{esc(spoken)}">'
        f'<span class="line"><b class="value">{number(measured.value, metric.decimals)}</b>'
        f"<small>{esc(_beside(family, spec, metric, board))}</small></span>"
        f"{_distance(family, spec, metric, board)}"
        f'<small class="verdict">{esc(said)}</small>{_full(metric, measured)}'
        f'<small class="part">{part}</small></button>'
    )


def _spoken(spec: ModelSpec, metric: Metric, measured: Measurement, said: str) -> str:
    low, high = (number(end, metric.decimals) for end in measured.ci95)
    against = f", against Retrained: {said}" if said else ""
    return (
        f"{spec.label}, {metric.label}: {number(measured.value, metric.decimals)}, 95 % interval "
        f"{low} to {high}, {measured.n} samples{against}. Read the samples."
    )


def _beside(family: Family, spec: ModelSpec, metric: Metric, board: Board) -> str:
    measured = board.measurements[CellKey(spec.key, metric.key)]
    low, high = measured.ci95
    parts = [f"± {number((high - low) / 2, 2 if metric.decimals > 1 else 0)}"]
    if measured.auc is not None:
        parts.append(f"AUC {measured.auc:.2f}".replace("0.", "."))
    if measured.exact is not None:
        parts.append(f"EM {measured.exact:.0f}")
    if metric.key == FLUENCY.key and _flag(family, spec, board):
        parts.append("⚠ collapsed")
    return " · ".join(parts)


def _full(metric: Metric, measured: Measurement) -> str:
    """PrivLeak against the retrained model at full precision, where that is known."""
    if (full := measured.full) is None:
        return ""
    low, high = (number(end, metric.decimals) for end in full.ci95)
    text = f"{number(full.value, metric.decimals)} ({low} to {high}) against {full.reference}"
    return f'<small class="full">{esc(text)}</small>'


def _distance(family: Family, spec: ModelSpec, metric: Metric, board: Board) -> str:
    ruler = family.retrained
    if spec.role == "retrained":
        return _bar(0.0, "reference")
    reference = board.measurement(ruler.key, metric.key) if ruler else None
    if reference is None:
        return _bar(0.0, "no Retrained yet" if ruler else "no Retrained")
    difference = board.measurements[CellKey(spec.key, metric.key)].value - reference.value
    share = difference / _whole(metric, board)
    text = signed(difference, 2 if metric.decimals > 1 else 0)
    return _bar(max(-1.0, min(1.0, share)), text)


def _whole(metric: Metric, board: Board) -> float:
    """What a whole half of the small bar stands for: 1, 100, or the largest value beyond it."""
    values = [abs(m.value) for key, m in board.measurements.items() if key.metric == metric.key]
    return max(1.0 if metric.decimals > 1 else 100.0, *values)


def _bar(share: float, text: str) -> str:
    left, width = 50 + min(0.0, 50 * share), abs(50 * share)
    return (
        '<span class="line"><span class="distance">'
        f'<i style="left:{left:.1f}%;width:{width:.1f}%"></i></span>'
        f"<small>{esc(text)}</small></span>"
    )


def _flags(family: Family, board: Board) -> str:
    """The models that no longer write: their low scores are not forgetting."""
    found = [(spec, _flag(family, spec, board)) for spec in family.models]
    said = "".join(
        f'<li class="model" style="{model_style(spec)}">{letter(spec)}<span>'
        f"<b>{esc(spec.label)}</b> {esc(text)}</span></li>"
        for spec, text in found
        if text
    )
    return f'<ul class="flags" aria-label="Collapsed models">{said}</ul>' if said else ""


def _flag(family: Family, spec: ModelSpec, board: Board) -> str:
    """Why a model counts as collapsed, as far as its run is; empty for one that writes."""
    recited = board.measurement(spec.key, VERBMEM.key)
    if recited is None or CellKey(spec.key, FLUENCY.key) in board.unfinished:
        return ""
    ruler = family.retrained
    other = _writing(ruler, board) if ruler is not None and ruler.key != spec.key else None
    return flag(_writing(spec, board), recited.value, other if other and other.fluency else None)


def _writing(spec: ModelSpec, board: Board) -> Writing:
    found = [board.measurement(spec.key, metric.key) for metric in (FLUENCY, PHRASING)]
    return Writing(*(measured.samples if measured else () for measured in found))


def _footnote(provenance: Provenance, metrics: Sequence[Metric], board: Board) -> str:
    keys = {metric.key for metric in metrics}
    shown = {key: m for key, m in board.measurements.items() if key.metric in keys}
    sizes = sorted({measured.n for measured in shown.values()})
    n = f"n = {sizes[0]}" if len(sizes) == 1 else f"n = {sizes[0]}–{sizes[-1]}" if sizes else ""
    toy = "Toy numbers" if provenance.family.scale == "toy" else "Numbers"
    about = ", ".join(part for part in (toy, provenance.precision.upper(), n) if part)
    named = dict.fromkeys(m.reference for m in shown.values() if m.reference)
    against = f"PrivLeak is set against {' and '.join(named)}. " if named else ""
    ends = _saturation(provenance.family, board) if "privleak" in keys else ""
    kept = " or, where the row says so, stored" if shown.keys() & board.stored.keys() else ""
    source = "recorded" if board.recorded else f"{provenance.source}{kept}"
    return esc(
        f"{about}, {source}, 95 % intervals. {against}{ends}"
        f"{_floor(shown.values())}"
        "Small bars: distance to Retrained; the closest is best, not the lowest. "
        f"{_tests(board)} Click a number to read the samples behind it."
    )


def _tests(board: Board) -> str:
    if board.phase in ("cancelled", "failed"):
        return "The run did not come to its end, so no difference is tested."
    if board.recorded:
        return "Differences are tested when the metrics are run."
    if board.comparisons is None:
        return "Differences are tested when the run has ended."
    return "Below them: what a paired test says of the difference, after Holm's correction."


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


def _floor(shown: Iterable[Measurement]) -> str:
    """What exact match is, and what KnowMem would give for right answers to wrong questions."""
    asked = [m for m in shown if m.exact is not None and m.n > 1]
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
