"""Intervals, tests and the AUC, seeded and vectorised; never what the numbers mean.

All intervals are 95 % percentile bootstraps (Efron & Tibshirani 1993, chapter 13). All tests are
two-sided, paired and permutation tests: no distribution is assumed.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import sqrt

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]

RESAMPLES = 5_000
# More than for intervals: Holm multiplies the least p by the number of comparisons.
PERMUTATIONS = 100_000
EXACT = 12  # up to 4,096 sign patterns are all looked at
BLOCK = 1 << 22  # signs drawn at a time
TOLERANCE = 1e-9  # sums of the same numbers in another order are equal
# Normal quantiles of 97.5 % and 80 %: found at 5 % two-sided, 4 times in 5.
QUANTILES = 1.959964 + 0.841621


@dataclass(frozen=True)
class Groups:
    """One model's scores of two groups of texts; another model's come in the same order."""

    lower: Floats
    higher: Floats


def mean(scores: Sequence[float]) -> float:
    """Summed in the order given, as the reference evaluation does; needs at least one score."""
    return sum(scores) / len(scores)


def bootstrap_mean(
    scores: Sequence[float], bounds: tuple[float, float], seed: int, resamples: int = RESAMPLES
) -> tuple[float, float]:
    """95 % interval of the mean of `scores`, which lie within `bounds`.

    The same seed and n resample the same rows, so intervals of two models are paired. One score
    says nothing about the spread: the interval is then all that is possible, `bounds`.
    """
    if len(scores) < 2:
        return bounds
    values = np.asarray(scores, dtype=np.float64)
    rows = np.random.default_rng(seed).integers(0, values.size, (resamples, values.size))
    return percentile_interval(values[rows].mean(axis=1))


def percentile_interval(values: Floats) -> tuple[float, float]:
    """The 2.5 and 97.5 % points of resampled values."""
    low, high = np.quantile(values, (0.025, 0.975))
    return float(low), float(high)


def wins(lower: ArrayLike, higher: ArrayLike) -> Floats:
    """(len(lower), len(higher)) matrix: 1 where lower < higher, 0.5 where they tie, else 0."""
    left, right = np.asarray(lower)[:, None], np.asarray(higher)[None, :]
    matrix: Floats = (left < right) + 0.5 * (left == right)
    return matrix


def auc(lower: ArrayLike, higher: ArrayLike) -> float:
    """P(a < b) + 0.5 P(a = b) for a from `lower` and b from `higher`, 0–1 (Mann–Whitney U)."""
    return float(wins(lower, higher).mean())


def resampled_counts(n: int, seed: Sequence[int], resamples: int = RESAMPLES) -> Floats:
    """(resamples, n) matrix: how often each of n rows is drawn in each resample of size n."""
    rng = np.random.default_rng(seed)
    return rng.multinomial(n, np.full(n, 1 / n), size=resamples).astype(np.float64)


def resampled_auc(matrix: Floats, lower_counts: Floats, higher_counts: Floats) -> Floats:
    """The AUC of each resample, (resamples,), from `wins` and the counts of both groups."""
    pairs = matrix.shape[0] * matrix.shape[1]
    won: Floats = np.einsum("rj,rj->r", lower_counts @ matrix, higher_counts) / pairs
    return won


def permutation_p(
    ours: Sequence[float], theirs: Sequence[float], seed: int, resamples: int = PERMUTATIONS
) -> float:
    """p, in (0, 1], of the difference of two means over the same samples, in the same order.

    If the models do not differ, a sample's two scores could as well be swapped, which flips the
    sign of their difference (Fisher 1935, section 21; Good 2005, chapter 3).
    """
    differences = np.asarray(ours, dtype=np.float64) - np.asarray(theirs, dtype=np.float64)
    return flip_p(differences, seed, resamples)


def flip_p(shares: Floats, seed: int, resamples: int = PERMUTATIONS) -> float:
    """How often |sum of `shares`| is reached where every share may as well have the other sign.

    Exact over all patterns where at most EXACT shares are not 0; otherwise over `resamples` random
    ones and the one observed, (hits + 1) / (resamples + 1), which is never 0 (Phipson & Smyth
    2010). Shares that are all 0 have p = 1, and so has one alone: it cannot show anything.
    """
    values = shares[shares != 0]
    reached = abs(values.sum()) - TOLERANCE * np.abs(values).sum()
    if values.size <= EXACT:
        return float((np.abs(_all_sums(values)) >= reached).mean())
    hits = int((np.abs(_random_sums(values, seed, resamples)) >= reached).sum())
    return (hits + 1) / (resamples + 1)


def _all_sums(values: Floats) -> Floats:
    """The sum under each of the 2^m patterns of signs."""
    patterns = np.arange(2**values.size)[:, None] >> np.arange(values.size) & 1
    sums: Floats = 2 * (patterns @ values) - values.sum()
    return sums


def _random_sums(values: Floats, seed: int, resamples: int) -> Floats:
    """The sum under `resamples` random patterns of signs, drawn in blocks to spare memory."""
    rng = np.random.default_rng(seed)
    rows = max(1, BLOCK // values.size)
    sizes = [min(rows, resamples - start) for start in range(0, resamples, rows)]
    plus = [rng.integers(0, 2, (size, values.size), dtype=np.bool_) @ values for size in sizes]
    sums: Floats = 2 * np.concatenate(plus) - values.sum()
    return sums


def auc_permutation_p(
    ours: Groups, theirs: Groups, seed: int, resamples: int = PERMUTATIONS
) -> float:
    """p, in (0, 1], of |AUC of ours − AUC of theirs| on the same texts.

    If the models do not differ, a text's two scores could as well be swapped, in either group.
    Two models' scores have scales of their own, so what is swapped is not a score but its rank
    among all texts of its model, ties in the middle; an AUC depends on ranks alone (Venkatraman &
    Begg 1996; with this statistic Bandos, Rockette & Gur 2005). Strictly it is the two whole ROC
    curves that are equal under the null; the statistic sees where their areas are not.

    Of a pair of texts, both swapped gives minus what neither gives, and the one minus what the
    other gives. So the statistic is a sum of one share per text whose sign a swap flips.
    """
    one, other = _ranked(ours), _ranked(theirs)
    neither = wins(one.lower, one.higher) - wins(other.lower, other.higher)
    lower_only = wins(other.lower, one.higher) - wins(one.lower, other.higher)
    of_lower, of_higher = neither - lower_only, neither + lower_only
    shares = np.concatenate([of_lower.sum(axis=1), of_higher.sum(axis=0)])
    return flip_p(shares, seed, resamples)


def midranks(values: Floats) -> Floats:
    """The rank of each value from 1 up; equal values share the mean of their ranks."""
    _, places, counts = np.unique(values, return_inverse=True, return_counts=True)
    ranks: Floats = (np.cumsum(counts) - (counts - 1) / 2)[places]
    return ranks


def _ranked(groups: Groups) -> Groups:
    """Ranks over both groups together."""
    ranks = midranks(np.concatenate([groups.lower, groups.higher]))
    return Groups(ranks[: groups.lower.size], ranks[groups.lower.size :])


def holm(p_values: Sequence[float]) -> tuple[float, ...]:
    """The p-values, in the order given, corrected for there being several (Holm 1979).

    The k-th smallest of m is multiplied by m − k + 1, none is less than one before it, and none is
    more than 1. Rejecting those under 5 % rejects any true null at most 5 times in 100 tables.
    """
    raw = np.asarray(p_values, dtype=np.float64)
    order = np.argsort(raw, kind="stable")
    stepped = np.maximum.accumulate(raw[order] * np.arange(raw.size, 0, -1))
    adjusted = np.empty_like(raw)
    adjusted[order] = np.minimum(stepped, 1.0)
    return tuple(float(p) for p in adjusted)


def detectable_difference(differences: Sequence[float]) -> float | None:
    """The least true mean difference that is found at 5 % two-sided 4 times in 5, from the spread
    of the paired differences: (1.96 + 0.8416) · sd / √n (Miller 2024, arXiv 2411.00640, section 5).

    None where there is no spread to go by: for one sample, and where all differ by the same.
    """
    values = np.asarray(differences, dtype=np.float64)
    if values.size < 2 or np.ptp(values) <= TOLERANCE:
        return None
    return QUANTILES * float(values.std(ddof=1)) / sqrt(values.size)


def detectable_auc_difference(ours: Groups, theirs: Groups) -> float | None:
    """The same for a difference of AUCs on the same texts, 0–1, with the standard error of DeLong,
    DeLong & Clarke-Pearson (1988). None for one text in a group and where there is no spread."""
    matrix = wins(ours.lower, ours.higher) - wins(theirs.lower, theirs.higher)
    if min(matrix.shape) < 2:
        return None
    of_lower, of_higher = matrix.mean(axis=1), matrix.mean(axis=0)
    variance = of_lower.var(ddof=1) / of_lower.size + of_higher.var(ddof=1) / of_higher.size
    return QUANTILES * sqrt(variance) if variance > TOLERANCE**2 else None
