"""What the Precision page says: two answers to its question, computed from numbers; pure text.

The answer of a family and the one of the literature are never mixed: other weights, another 4-bit.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil

from dashboard.precision.published import Pair, Pairs
from dashboard.precision.reading import Reading
from dashboard.question import Answer
from dashboard.sweep.methods import listed, plain
from loaders.family import ModelSpec
from metrics.choosing.sweep import list_shipped
from metrics.choosing.trials import Trial
from metrics.metric import Metric
from metrics.reading.numerals import number
from metrics.reading.recovery import TRACE, Recovery
from metrics.results import Measurement

QUESTION = "Does quantizing bring back what was unlearned?"
NAMED = 3  # recoveries that are named one by one
CHANGED = 1.0  # points of utility; less is not worth a sentence
PERCENT = "\N{NO-BREAK SPACE}%"


def answer_here(reading: Reading, rates: Sequence[float] = ()) -> Answer:
    """The family's own answer. `rates` are the learning rates its models were unlearned at."""
    verdict = reading.verdict
    if verdict.kind == "unknown":
        return Answer("Not known yet.", _unknown(reading))
    said = {"nothing": _nothing, "traces": _traces, "some": _some}[verdict.kind]
    short = {"nothing": "No.", "traces": "Hardly.", "some": "Yes, in part."}[verdict.kind]
    more = [_counts(reading), _changed(reading), _toy(reading, rates)]
    text = f"{said(reading)} {_example(reading)}"
    return Answer(short, text, " ".join(part for part in more if part))


def answer_published(pairs: Pairs) -> Answer:
    """What the paper's numbers and those of its re-run say."""
    paper, *others = pairs.sources
    key = "verbmem_f"
    shares = [
        (share, pair)
        for pair in pairs.counting(paper)
        if (share := pairs.regained(pair, key)) is not None
    ]
    original = pairs.original(paper.key)
    if not shares or original is None:
        return Answer("Not known.", "No pair of the literature has a recovery.")
    share, pair = max(shares, key=lambda found: found[1].quantized[key] - found[1].full[key])
    rest = [other for other, of in shares if of is not pair]
    told = [
        f"On VerbMem, {_label(pairs, pair)} goes from {number(pair.full[key], 1)} in {pairs.full} "
        f"to {number(pair.quantized[key], 1)} in {pairs.quantized}: {percent(share)} of the way "
        f"back to {_label(pairs, original)}'s {number(original.full[key], 1)}."
    ]
    if rest:
        told.append(f"Other methods regain {percent(min(rest))} to {percent(max(rest))}.")
    more = [_rerun(pairs, pairs.counting(source), source.label) for source in others]
    short = "Yes." if max(share for share, _ in shares) >= TRACE else "No."
    return Answer(short, " ".join(told), " ".join(part for part in more if part))


def percent(value: float) -> str:
    """A share as it is written: "0.4 %", "66 %"."""
    return number(100 * value, 1 if abs(value) < 0.1 else 0) + PERCENT


def percents(low: float, high: float) -> str:
    """The two ends of an interval: "−0.4 to 0.9 %"."""
    digits = 1 if max(abs(low), abs(high)) < 0.1 else 0
    return f"{number(100 * low, digits)} to {number(100 * high, digits)}{PERCENT}"


def describe_source(reading: Reading) -> str:
    """Where a reading's numbers come from, in a line."""
    results = reading.results
    if results is None:
        return "Nothing has been measured at several precisions yet."
    counts = sorted({m.n for cells in reading.numbers.values() for m in cells.values()})
    n = f"n = {counts[0]}" if len(counts) == 1 else f"n = {counts[0]}–{counts[-1]}"
    toy = "A toy's numbers" if reading.family.scale == "toy" else "Numbers"
    return (
        f"{toy}, {reading.source} {results.created[:10]} on {results.device}, "
        f"{n if counts else 'n = 0'} per number, 95 % intervals."
    )


def learning_rates(trials: Sequence[Trial]) -> tuple[float, ...]:
    """The learning rates of the settings that became models, the smallest first."""
    return tuple(sorted({trial.lr for trial in list_shipped(trials) if trial.lr is not None}))


def name_metric(metric: Metric) -> str:
    """A metric's name inside a sentence: "KnowMem (forget)"."""
    label, comma, part = metric.label.partition(", ")
    return f"{label} ({part})" if comma else label


def _unknown(reading: Reading) -> str:
    if reading.results is None:
        return "These models have not been measured at several precisions."
    if len(reading.precisions) < 2:
        return f"Only {reading.precisions[0]} was measured; it takes a second precision."
    reasons = [cell.reason for cell in reading.cells if not isinstance(cell, Recovery)]
    return f"There is no recovery to read. {reasons[0] if reasons else ''}".strip()


def _nothing(reading: Reading) -> str:
    most = reading.verdict.most.value
    more = f"more than {number(ceil(1000 * most) / 10, 1)}{PERCENT}" if most > 0 else "anything"
    return f"At {listed(reading.others)}, no unlearned model regains {more} of what it forgot."


