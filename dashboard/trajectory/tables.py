"""The HTML of the Trajectory page: question, run, key, and every number in a table."""

from collections.abc import Sequence

from dashboard.board import CellKey
from dashboard.course import line
from dashboard.doing import say_who
from dashboard.escape import esc
from dashboard.labels import duration
from dashboard.panes import letter, model_style
from dashboard.provenance import badge
from dashboard.question import card, side
from dashboard.tables import BEST
from dashboard.trajectory.course import Course
from dashboard.trajectory.milestones import place_of
from dashboard.trajectory.reading import Point, Reading
from dashboard.trajectory.words import (
    QUESTION,
    answer_cost,
    answer_forgotten,
    describe_source,
    half,
)
from loaders.family import ModelSpec
from metrics.metric import Metric
from metrics.reading.numerals import number
from metrics.results import Measurement
from metrics.store.records import say_date

WHERE = {"level": "level", "beyond": "beyond", "short": ""}


def question_card(reading: Reading) -> str:
    """The question, and side by side what was forgotten and what it cost."""
    mark = our_badge(reading)
    ours = side("What was forgotten", mark, answer_forgotten(reading))
    cost = side("What it cost", mark, answer_cost(reading))
    return card(QUESTION, ours, cost)


def our_badge(reading: Reading) -> str:
    """Precision, source and scale of the numbers."""
    parts = (reading.precision, *reading.sources, reading.family.scale)
    text = " · ".join(part for part in parts if part).upper()
    return badge(text, f"beside {'live' if reading.sources == ('live',) else ''}")


def course_line(course: Course, reading: Reading) -> str:
    """Where the run over the checkpoints is, in one line."""
    return line(course, _doing(course, reading), "Progress over all checkpoints")


def _doing(course: Course, reading: Reading) -> str:
    total = len(reading.checkpoints)
    if course.phase == "idle":
        return f"<b>No run yet</b> {total} checkpoints; what is stored comes at once"
    if course.phase == "waiting":
        runs = f"{course.ahead} run{'s' * (course.ahead != 1)} before yours"
        return f"<b>Waiting</b> {runs if course.ahead else 'for its turn'}"
    if course.phase == "finished":
        return f"<b>Finished</b> in {duration(course.seconds)}"
    stopped = "" if course.is_running else "Cancelled at "
    done = f"{len(reading.measured)} of {total} checkpoints done"
    return f"<b>{stopped}{esc(_now(course, reading))}</b> {done}"


def _now(course: Course, reading: Reading) -> str:
    """The model that is being asked, or what the stage waits for."""
    if course.stage is None:
        return "the start"
    if course.progress is None:
        return reading.family.model(course.stage.models[-1]).label
    return say_who(reading.family, course.doing or (course.progress,), "checkpoints")


def curves_head(reading: Reading) -> str:
    """What the curves show and where their numbers come from."""
    return (
        f"<h2>Every metric over the steps {our_badge(reading)}</h2>"
        "<p class='sub'>Left to right: checkpoints of one training run. "
        f"{esc(describe_source(reading))}</p>"
    )


def key_line(reading: Reading) -> str:
    """How a chart is read, in the colours that it uses."""
    levels = "".join(_in_key(spec, spec.label) for spec in reading.references)
    last = reading.checkpoints[-1]
    marks = "areas: 95 % intervals · dotted: the step that is named above · ×: text has collapsed"
    return (
        f'<ul class="key row" aria-label="How to read it">{levels}{_in_key(last, "checkpoints")}'
        f'<li class="soft">{esc(marks)}</li></ul>'
    )


def _in_key(spec: ModelSpec, text: str) -> str:
    role = "dashed, the line to reach" if spec.role == "retrained" else ""
    return (
        f'<li class="model" style="{model_style(spec)}">{_swatch(spec)}{esc(text)}'
        f"{f'<small>{role}</small>' if role else ''}</li>"
    )


def _swatch(spec: ModelSpec) -> str:
    dashed = " dashed" if spec.role == "retrained" else ""
    return f'<i class="swatch{dashed}" aria-hidden="true"></i>'


def panel_title(metric: Metric) -> str:
    """What a chart is of."""
    return (
        f"<h3>{esc(metric.label)}</h3><p class='sub'>{esc(metric.explains)} · "
        f"best: {BEST[metric.best]}</p>"
    )


