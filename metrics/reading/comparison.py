"""How two models of one run differ, and whether chance alone could do it; never runs a model.

Every model is set against the retrained and against the original one at its own precision, metric
by metric, on the samples that both have. The original is set against the retrained model once, and
the retrained model, which is what the others are read by, is not set against anything.

All p-values of one precision (models × metrics × both references) are corrected together with
Holm's procedure: they stand in one table, and whoever looks for what sticks out of a table looks at
all of it. Tables of two precisions are read apart and corrected apart.

What is tested follows from the samples: generated answers are a mean of scores, scored texts of a
forget and a holdout set an AUC.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import product
from math import isclose
from typing import Literal

import numpy as np

from loaders.faults import Fault
from metrics.metric import Metric, Reference
from metrics.reading.statistics import (
    PERMUTATIONS,
    RESAMPLES,
    Floats,
    Groups,
    auc,
    auc_permutation_p,
    bootstrap_mean,
    detectable_auc_difference,
    detectable_difference,
    holm,
    mean,
    percentile_interval,
    permutation_p,
    resampled_auc,
    resampled_counts,
    wins,
)
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
class Axis:
    """A metric's value where its mean score or AUC is 0, and where it is 1; straight between."""

    low: float
    high: float

    @property
    def span(self) -> float:
        """What a whole score is worth; negative where a value falls as the score rises."""
        return self.high - self.low

    def at(self, share: float) -> float:
        """The value at a mean score or AUC of `share`."""
        return self.low + self.span * share


@dataclass(frozen=True)
class _Draws:
    seed: int
    resamples: int
    permutations: int


@dataclass(frozen=True)
class _Cell:
    """One comparison to be made; `key` is what the family calls the model of that role."""

    ours: Record
    role: Role
    key: str | None
    metric: Metric
    theirs: Record | None
    retrained: Record | None


@dataclass(frozen=True)
class _Pair:
    """The samples that two models have in common, in one order, and the metric's reference."""

    ours: tuple[AnySample, ...]
    theirs: tuple[AnySample, ...]
    reference: Reference | None


@dataclass(frozen=True)
class _Tested:
    """Of two mean scores or AUCs, 0–1: both, and what is known of their difference."""

    ours: float
    theirs: float
    ci95: tuple[float, float]
    p: float
    detectable: float | None


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
    draws = _Draws(seed, resamples, permutations)
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


def find_axis(
    metric: Metric, samples: Sequence[AnySample], reference: Reference | None = None
) -> Axis:
    """The two ends of a metric, read off its own formula: what it makes of `samples` whose scores
    are all 0 and all 1, or of texts all of which tell the forget set apart wrongly and rightly.

    Fault where the metric is not defined on `samples`.
    """
    ends = (tuple(_at_end(sample, top) for sample in samples) for top in (False, True))
    low, high = (metric.measure(end, reference, 0, 1).value for end in ends)
    return Axis(low, high)


def _at_end(sample: AnySample, top: bool) -> AnySample:
    if isinstance(sample, LikelihoodSample):
        return replace(sample, score=float((sample.split == "forget") == top))
    return replace(sample, score=float(top))


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


def _compare(cell: _Cell, draws: _Draws) -> Comparison:
    theirs, metric = _require_theirs(cell), cell.metric
    pair = _pair(cell, theirs)
    axis = find_axis(metric, pair.ours, pair.reference)
    texts = all(isinstance(sample, LikelihoodSample) for sample in pair.ours)
    if texts and not _has_both_splits(pair.ours):
        raise _no_test(metric)
    tested = _test_aucs(pair, draws) if texts else _test_means(pair, draws)
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


def _pair(cell: _Cell, theirs: Record) -> _Pair:
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
    return _Pair(ours, others, Reference(named, rest[0]) if rest else None)


def _by_id(record: Record, metric: Metric) -> dict[str, AnySample]:
    measured = record.metrics.get(metric.key)
    if measured is None:
        raise Fault(f"{record.model} @ {record.precision} has no number for {metric.label}.")
    if bad := next((s.id for s in measured.samples if not np.isfinite(s.score)), None):
        raise Fault(f"The score of {bad} is not a finite number for {record.model}.")
    return {sample.id: sample for sample in measured.samples}


