"""Recovery: how much of what was unlearned comes back in fewer bits; never runs a model.

Of one metric of an unlearned model, at precision p and at full precision,

    recovery = (metric at p − metric) / (metric of the original model − metric)

is 0 where quantizing changes nothing and 1 where all is as before unlearning; less than 0 is
further away from that. Of a metric that is best high it is how much lost utility comes back. The
three numbers are on the same samples and, for PrivLeak, against the same reference: the retrained
model at full precision, since a ruler must not bend with what it measures. That reference cancels
out, so PrivLeak's recovery is that of its AUC.

The interval resamples those samples, each draw for all three alike (95 % percentile bootstrap).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from math import isclose
from typing import Literal

import numpy as np

from loaders.choices import FULL_PRECISION
from loaders.family import Family, ModelSpec
from loaders.faults import Fault
from metrics.metric import Metric, Reference
from metrics.reading.difference import find_axis
from metrics.reading.statistics import (
    RESAMPLES,
    Floats,
    auc,
    mean,
    percentile_interval,
    resampled_auc,
    resampled_counts,
    wins,
)
from metrics.results import AnySample, LikelihoodSample, Measurement, Record, Results

BITS = ("fp32", "bf16", "int8", "nf4", "fp4")  # from the most to the fewest, as they are shown
FULL = (FULL_PRECISION, "bf16")  # the first that was measured is what the others are read against
LEAST_POINTS = 5.0  # of what was lost; a ratio to less says nothing
TRACE = 0.05  # what counts as coming back, however narrow its interval

Kind = Literal["unknown", "nothing", "traces", "some"]


@dataclass(frozen=True)
class Recovery:
    """One metric of one unlearned model at one precision; the numbers are on the metric's scale.

    `ci95` is None where there are too few samples to resample.
    """

    model: str
    metric: str
    precision: str
    at_p: float
    at_full: float
    original: float
    value: float
    ci95: tuple[float, float] | None
    n: int

    @property
    def is_above_zero(self) -> bool:
        """Whether chance alone hardly explains that something came back."""
        return self.ci95 is not None and self.ci95[0] > 0


@dataclass(frozen=True)
class Dash:
    """A recovery that is not there, and why."""

    model: str
    metric: str
    precision: str
    reason: str


@dataclass(frozen=True)
class Verdict:
    """What all recoveries of what was forgotten say together.

    "some": one at least is TRACE or more, with an interval above 0; "traces": some interval is
    above 0, of less than that; "nothing": none is; "unknown": there is no recovery at all.
    """

    kind: Kind
    forgotten: tuple[Recovery, ...]

    @property
    def most(self) -> Recovery:
        """The largest; not to be asked of an unknown one."""
        return max(self.forgotten, key=lambda cell: cell.value)

    @property
    def above(self) -> tuple[Recovery, ...]:
        """Those whose interval is above 0, the largest first."""
        found = [cell for cell in self.forgotten if cell.is_above_zero]
        return tuple(sorted(found, key=lambda cell: -cell.value))

    @property
    def below(self) -> tuple[Recovery, ...]:
        """Those whose interval is below 0: quantized, the model forgets further."""
        return tuple(cell for cell in self.forgotten if cell.ci95 and cell.ci95[1] < 0)


@dataclass(frozen=True)
class _Trio:
    """The samples that three records have in common, in one order, and the metric's reference."""

    at_p: tuple[AnySample, ...]
    at_full: tuple[AnySample, ...]
    original: tuple[AnySample, ...]
    reference: Reference | None

    @property
    def all(self) -> tuple[tuple[AnySample, ...], ...]:
        return self.at_p, self.at_full, self.original


def recovery(
    at_p: float, at_full: float, original: float, least: float = LEAST_POINTS
) -> float | None:
    """The formula of this file's head; None where less than `least` was lost.

    `least` is on the metric's scale: 5 points of 100, or 0.05 of a metric that goes from 0 to 1.
    """
    lost = original - at_full
    return None if abs(lost) < least else (at_p - at_full) / lost


def full_precision(results: Results) -> str | None:
    """What stands for full precision in `results`; None where nothing does."""
    held = {record.precision for record in results.records}
    return next((name for name in FULL if name in held), None)


