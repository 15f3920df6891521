"""Intervals and the AUC, seeded and vectorised; never what the numbers mean.

All intervals are 95 % percentile bootstraps (Efron & Tibshirani 1993, chapter 13).
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]

RESAMPLES = 5_000


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