def _check_axis(metric: Metric, pair: _Pair, axis: Axis, tested: _Tested) -> None:
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


def _has_both_splits(samples: Sequence[AnySample]) -> bool:
    """Whether there is an AUC: perplexity is of one split alone."""
    groups = _groups(samples)
    return bool(groups.lower.size and groups.higher.size)


def _test_means(pair: _Pair, draws: _Draws) -> _Tested:
    ours = [sample.score for sample in pair.ours]
    theirs = [sample.score for sample in pair.theirs]
    differences = [one - other for one, other in zip(ours, theirs, strict=True)]
    return _Tested(
        mean(ours),
        mean(theirs),
        bootstrap_mean(differences, (-1.0, 1.0), draws.seed, draws.resamples),
        permutation_p(ours, theirs, draws.seed, draws.permutations),
        detectable_difference(differences),
    )


def _test_aucs(pair: _Pair, draws: _Draws) -> _Tested:
    ours, theirs = _groups(pair.ours), _groups(pair.theirs)
    reference = _groups(pair.reference.samples) if pair.reference else None
    if pair.reference is not None and pair.reference.samples == pair.theirs:
        reference = theirs
    return _Tested(
        auc(ours.lower, ours.higher),
        auc(theirs.lower, theirs.higher),
        _auc_interval(ours, theirs, reference, draws),
        auc_permutation_p(ours, theirs, draws.seed, draws.permutations),
        detectable_auc_difference(ours, theirs),
    )


def _groups(samples: Sequence[AnySample]) -> Groups:
    """Holdout texts as the lower, forget texts as the higher: AUC 0 is a model that memorized."""
    scores: dict[str, list[float]] = {"holdout": [], "forget": []}
    for sample in samples:
        if isinstance(sample, LikelihoodSample) and sample.split in scores:
            scores[sample.split].append(sample.score)
    return Groups(np.array(scores["holdout"]), np.array(scores["forget"]))


def _auc_interval(
    ours: Groups, theirs: Groups, reference: Groups | None, draws: _Draws
) -> tuple[float, float]:
    """Of the difference of two AUCs, the texts of both splits resampled as for PrivLeak.

    A metric with a reference sets every AUC in proportion to the reference's, as PrivLeak does, so
    that is what is resampled. One text in a split says nothing: then all that is possible, which
    for the reference itself starts from where it is held.
    """
    lowers, highers = ours.lower.size, ours.higher.size
    held = 1.0 if reference is None else auc(reference.lower, reference.higher)
    if min(lowers, highers) < 2:
        return (-held, 1.0 - held) if theirs is reference else (-1.0, 1.0)
    drawn = (
        resampled_counts(lowers, (draws.seed, 1), draws.resamples),
        resampled_counts(highers, (draws.seed, 0), draws.resamples),
    )
    one, other = (resampled_auc(wins(g.lower, g.higher), *drawn) for g in (ours, theirs))
    if reference is not None:
        resampled = resampled_auc(wins(reference.lower, reference.higher), *drawn)
        one, other = (_in_proportion(aucs, resampled, held) for aucs in (one, other))
    return percentile_interval(one - other)


def _in_proportion(aucs: Floats, reference: Floats, held: float) -> Floats:
    """`aucs` scaled so that the reference's is `held` in every resample, 0–1; 1 stands for all
    beyond it, as where a resample's reference is 0."""
    scaled = np.where(aucs == reference, held, 1.0)
    np.divide(held * aucs, reference, out=scaled, where=reference > 0)
    return scaled.clip(0.0, 1.0)


def _corrected(made: Sequence[Comparison]) -> tuple[Comparison, ...]:
    """The same comparisons with Holm's p-values, each precision a table of its own."""
    adjusted: dict[int, Comparison] = {}
    for precision in dict.fromkeys(row.precision for row in made):
        places = [place for place, row in enumerate(made) if row.precision == precision]
        p_values = holm([made[place].p for place in places])
        for place, p in zip(places, p_values, strict=True):
            adjusted[place] = replace(made[place], p_holm=p, tests=len(places))
    return tuple(adjusted[place] for place in range(len(made)))