def list_precisions(results: Results) -> tuple[str, ...]:
    """The precisions that were measured, from the most bits to the fewest."""
    held = {record.precision for record in results.records}
    return tuple(name for name in BITS if name in held)


def measured_at(
    results: Results, family: Family, model: str, precision: str, metric: Metric
) -> Measurement | None:
    """A number as it is read across precisions, None where there is none.

    One that needs a reference is set against the retrained model at full precision; where `results`
    do not have that, as for a declared AUC, the number stands as it is.
    """
    record = results.record(model, precision)
    measured = record.metrics.get(metric.key) if record else None
    full = full_precision(results)
    if record is None or measured is None or not metric.needs_reference or precision == full:
        return measured
    if measured.full is not None and full == FULL_PRECISION:
        against, name = measured.full, measured.full.reference
        return Measurement(
            against.value, against.ci95, measured.n, measured.samples, measured.auc, name
        )
    reference = _full_reference(results, family, metric)
    if reference is None:
        return measured
    try:
        return metric.measure(measured.samples, reference, record.seed, RESAMPLES)
    except Fault:
        return None  # the retrained model was measured on other texts


def recover(
    results: Results, family: Family, metrics: Sequence[Metric], resamples: int = RESAMPLES
) -> tuple[Recovery | Dash, ...]:
    """Every unlearned model at every precision but the full one, metric by metric."""
    full = full_precision(results)
    found: list[Recovery | Dash] = []
    for spec in (spec for spec in family.models if spec.role == "unlearned"):
        for precision in (name for name in list_precisions(results) if name != full):
            for metric in metrics:
                try:
                    trio = _find_trio(results, family, spec, precision, metric)
                    record = _require(results, spec, precision)
                    found.append(_recover(record, metric, trio, resamples))
                except Fault as fault:
                    found.append(Dash(spec.key, metric.key, precision, str(fault)))
    return tuple(found)


def judge(cells: Sequence[Recovery | Dash], metrics: Sequence[Metric]) -> Verdict:
    """Whether quantizing brings back what was unlearned: utility, best high, is not asked."""
    forgotten = {metric.key for metric in metrics if metric.best != "high"}
    asked = tuple(c for c in cells if isinstance(c, Recovery) and c.metric in forgotten)
    above = [cell for cell in asked if cell.is_above_zero]
    if not asked:
        return Verdict("unknown", ())
    if not above:
        return Verdict("nothing", asked)
    return Verdict("some" if any(cell.value >= TRACE for cell in above) else "traces", asked)


def _find_trio(
    results: Results, family: Family, spec: ModelSpec, precision: str, metric: Metric
) -> _Trio:
    full = full_precision(results)
    original = next((model for model in family.models if model.role == "original"), None)
    if full is None:
        raise Fault(f"Nothing was measured at full precision ({' or '.join(FULL)}).")
    if original is None:
        raise Fault("The family has no original model, and recovery is the way back to it.")
    records = [
        _require(results, spec, precision),
        _require(results, spec, full),
        _require(results, original, full),
    ]
    if len({(record.data_sha256, record.profile) for record in records}) > 1:
        raise Fault(f"{spec.label} was measured on other data at {precision} than at {full}.")
    reference = _full_reference(results, family, metric) if metric.needs_reference else None
    known = [_by_id(family, record, metric) for record in records]
    held = None if reference is None else {sample.id for sample in reference.samples}
    ids = [name for name in known[0] if all(name in other for other in known)]
    ids = [name for name in ids if held is None or name in held]
    if not ids:
        raise Fault(f"There is no sample of {metric.label} that all of them have.")
    at_p, at_full, before = (tuple(samples[name] for name in ids) for samples in known)
    return _Trio(at_p, at_full, before, reference)


def _require(results: Results, spec: ModelSpec, precision: str) -> Record:
    record = results.record(spec.key, precision)
    if record is None:
        raise Fault(f"{spec.label} was not measured at {precision}.")
    return record


