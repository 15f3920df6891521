"""The difference of two models on one metric, and its test; what is compared is not known here.

What is tested follows from the samples: generated answers are a mean of scores, scored texts of a
forget and a holdout set an AUC.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from metrics.metric import Metric, Reference
from metrics.reading.statistics import (
    Floats,
    Groups,
    auc,
    auc_permutation_p,
    bootstrap_mean,
    detectable_auc_difference,
    detectable_difference,
    mean,
    percentile_interval,
    permutation_p,
    resampled_auc,
    resampled_counts,
    wins,
)
from metrics.results import AnySample, LikelihoodSample


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
class Draws:
    seed: int
    resamples: int
    permutations: int


@dataclass(frozen=True)
class Pair:
    """The samples that two models have in common, in one order, and the metric's reference."""

    ours: tuple[AnySample, ...]
    theirs: tuple[AnySample, ...]
    reference: Reference | None


@dataclass(frozen=True)
class Tested:
    """Of two mean scores or AUCs, 0–1: both, and what is known of their difference."""

    ours: float
    theirs: float
    ci95: tuple[float, float]
    p: float
    detectable: float | None


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


def has_both_splits(samples: Sequence[AnySample]) -> bool:
    """Whether there is an AUC: perplexity is of one split alone."""
    groups = _groups(samples)
    return bool(groups.lower.size and groups.higher.size)


def difference_of_means(pair: Pair, draws: Draws) -> Tested:
    ours = [sample.score for sample in pair.ours]
    theirs = [sample.score for sample in pair.theirs]
    differences = [one - other for one, other in zip(ours, theirs, strict=True)]
    return Tested(
        mean(ours),
        mean(theirs),
        bootstrap_mean(differences, (-1.0, 1.0), draws.seed, draws.resamples),
        permutation_p(ours, theirs, draws.seed, draws.permutations),
        detectable_difference(differences),
    )


def difference_of_aucs(pair: Pair, draws: Draws) -> Tested:
    ours, theirs = _groups(pair.ours), _groups(pair.theirs)
    reference = _groups(pair.reference.samples) if pair.reference else None
    if pair.reference is not None and pair.reference.samples == pair.theirs:
        reference = theirs
    return Tested(
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
    ours: Groups, theirs: Groups, reference: Groups | None, draws: Draws
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
