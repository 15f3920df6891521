"""What the curves of a trajectory say, in sentences computed from their numbers; pure text."""

from collections.abc import Sequence

from dashboard.precision.words import name_metric
from dashboard.question import Answer
from dashboard.sweep.methods import listed
from dashboard.trajectory.milestones import (
    Forgetting,
    Loss,
    forgettings,
    forgot_at,
    losses,
)
from dashboard.trajectory.reading import Point, Reading
from loaders.family import ModelSpec
from metrics.metric import Metric
from metrics.reading.numerals import number
from metrics.results import Measurement

QUESTION = "When has it forgotten, and what did that cost?"
NOT_KNOWN = "Not known yet."
CAVEAT = "Intervals that meet show no difference; they do not show that there is none."


def answer_forgotten(reading: Reading) -> Answer:
    """By which step the checkpoints are where Retrained is."""
    found = forgettings(reading)
    if not found:
        return Answer(NOT_KNOWN, _unknown(reading, reading.family.retrained, "retrained"))
    step = forgot_at(found)
    text = listed([_arrival(one) for one in found])
    more = [_ends(found), _collapse(reading), CAVEAT]
    return Answer(
        _short(reading, found, step),
        f"{_so_far(reading)}{text[:1].upper()}{text[1:]}.",
        " ".join(part for part in more if part),
    )


def answer_cost(reading: Reading) -> Answer:
    """What the checkpoints no longer can that Original could."""
    found = losses(reading)
    if not found:
        return Answer(NOT_KNOWN, _unknown(reading, reading.original, "original"))
    text = " ".join(_course(one) for one in found)
    step = forgot_at(forgettings(reading))
    return Answer(_price(found[0]), f"{_so_far(reading)}{text}", _meanwhile(reading, step))


def describe_source(reading: Reading) -> str:
    """Where the numbers come from, in a line."""
    if not reading.numbers:
        return "Nothing has been measured yet."
    counts = sorted({measured.n for measured in reading.numbers.values()})
    n = f"n = {counts[0]}" if len(counts) == 1 else f"n = {counts[0]}–{counts[-1]}"
    toy = "A toy's numbers" if reading.family.scale == "toy" else "Numbers"
    parts = (toy, reading.precision.upper(), " and ".join(reading.sources), n)
    on = f" on {reading.device}" if reading.device else ""
    return f"{', '.join(part for part in parts if part)} per number{on}, 95 % intervals."


def about(measured: Measurement, metric: Metric) -> str:
    """A value with half its interval: "15.2 ± 0.7"."""
    low, high = measured.ci95
    return f"{number(measured.value, metric.decimals)} ± {half(low, high, metric)}"


def half(low: float, high: float, metric: Metric) -> str:
    """Half an interval, as it stands behind a ±."""
    return number((high - low) / 2, metric.decimals)


def _short(reading: Reading, found: Sequence[Forgetting], step: int | None) -> str:
    last = found[0].last.step
    if step is not None:
        stays = all(one.place != "short" for one in found)
        return f"By step {step}." if stays else f"By step {step}, but not to stay."
    if _so_far(reading):
        return NOT_KNOWN  # one that is not measured may have arrived
    arrived = any(one.arrived is not None for one in found)
    return f"In part, in {last} steps." if arrived else f"Not in {last} steps."


def _arrival(one: Forgetting) -> str:
    """ "VerbMem meets Retrained's interval first at step 20 (15.2 ± 0.7)"."""
    name, metric = name_metric(one.metric), one.metric
    ruler = number(one.ruler.value, metric.decimals)
    if one.arrived is None:
        last = f"{about(one.last.measured, metric)} at step {one.last.step}"
        return f"{name} does not come to Retrained's {ruler}, it is {last}"
    return (
        f"{name} comes to Retrained's {ruler} at step {one.arrived.step} "
        f"({about(one.arrived.measured, metric)})"
    )