def _full_reference(results: Results, family: Family, metric: Metric) -> Reference | None:
    """The retrained model's samples at full precision, where there are some."""
    full, retrained = full_precision(results), family.retrained
    record = results.record(retrained.key, full) if retrained and full else None
    measured = record.metrics.get(metric.key) if record else None
    if record is None or measured is None:
        return None
    return Reference(f"{record.model} @ {record.precision}", measured.samples)


def _by_id(family: Family, record: Record, metric: Metric) -> dict[str, AnySample]:
    measured = record.metrics.get(metric.key)
    if measured is None:
        label = family.model(record.model).label
        raise Fault(f"{label} has no number for {metric.label} at {record.precision}.")
    return {sample.id: sample for sample in measured.samples}


def _recover(record: Record, metric: Metric, trio: _Trio, resamples: int) -> Recovery:
    axis = find_axis(metric, trio.at_full, trio.reference)
    at_p, at_full, original = (axis.at(_share(samples)) for samples in trio.all)
    stands = metric.measure(trio.at_full, trio.reference, 0, 1).value
    if not isclose(stands, at_full, rel_tol=1e-6, abs_tol=1e-6):
        raise Fault(f"{metric.label} is neither a mean nor an AUC; it has no interval.")
    points = abs(axis.span) > 1
    value = recovery(at_p, at_full, original, LEAST_POINTS if points else LEAST_POINTS / 100)
    if value is None:
        raise Fault(_too_near(abs(original - at_full), points))
    return Recovery(
        model=record.model,
        metric=metric.key,
        precision=record.precision,
        at_p=at_p,
        at_full=at_full,
        original=original,
        value=value,
        ci95=_interval(trio, record.seed, resamples),
        n=len(trio.at_p),
    )


def _too_near(apart: float, points: bool) -> str:
    gap, least = (f"{apart:.1f}", "5 points") if points else (f"{apart:.2f}", "0.05")
    return f"Original is {gap} away; to less than {least} a ratio says nothing."


def _interval(trio: _Trio, seed: int, resamples: int) -> tuple[float, float] | None:
    """None for one sample, or one text of a split. A resample in which the original and the
    unlearned model are level has no recovery and is left out."""
    if _smallest_group(trio.at_p) < 2:
        return None
    at_p, at_full, original = (_resampled(samples, seed, resamples) for samples in trio.all)
    lost = original - at_full
    known = lost != 0
    return percentile_interval((at_p - at_full)[known] / lost[known]) if known.any() else None


def _share(samples: Sequence[AnySample]) -> float:
    """The mean score, or the AUC of scored texts; 0–1."""
    if _are_texts(samples):
        return auc(_split(samples, "holdout"), _split(samples, "forget"))
    return mean([sample.score for sample in samples])


@lru_cache(maxsize=64)
def _resampled(samples: tuple[AnySample, ...], seed: int, resamples: int) -> Floats:
    """The same of each resample, (resamples,); the same rows are drawn for every model.

    Kept, because the original and the full-precision model are set against every precision.
    """
    if not _are_texts(samples):
        scores = np.array([sample.score for sample in samples])
        means: Floats = _drawn(scores.size, seed, 0, resamples) @ scores / scores.size
        return means
    holdout, forget = _split(samples, "holdout"), _split(samples, "forget")
    drawn_f = _drawn(forget.size, seed, 0, resamples)
    drawn_h = _drawn(holdout.size, seed, 1, resamples)
    return resampled_auc(wins(holdout, forget), drawn_h, drawn_f)


@lru_cache(maxsize=4)
def _drawn(n: int, seed: int, split: int, resamples: int) -> Floats:
    counts = resampled_counts(n, (seed, split), resamples)
    counts.setflags(write=False)
    return counts


def _smallest_group(samples: Sequence[AnySample]) -> int:
    if not _are_texts(samples):
        return len(samples)
    return min(_split(samples, split).size for split in ("holdout", "forget"))


def _are_texts(samples: Sequence[AnySample]) -> bool:
    return all(isinstance(sample, LikelihoodSample) for sample in samples)


def _split(samples: Sequence[AnySample], split: str) -> Floats:
    found = [s.score for s in samples if isinstance(s, LikelihoodSample) and s.split == split]
    return np.array(found, dtype=np.float64)
