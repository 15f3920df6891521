import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from metrics.statistics import auc, bootstrap_mean, mean, resampled_auc, resampled_counts, wins

SCORES = st.lists(st.floats(0, 1), min_size=2, max_size=30)
VALUES = st.lists(st.integers(0, 5).map(float), min_size=1, max_size=12)


def test_auc_by_hand() -> None:
    # pairs (lower, higher): 1<2 win, 1<1 no but tie ½, 3<2 no, 3<1 no: (1 + ½) / 4
    assert auc([1.0, 3.0], [2.0, 1.0]) == 1.5 / 4


def test_auc_of_ties_alone_is_a_half() -> None:
    assert auc([2.0, 2.0], [2.0]) == 0.5


@given(VALUES, VALUES)
def test_swapping_the_groups_gives_the_rest_to_one(one: list[float], other: list[float]) -> None:
    assert auc(one, other) + auc(other, one) == pytest.approx(1, abs=1e-12)


@given(SCORES, st.integers(0, 9))
def test_the_interval_lies_between_the_smallest_and_largest_score(
    scores: list[float], seed: int
) -> None:
    low, high = bootstrap_mean(scores, (0, 1), seed, 200)
    assert min(scores) - 1e-9 <= low <= high <= max(scores) + 1e-9


def test_the_interval_of_zeros_and_ones_is_the_binomial_one() -> None:
    # 100 scores, half of them 1: sd of the mean 0.05, so 0.5 ± 1.96 · 0.05
    low, high = bootstrap_mean([0.0, 1.0] * 50, (0, 1), 0, 20_000)
    assert low == pytest.approx(0.40, abs=0.0101)
    assert high == pytest.approx(0.60, abs=0.0101)


def test_the_same_seed_gives_the_same_interval_and_another_seed_another() -> None:
    scores = list(np.linspace(0, 1, 37) ** 2)
    assert bootstrap_mean(scores, (0, 1), 3) == bootstrap_mean(scores, (0, 1), 3)
    assert bootstrap_mean(scores, (0, 1), 3) != bootstrap_mean(scores, (0, 1), 4)


def test_one_score_leaves_everything_possible() -> None:
    assert bootstrap_mean([0.7], (0, 1), 0) == (0, 1)


def test_the_mean_is_summed_in_order() -> None:
    scores = [0.1, 0.2, 0.3]
    assert mean(scores) == (0.1 + 0.2 + 0.3) / 3


def test_resampled_auc_equals_the_auc_of_the_drawn_rows() -> None:
    lower, higher = np.array([1.0, 2.0, 4.0]), np.array([2.0, 3.0])
    # rows 1, 3, 3 of the one and row 1 twice of the other: (1<2, 4<2, 4<2) = 1/3
    counts = np.array([[1.0, 0, 2.0]]), np.array([[2.0, 0]])
    assert resampled_auc(wins(lower, higher), *counts)[0] == pytest.approx(1 / 3, abs=1e-12)
    assert auc([1.0, 4.0, 4.0], [2.0, 2.0]) == pytest.approx(1 / 3, abs=1e-12)


def test_every_resample_draws_n_rows() -> None:
    counts = resampled_counts(7, (0, 1), 50)
    assert counts.shape == (50, 7)
    assert (counts.sum(axis=1) == 7).all()