def steps_table(reading: Reading) -> str:
    """Every number of the curves: the references first, then step by step. A number is a button
    that opens the samples behind it."""
    head = "".join(
        f'<th scope="col">{esc(m.label)}<small>best: {BEST[m.best]}</small></th>'
        for m in reading.metrics
    )
    rows = [*reading.references, *reading.checkpoints]
    body = "".join(_row(reading, spec) for spec in rows)
    return (
        f"<h2>Step by step {our_badge(reading)}</h2>"
        '<div class="scroller" tabindex="0" role="region" aria-label="Numbers by step">'
        '<table class="plain steps"><thead><tr><th scope="col">Model</th>'
        f"{head}</tr></thead><tbody>{body}</tbody></table></div>"
        f'<p class="footnote">{esc(_footnote(reading))}</p>'
    )


def _row(reading: Reading, spec: ModelSpec) -> str:
    record = reading.records.get(spec.key)
    revision = record.revision.removeprefix("sha256:")[:8] if record else ""
    about = " · ".join(part for part in (revision, _stored(reading, spec)) if part)
    sign = reading.sign(spec)
    flagged = f'<small class="warn" title="{esc(sign)}">⚠ collapsed</small>' if sign else ""
    cells = "".join(_cell(reading, spec, metric) for metric in reading.metrics)
    return (
        f'<tr class="model" style="{model_style(spec)}"><th scope="row">'
        f"<div>{letter(spec)}{esc(spec.label)}<small>{esc(about)}</small>{flagged}</div></th>"
        f"{cells}</tr>"
    )


def _stored(reading: Reading, spec: ModelSpec) -> str:
    """Whether a row was measured before now; of some of its numbers, how many."""
    keys = [CellKey(spec.key, metric.key) for metric in reading.metrics]
    shown = [key for key in keys if key in reading.numbers]
    kept = sum(key in reading.stored for key in shown)
    if not kept:
        return ""
    return "stored" if kept == len(shown) else f"{kept} of {len(shown)} stored"


def _cell(reading: Reading, spec: ModelSpec, metric: Metric) -> str:
    measured = reading.number(spec, metric)
    if measured is None:
        reason = reading.reasons.get(CellKey(spec.key, metric.key), "")
        why = f'<small class="why">{esc(reason)}</small>' if reason else ""
        return f'<td class="empty">—{why}</td>'
    low, high = measured.ci95
    where = _where(reading, spec, measured, metric)
    spoken = (
        f"{spec.label}, {metric.label}: {number(measured.value, metric.decimals)}, 95 % interval "
        f"{number(low, metric.decimals)} to {number(high, metric.decimals)}, {measured.n} samples"
        f"{f', {where}' if where else ''}. Read the samples."
    )
    return (
        f'<td><button type="button" class="cell" data-model="{esc(spec.key)}" '
        f'data-metric="{esc(metric.key)}" aria-label="{esc(spoken)}">'
        f"<b>{number(measured.value, metric.decimals)}</b> ± {half(low, high, metric)}"
        f"<small>{esc(where)}</small></button></td>"
    )


def _where(reading: Reading, spec: ModelSpec, measured: Measurement, metric: Metric) -> str:
    """Where a checkpoint stands beside Retrained, in what forgetting changes."""
    ruler = reading.family.retrained
    against = reading.number(ruler, metric) if ruler is not None else None
    is_utility = metric.best == "high" or metric.group == "utility"
    if spec.step is None or against is None or is_utility:
        return ""
    return WHERE[place_of(Point(spec, spec.step, measured), against, metric)]


def _footnote(reading: Reading) -> str:
    if not reading.numbers:
        return "Nothing has been measured yet."
    named = dict.fromkeys(m.reference for m in reading.numbers.values() if m.reference)
    against = f" PrivLeak is set against {' and '.join(named)}." if named else ""
    return (
        f"{describe_source(reading)}{_dates(reading)}{against} Level: the interval meets "
        "Retrained's; beyond: it lies on its far side, where too much is gone. Click a number to "
        "read the samples behind it."
    )


def _dates(reading: Reading) -> str:
    """When the stored numbers were measured."""
    if not reading.stored:
        return ""
    first, last = (say_date(pick(reading.stored.values())) for pick in (min, max))
    return f" Stored: measured {first}{f' to {last}' if last != first else ''}."


def other_about(metric: Metric | None) -> str:
    """What the chart of the metric that is picked shows."""
    said = "any of the others, measured with the next run"
    if metric is not None:
        said = f"{metric.explains} · best: {BEST[metric.best]}"
    return f"<p class='sub'>{esc(said)}</p>"


def pick_from(metrics: Sequence[Metric]) -> list[tuple[str, str]]:
    """The metrics that are not in the headline, as choices."""
    return [(f"{m.label} ({m.group})", m.key) for m in metrics if m.group != "headline"]
