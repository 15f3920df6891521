"""How two models of one run differ, and whether chance alone could do it; never runs a model.

Every model is set against the retrained and against the original one at its own precision, metric
by metric, on the samples that both have. The original is set against the retrained model once, and
the retrained model, which is what the others are read by, is not set against anything.

All p-values of one precision (models × metrics × both references) are corrected together with
Holm's procedure: they stand in one table, and whoever looks for what sticks out of a table looks at
all of it. Tables of two precisions are read apart and corrected apart.

What is tested of one pair, and how, is in difference.py.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import product
from math import isclose
from typing import Literal

import numpy as np

from loaders.faults import Fault
from metrics.metric import Metric, Reference
from metrics.reading.difference import (
    Axis,
    Draws,
    Pair,
    Tested,
    difference_of_aucs,
    difference_of_means,
    find_axis,
    has_both_splits,
)
from metrics.reading.statistics import PERMUTATIONS, RESAMPLES, holm
from metrics.results import AnySample, LikelihoodSample, Record, Results

Role = Literal["retrained", "original"]
Noun = Literal["answers", "texts"]


@dataclass(frozen=True)
class Comparison:
    """One metric of one model against a reference model of the same precision.

    `difference` is `ours` − `theirs` on the metric's own scale, over the `n` samples that both
    have; `points` says whether that scale is one of points or 0–1, `noun` what the samples are.
    `p_holm` is `p` corrected for the `tests` comparisons of the precision. `detectable` is the
    least difference that n such samples show 4 times in 5, before that correction; None where
    their spread does not tell.
    """

    model: str
    precision: str
    metric: str
    against: str
    role: Role
    ours: float
    theirs: float
    difference: float
    ci95: tuple[float, float]
    p: float
    p_holm: float
    tests: int
    detectable: float | None
    n: int
    noun: Noun
    points: bool


@dataclass(frozen=True)
class Missing:
    """A comparison that could not be made, and why."""

    model: str
    precision: str
    metric: str
    role: Role
    reason: str


@dataclass(frozen=True)
class Comparisons:
    """All comparisons of a run, and those that are missing."""

    made: tuple[Comparison, ...]
    missing: tuple[Missing, ...]

    def find(
        self, model: str, precision: str, metric: str, role: Role
    ) -> Comparison | Missing | None:
        """What there is to say of one cell; None for one that is not compared, as the reference
        with itself."""
        wanted = (model, precision, metric, role)
        rows: tuple[Comparison | Missing, ...] = (*self.made, *self.missing)
        return next((r for r in rows if (r.model, r.precision, r.metric, r.role) == wanted), None)


@dataclass(frozen=True)
class _Cell:
    """One comparison to be made; `key` is what the family calls the model of that role."""

    ours: Record
    role: Role
    key: str | None
    metric: Metric
    theirs: Record | None
    retrained: Record | None


def compare(
    results: Results,
    metrics: Sequence[Metric],
    retrained: str | None,
    original: str | None,
    *,
    seed: int = 0,
    resamples: int = RESAMPLES,
    permutations: int = PERMUTATIONS,
) -> Comparisons:
    """Every model of `results` against the retrained and the original one of its precision.

    `retrained` and `original` are keys, None where the family has no such model. What cannot be
    compared is in `missing` with a sentence; nothing is raised. With the seed of the run, an
    interval resamples the rows that the intervals of the results do.
    """
    draws = Draws(seed, resamples, permutations)
    keys: dict[Role, str | None] = {"retrained": retrained, "original": original}
    made: list[Comparison] = []
    missing: list[Missing] = []
    for cell in _cells(results, metrics, keys):
        try:
            made.append(_compare(cell, draws))
        except Fault as fault:
            where = (cell.ours.model, cell.ours.precision, cell.metric.key)
            missing.append(Missing(*where, cell.role, str(fault)))
    return Comparisons(_corrected(made), tuple(missing))


def _cells(
    results: Results, metrics: Sequence[Metric], keys: Mapping[Role, str | None]
) -> Iterator[_Cell]:
    for record in results.records:
        found = {
            role: results.record(key, record.precision) if key else None
            for role, key in keys.items()
        }
        for metric, (role, key) in product(metrics, keys.items()):
            if record.model not in (key, keys["retrained"]):
                yield _Cell(record, role, key, metric, found[role], found["retrained"])


def _compare(cell: _Cell, draws: Draws) -> Comparison:
    theirs, metric = _require_theirs(cell), cell.metric
    pair = _pair(cell, theirs)
    axis = find_axis(metric, pair.ours, pair.reference)
    texts = all(isinstance(sample, LikelihoodSample) for sample in pair.ours)
    if texts and not has_both_splits(pair.ours):
        raise _no_test(metric)
    tested = difference_of_aucs(pair, draws) if texts else difference_of_means(pair, draws)
    _check_axis(metric, pair, axis, tested)
    low, high = sorted(axis.span * end for end in tested.ci95)
    detectable = tested.detectable
    return Comparison(
        model=cell.ours.model,
        precision=cell.ours.precision,
        metric=metric.key,
        against=theirs.model,
        role=cell.role,
        ours=axis.at(tested.ours),
        theirs=axis.at(tested.theirs),
        difference=axis.span * (tested.ours - tested.theirs),
        ci95=(low, high),
        p=tested.p,
        p_holm=tested.p,
        tests=1,
        detectable=None if detectable is None else abs(axis.span) * detectable,
        n=len(pair.ours),
        noun="texts" if texts else "answers",
        points=abs(axis.span) > 1,
    )


def _require_theirs(cell: _Cell) -> Record:
    """The record of the reference model; Fault where there is none."""
    if cell.key is None:
        raise Fault(f"There is no {cell.role} model to compare with.")
    if cell.theirs is None:
        raise Fault(f"{cell.key} was not measured at {cell.ours.precision}; measure it too.")
    return cell.theirs


def _pair(cell: _Cell, theirs: Record) -> Pair:
    """Samples with an id that both models have, and the reference too where there must be one."""
    retrained = cell.retrained if cell.metric.needs_reference else None
    records = [cell.ours, theirs, *([retrained] if retrained else [])]
    models = " and ".join(dict.fromkeys(record.model for record in records))
    if len({(record.data_sha256, record.profile) for record in records}) > 1:
        raise Fault(
            f"{models} @ {cell.ours.precision} were measured on different data; measure them in "
            "one run."
        )
    known = [_by_id(record, cell.metric) for record in records]
    ids = [name for name in known[0] if all(name in others for others in known)]
    if not ids:
        raise Fault(f"{models} have no sample of {cell.metric.label} in common.")
    ours, others, *rest = (tuple(samples[name] for name in ids) for samples in known)
    named = f"{retrained.model} @ {retrained.precision}" if retrained else ""
    return Pair(ours, others, Reference(named, rest[0]) if rest else None)


def _by_id(record: Record, metric: Metric) -> dict[str, AnySample]:
    measured = record.metrics.get(metric.key)
    if measured is None:
        raise Fault(f"{record.model} @ {record.precision} has no number for {metric.label}.")
    if bad := next((s.id for s in measured.samples if not np.isfinite(s.score)), None):
        raise Fault(f"The score of {bad} is not a finite number for {record.model}.")
    return {sample.id: sample for sample in measured.samples}


def _check_axis(metric: Metric, pair: Pair, axis: Axis, tested: Tested) -> None:
    """Fault for a metric whose formula is another than the one that was tested."""
    for samples, share in ((pair.ours, tested.ours), (pair.theirs, tested.theirs)):
        value = metric.measure(samples, pair.reference, 0, 1).value
        if not isclose(value, axis.at(share), rel_tol=1e-6, abs_tol=1e-6):
            raise _no_test(metric)


def _no_test(metric: Metric) -> Fault:
    return Fault(
        f"{metric.label} is neither a mean nor an AUC of its scores; there is no test for a "
        "difference in it."
    )


def _corrected(made: Sequence[Comparison]) -> tuple[Comparison, ...]:
    """The same comparisons with Holm's p-values, each precision a table of its own."""
    adjusted: dict[int, Comparison] = {}
    for precision in dict.fromkeys(row.precision for row in made):
        places = [place for place, row in enumerate(made) if row.precision == precision]
        p_values = holm([made[place].p for place in places])
        for place, p in zip(places, p_values, strict=True):
            adjusted[place] = replace(made[place], p_holm=p, tests=len(places))
    return tuple(adjusted[place] for place in range(len(made)))
