"""The HTML of the Precision page about this family: question, precisions, run, recoveries."""

from collections.abc import Mapping, Sequence

from dashboard.course import line
from dashboard.doing import say_who
from dashboard.escape import esc
from dashboard.labels import duration
from dashboard.panes import letter, model_style
from dashboard.precision.course import Course
from dashboard.precision.literature import paper_badge
from dashboard.precision.published import Pairs
from dashboard.precision.reading import Reading
from dashboard.precision.words import (
    QUESTION,
    answer_here,
    answer_published,
    describe_source,
    percent,
    percents,
)
from dashboard.provenance import badge
from dashboard.question import card, side
from dashboard.sweep.methods import listed
from loaders.family import ModelSpec
from metrics.metric import Metric
from metrics.reading.numerals import number
from metrics.reading.recovery import BITS, Dash, Recovery
from metrics.results import Results

KINDS = {
    "fp32": "32-bit floats",
    "bf16": "16-bit floats",
    "int8": "8-bit integers",
    "nf4": "4 bits, normal quantiles",
    "fp4": "4-bit floats",
}
FORMULA = "(at this precision − at full precision) ÷ (Original − at full precision)"


def published_leads(reading: Reading) -> bool:
    """Whether the literature comes first: unless this family shows that something comes back."""
    return reading.verdict.kind != "some"


def question_card(
    reading: Reading, pairs: Pairs, rates: Sequence[float] = (), leads: bool = True
) -> str:
    """The question, and side by side what the literature and what this family answers; the
    literature first where it `leads`."""
    here = side(reading.family.title, our_badge(reading), answer_here(reading, rates))
    there = side(pairs.title, paper_badge(pairs), answer_published(pairs))
    first, second = (there, here) if leads else (here, there)
    return card(QUESTION, first, second)


def our_badge(reading: Reading) -> str:
    """The precisions that were measured, whether now or before, and the scale."""
    parts = (*reading.precisions, reading.source, reading.family.scale)
    text = " · ".join(part for part in parts if part).upper()
    created = reading.results.created[:10] if reading.results else ""
    return badge(text, f"beside {'live' if reading.source == 'live' else ''}", created)


def panels_head(reading: Reading) -> str:
    """What the panels show and where their numbers come from."""
    return (
        f"<h2>Every metric over precision {our_badge(reading)}</h2>"
        "<p class='sub'>The same weights, held in fewer and fewer bits from left to right. "
        f"{esc(describe_source(reading))}</p>"
    )


def precision_list(reading: Reading, offers: Mapping[str, str | None] | None) -> str:
    """The five precisions: which were measured, which run here, and why one does not.

    `offers` is None until it is known.
    """
    items = "".join(_precision(reading, name, offers) for name in BITS)
    return f'<ul class="precisions" aria-label="Precisions">{items}</ul>'


def _precision(reading: Reading, name: str, offers: Mapping[str, str | None] | None) -> str:
    reason = (offers or {}).get(name)
    is_measured = name in reading.precisions
    if is_measured:
        state = reading.told(name)
    elif reason:
        state = f"does not run here: {reason}"
    else:
        state = "runs here, not measured" if offers is not None else "not measured"
    grey = "" if is_measured else ' class="grey"'
    return f"<li{grey}><b>{name}</b> {KINDS[name]}<small>{esc(state)}</small></li>"


def key_card(reading: Reading) -> str:
    """How a panel is read, in the colours and letters that it uses."""
    models = "".join(
        f'<li class="model" style="{model_style(spec)}">{letter(spec)}{esc(spec.label)}'
        f"{_role(spec)}</li>"
        for spec in reading.family.models
    )
    return (
        f'<section class="key"><h3>How to read it</h3><ul>{models}</ul>'
        '<p class="sub">Bars are 95 % intervals; models stand side by side at one precision. '
        "If quantizing brought something back, a line would bend towards Original. PrivLeak is set "
        "against Retrained at full precision everywhere.</p></section>"
    )


def _role(spec: ModelSpec) -> str:
    return "<small>dashed: the line to reach</small>" if spec.role == "retrained" else ""


def course_line(course: Course, reading: Reading) -> str:
    """Where the run over the precisions is, in one line."""
    return line(course, _doing(course, reading), "Progress over all precisions")


def _doing(course: Course, reading: Reading) -> str:
    if course.phase == "idle":
        if reading.results is None:
            return "<b>No run yet</b> the headline metrics at every precision that runs here"
        return f"<b>{esc(reading.source.capitalize())}</b> {esc(reading.results.created[:10])}"
    if course.phase == "waiting":
        runs = f"{course.ahead} run{'s' * (course.ahead != 1)} before yours"
        return f"<b>Waiting</b> {runs if course.ahead else 'for the models to be loaded'}"
    if course.phase == "finished":
        return f"<b>Finished</b> in {duration(course.seconds)}"
    place = f"{_at(course)}{_within(course, reading)}"
    stopped = "" if course.is_running else "Cancelled at "
    return f"<b>{stopped}{esc(course.now or 'the start')}</b> {esc(place)}"