def _ends(found: Sequence[Forgetting]) -> str:
    """What did not stay where it had arrived."""
    said = []
    for one in found:
        if one.arrived is None or one.place == "level":
            continue
        where = {"short": "is short of it again", "beyond": "lies beyond it: too much is gone"}
        value = about(one.last.measured, one.metric)
        said.append(f"{name_metric(one.metric)} ({value}) {where[one.place]}")
    return f"At step {found[0].last.step}, {listed(said)}." if said else ""


def _collapse(reading: Reading) -> str:
    """Low scores of a model that no longer writes are not forgetting."""
    steps = [str(spec.step) for spec in reading.checkpoints if reading.sign(spec)]
    if not steps:
        return ""
    return (
        f"The text has collapsed at step{'s' * (len(steps) > 1)} {listed(steps)}: low scores there "
        "are not forgetting, and do not count."
    )


def _price(loss: Loss) -> str:
    """The first metric of utility at the last step, in points below Original."""
    name = name_metric(loss.metric)
    if loss.fell is None or loss.has_recovered:
        return f"Nothing shown of {name}."
    lost = loss.before.value - loss.last.measured.value
    return f"{number(lost, 0)} points of {name}."


def _course(loss: Loss) -> str:
    """Where utility fell, how low, and where it ended, in a sentence."""
    metric, name = loss.metric, name_metric(loss.metric)
    before, last = number(loss.before.value, metric.decimals), about(loss.last.measured, metric)
    if loss.fell is None:
        return f"{name} stays within Original's interval, or above: {last} at step {_at(loss)}."
    lowest = f"{about(loss.lowest.measured, metric)} at step {loss.lowest.step}"
    ends = "" if loss.lowest == loss.last else f", and is {last} at step {_at(loss)}"
    again = ", where it is within Original's interval again" * loss.has_recovered
    return (
        f"{name} falls below Original's {before} at step {loss.fell.step}, is lowest with "
        f"{lowest}{ends}{again}."
    )


def _at(loss: Loss) -> int:
    return loss.last.step


def _meanwhile(reading: Reading, step: int | None) -> str:
    """What the checkpoint that has forgotten everything still knows."""
    if step is None:
        return ""
    said = [
        f"{name_metric(metric)} is {about(point.measured, metric)}"
        for metric in reading.metrics
        if metric.group == "headline" and metric.best == "high"
        for point in reading.curve(metric)
        if point.step == step
    ]
    return (
        f"At step {step}, where all of it has arrived at Retrained, {listed(said)}." if said else ""
    )


def _so_far(reading: Reading) -> str:
    """How much of the trajectory the answer rests on, where that is not all."""
    done, total = len(reading.measured), len(reading.checkpoints)
    return f"So far, with {done} of {total} checkpoints measured: " if done < total else ""


def _unknown(reading: Reading, ruler: ModelSpec | None, role: str) -> str:
    if ruler is None:
        return f"The family {reading.family.title} has no {role} model to read the curves against."
    if not reading.numbers:
        total = len(reading.checkpoints)
        return f"The {total} checkpoints have not been measured. What is stored comes at once."
    return f"{ruler.label} has no number yet."


def heard(reading: Reading, metric: Metric) -> str:
    """A chart as a screen reader says it."""
    curve, digits = reading.curve(metric), metric.decimals
    stages = ", ".join(f"step {p.step} {number(p.measured.value, digits)}" for p in curve)
    rulers = [
        f"{spec.label} {number(one.value, digits)}"
        for spec in reading.references
        if (one := reading.number(spec, metric)) is not None
    ]
    said = "; ".join(part for part in (stages, *rulers) if part)
    return f"{metric.label} over steps. {said or 'Nothing measured yet'}."


def hover(reading: Reading, point: Point, metric: Metric) -> tuple[str, ...]:
    """The lines of a point's label."""
    low, high = (number(end, metric.decimals) for end in point.measured.ci95)
    lines = [
        f"{metric.label} {number(point.measured.value, metric.decimals)} ({low} to {high})",
        f"n = {point.measured.n}",
    ]
    if point.measured.reference:
        lines.append(f"against {point.measured.reference}")
    if sign := reading.sign(point.spec):
        lines.append(sign)
    return tuple(lines)