def _traces(reading: Reading) -> str:
    most = _named(reading, reading.verdict.above[0])
    return f"The most that comes back, with an interval above 0, is {most}."


def _some(reading: Reading) -> str:
    told = [_named(reading, cell) for cell in reading.verdict.above if cell.value >= TRACE]
    rest = len(told) - NAMED
    tail = f", and {rest} more" if rest > 0 else ""
    return f"What comes back: {'; '.join(told[:NAMED])}{tail}."


def _counts(reading: Reading) -> str:
    """How many intervals are on which side of 0."""
    verdict = reading.verdict
    known = [cell for cell in verdict.forgotten if cell.ci95 is not None]
    if not known:
        return "There are too few samples for intervals."
    if not verdict.above and not verdict.below:
        return f"All {len(known)} intervals include 0."
    below = f" and {len(verdict.below)} below it" if verdict.below else ""
    chance = "; chance alone puts one in forty there" if verdict.kind == "traces" else ""
    above, verb = len(verdict.above) or "none", "is" if len(verdict.above) < 2 else "are"
    return f"Of {len(known)} intervals {above} {verb} above 0{below}{chance}."


def _named(reading: Reading, cell: Recovery) -> str:
    spec, metric = reading.family.model(cell.model), _metric(reading, cell)
    ends = f" ({percents(*cell.ci95)})" if cell.ci95 else ""
    return (
        f"{percent(cell.value)}{ends} of {spec.label}'s {name_metric(metric)} at {cell.precision}"
    )


def _example(reading: Reading) -> str:
    """The largest recovery of the first metric, in the numbers themselves."""
    first = reading.verdict.forgotten[0].metric
    cell = max(
        (cell for cell in reading.verdict.forgotten if cell.metric == first),
        key=lambda cell: cell.value,
    )
    spec, metric = reading.family.model(cell.model), _metric(reading, cell)
    digits = metric.decimals
    retrained = reading.family.retrained
    ruler = reading.number(retrained, metric, reading.full) if retrained else None
    beside = f", {retrained.label} {number(ruler.value, digits)}" if retrained and ruler else ""
    return (
        f"{spec.label}'s {name_metric(metric)} is {number(cell.at_full, digits)} at {reading.full} "
        f"and {number(cell.at_p, digits)} at {cell.precision}; Original has "
        f"{number(cell.original, digits)}{beside}."
    )


def _metric(reading: Reading, cell: Recovery) -> Metric:
    return next(metric for metric in reading.metrics if metric.key == cell.metric)


@dataclass(frozen=True)
class _Change:
    spec: ModelSpec
    metric: Metric
    precision: str
    before: Measurement
    after: Measurement

    @property
    def by(self) -> float:
        return self.after.value - self.before.value


def _changed(reading: Reading) -> str:
    """The largest change of utility in an unlearned model; what fluency does is in the table."""
    changes = [
        _Change(spec, metric, precision, before, after)
        for spec in reading.unlearned
        for metric in reading.metrics
        if metric.best == "high" and metric.decimals == 1
        for precision in reading.others
        if (before := reading.number(spec, metric, reading.full)) is not None
        and (after := reading.number(spec, metric, precision)) is not None
    ]
    if not changes:
        return ""
    most = max(changes, key=lambda change: abs(change.by))
    if abs(most.by) < CHANGED:
        return "Nor does it change what they still know."
    return (
        f"What changes most besides is what {most.spec.label} still knows: "
        f"{name_metric(most.metric)} goes from {_about(most.before)} to {_about(most.after)} at "
        f"{most.precision}."
    )


def _about(measured: Measurement) -> str:
    low, high = measured.ci95
    return f"{number(measured.value, 1)} ± {number((high - low) / 2, 0)}"


def _toy(reading: Reading, rates: Sequence[float]) -> str:
    if reading.family.scale != "toy":
        return ""
    at = f", unlearned at a learning rate of {listed([plain(rate) for rate in rates])}"
    return f"This is a toy's answer{at if rates else ''}."


def _label(pairs: Pairs, pair: Pair) -> str:
    return pairs.model(pair).label


def _rerun(pairs: Pairs, found: Sequence[Pair], label: str) -> str:
    """The other source's pairs, by the learning rate where that is known."""
    by_rate: dict[float | None, list[str]] = {}
    for pair in found:
        if pairs.model(pair).role == "unlearned" and pair.quantized:
            before, after = pair.full["verbmem_f"], pair.quantized["verbmem_f"]
            told = f"{_label(pairs, pair)} from {number(before, 1)} to {number(after, 1)}"
            by_rate.setdefault(pair.learning_rate, []).append(told)
    parts = [
        f"{listed(told)}{f' at a learning rate of {plain(rate)}' if rate else ''}"
        for rate, told in by_rate.items()
    ]
    return f"An {label} brought {'; '.join(parts)}." if parts else ""