def _at(course: Course) -> str:
    if course.now not in course.precisions:
        return ""
    return f"{course.precisions.index(course.now) + 1} of {len(course.precisions)}"


def _within(course: Course, reading: Reading) -> str:
    now = course.progress
    if now is None:
        return " · loading" if course.is_running else ""
    labels = {metric.key: metric.label for metric in reading.metrics}
    who = say_who(reading.family, course.doing or (now,))
    return f" · {labels.get(now.metric, now.metric)}, {who}"


def recovery_card(reading: Reading, loaded_data: str = "") -> str:
    """Recoveries by model, precision and metric. `loaded_data` is the hash of the data at hand."""
    forgotten = [metric for metric in reading.metrics if metric.best != "high"]
    kept = [metric for metric in reading.metrics if metric.best == "high"]
    shown = [*forgotten, *kept]
    names = "".join(f'<th scope="col">{esc(metric.label)}</th>' for metric in shown)
    bodies = "".join(_model_rows(reading, spec, shown) for spec in reading.unlearned)
    return (
        f'<section class="card"><h2>Recovery {our_badge(reading)}</h2>'
        f'<p class="sub">How much of the way back to Original a model is taken: {FORMULA}. 0 % is '
        "nothing, 100 % all of it.</p>"
        '<div class="scroller" tabindex="0" role="region" aria-label="Recovery">'
        '<table class="plain recovery"><thead><tr><th rowspan="2" scope="col">Model</th>'
        '<th rowspan="2" scope="col">Precision</th>'
        f'<th colspan="{len(forgotten)}" scope="colgroup">of what was forgotten</th>'
        f'<th colspan="{len(kept)}" scope="colgroup">of what was lost besides</th></tr>'
        f"<tr>{names}</tr></thead>{bodies}</table></div>"
        f'<p class="footnote">{_footnote(reading, loaded_data)}</p></section>'
    )


def _model_rows(reading: Reading, spec: ModelSpec, metrics: Sequence[Metric]) -> str:
    others = reading.others
    if not others:
        return (
            f'<tbody class="model" style="{model_style(spec)}"><tr>{_model(reading, spec, 1)}'
            f'<td colspan="{len(metrics) + 1}" class="soft">— not measured at two precisions</td>'
            "</tr></tbody>"
        )
    rows = "".join(
        f"<tr>{_model(reading, spec, len(others)) if name == others[0] else ''}"
        f'<th scope="row">{esc(name)}</th>'
        + "".join(f"<td>{_recovery(reading, spec, metric, name)}</td>" for metric in metrics)
        + "</tr>"
        for name in others
    )
    return f'<tbody class="model" style="{model_style(spec)}">{rows}</tbody>'


def _model(reading: Reading, spec: ModelSpec, rows: int) -> str:
    record = reading.results.record(spec.key, reading.full) if reading.results else None
    revision = record.revision.removeprefix("sha256:")[:8] if record else ""
    return (
        f'<th scope="rowgroup" rowspan="{rows}"><div>{letter(spec)}{esc(spec.label)}</div>'
        f"<small>{esc(revision)}</small></th>"
    )


def _recovery(reading: Reading, spec: ModelSpec, metric: Metric, precision: str) -> str:
    cell = reading.cell(spec, metric, precision)
    if cell is None or isinstance(cell, Dash):
        return f'—<small class="why">{esc(cell.reason if cell else "not measured")}</small>'
    digits = metric.decimals
    ends = percents(*cell.ci95) if cell.ci95 else "too few samples for an interval"
    return (
        f"<b>{percent(cell.value)}</b>{_way(cell)}<small>{esc(ends)}</small>"
        f"<small>{number(cell.at_full, digits)} → {number(cell.at_p, digits)}, Original "
        f"{number(cell.original, digits)}</small>"
    )


def _way(cell: Recovery) -> str:
    """The way back to Original as a track; filled as far as the recovery goes."""
    width = 100 * min(1.0, max(0.0, cell.value))
    mark = ' class="way shown"' if cell.is_above_zero else ' class="way"'
    return f'<span{mark} aria-hidden="true"><i style="width:{width:.1f}%"></i></span>'


def _footnote(reading: Reading, loaded_data: str) -> str:
    others = sorted({r.data_sha256 for r in reading.records if r.data_sha256 != loaded_data})
    stale = (
        f" Measured on other rows ({', '.join(name[:8] for name in others)}) than are loaded here "
        f"({loaded_data[:8]})."
        if loaded_data and others
        else ""
    )
    return esc(
        f"{describe_source(reading)} An interval draws the same rows for all three numbers. A dash "
        "stands where Original is less than 5 points away (0.05 for fluency): a ratio to so little "
        "says nothing. nf4 and fp4 are bitsandbytes', with double quantization."
        f"{stale}{_versions(reading.results)}"
    )


def _versions(results: Results | None) -> str:
    held = results.versions if results else {}
    found = [f"{name} {held[name]}" for name in ("torch", "bitsandbytes") if name in held]
    return f" Measured with {listed(found)}." if found else ""
