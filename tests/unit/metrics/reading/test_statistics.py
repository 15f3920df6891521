from itertools import pairwise, product
from math import sqrt

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from metrics.reading.statistics import (
    QUANTILES,
    Groups,
    auc,
    auc_permutation_p,
    bootstrap_mean,
    detectable_auc_difference,
    detectable_difference,
    holm,
    mean,
    midranks,
    permutation_p,
    resampled_auc,
    resampled_counts,
    wins,
)

SCORES = st.lists(st.floats(0, 1), min_size=2, max_size=30)
VALUES = st.lists(st.integers(0, 5).map(float), min_size=1, max_size=12)
PAIRED = st.lists(st.tuples(st.floats(0, 1), st.floats(0, 1)), min_size=1, max_size=30)
FEW = st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), min_size=1, max_size=3)
P_VALUES = st.lists(st.floats(0, 1), max_size=12)


def groups(lower: list[float], higher: list[float]) -> Groups:
    return Groups(np.array(lower, dtype=float), np.array(higher, dtype=float))


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


def test_three_samples_that_agree_by_hand() -> None:
    # of the 8 patterns of ±1 ±1 ±1 only +++ and −−− reach |3|
    assert permutation_p([1, 1, 1], [0, 0, 0], 0) == 2 / 8


def test_three_samples_that_do_not_agree_by_hand() -> None:
    # 3 + 1 − 1 = 3; of ±3 ±1 ±1, |5| |3| |3| are reached with either sign of 3, |1| is not: 6 of 8
    assert permutation_p([3, 1, 0], [0, 0, 1], 0) == 6 / 8


def test_samples_without_a_difference_neither_help_nor_harm() -> None:
    assert permutation_p([1, 1, 1] + [0.5] * 40, [0, 0, 0] + [0.5] * 40, 0) == 2 / 8


def test_sums_of_the_same_numbers_in_another_order_are_equal() -> None:
    # 0.1 + 0.2 + 0.3 is not 0.3 + 0.2 + 0.1 to the last bit
    assert permutation_p([0.1, 0.2, 0.3, 0.0], [0, 0, 0, 0.6], 0) == permutation_p(
        [1, 2, 3, 0], [0, 0, 0, 6], 0
    )
    assert permutation_p([0.1, 0.2, 0.3], [0, 0, 0], 0) == 2 / 8


@pytest.mark.parametrize("scores", [[0.7], [0.0] * 30, [0.1, 0.9] * 20])
def test_equal_scores_show_nothing(scores: list[float]) -> None:
    assert permutation_p(scores, scores, 0) == 1


def test_one_sample_shows_nothing_however_large_its_difference() -> None:
    assert permutation_p([1], [0], 0) == 1


def test_random_patterns_agree_with_the_binomial() -> None:
    # 10 of 14 samples favour one model by 1: P(|2X − 14| ≥ 6) = 2 · 1,471 / 2^14
    p = permutation_p([1] * 10 + [0] * 4, [0] * 10 + [1] * 4, 0)
    assert p == pytest.approx(2 * 1471 / 2**14, abs=0.005)


def test_random_patterns_never_give_zero() -> None:
    assert permutation_p([1] * 40, [0] * 40, 0, resamples=99) == 1 / 100


def test_the_seed_decides_which_patterns_are_drawn() -> None:
    rng = np.random.default_rng(5)
    ours, theirs = list(rng.normal(0.2, 1, 40)), list(rng.normal(0, 1, 40))
    assert permutation_p(ours, theirs, 3, 500) == permutation_p(ours, theirs, 3, 500)
    assert len({permutation_p(ours, theirs, seed, 500) for seed in range(5)}) > 1


@given(PAIRED, st.integers(0, 3))
def test_p_is_a_probability_and_the_same_from_either_side(
    pairs: list[tuple[float, float]], seed: int
) -> None:
    ours, theirs = [pair[0] for pair in pairs], [pair[1] for pair in pairs]
    p = permutation_p(ours, theirs, seed, 199)
    assert 0 < p <= 1
    assert p == permutation_p(theirs, ours, seed, 199)


def test_of_models_that_do_not_differ_one_in_twenty_is_called_different() -> None:
    rng = np.random.default_rng(0)
    hard = rng.normal(size=(2000, 20))
    ours, theirs = hard + rng.exponential(size=hard.shape), hard + rng.exponential(size=hard.shape)
    p_values = [
        permutation_p(a, b, i, 199) for i, (a, b) in enumerate(zip(ours, theirs, strict=True))
    ]
    assert np.mean(np.array(p_values) <= 0.05) == pytest.approx(0.05, abs=0.015)


def test_ranks_of_equal_values_are_shared() -> None:
    assert midranks(np.array([10.0, 20.0, 10.0, 30.0])).tolist() == [1.5, 3, 1.5, 4]


def test_two_texts_and_opposite_models_by_hand() -> None:
    # Ranks (1, 2) and (2, 1): AUC 1 against 0. Both swapped: 0 against 1. One of them: all tie.
    assert auc_permutation_p(groups([5], [9]), groups([70], [30]), 0) == 2 / 4


@given(FEW, FEW)
def test_a_sum_of_shares_is_what_swapping_the_ranks_gives(
    lower: list[tuple[int, int]], higher: list[tuple[int, int]]
) -> None:
    texts = np.array(lower + higher, dtype=float)
    ranks = np.stack([midranks(texts[:, 0]), midranks(texts[:, 1])], axis=1)
    gaps = []
    for swapped in product((False, True), repeat=len(texts)):
        drawn = np.where(np.array(swapped)[:, None], ranks[:, ::-1], ranks)
        one, other = drawn[:, 0], drawn[:, 1]
        n = len(lower)
        gaps.append(abs(auc(one[:n], one[n:]) - auc(other[:n], other[n:])))
    ours, theirs = (Groups(texts[: len(lower), i], texts[len(lower) :, i]) for i in (0, 1))
    assert auc_permutation_p(ours, theirs, 0) == np.mean(np.array(gaps) >= gaps[0] - 1e-9)


def test_the_scale_of_a_models_scores_does_not_matter() -> None:
    rng = np.random.default_rng(1)
    ours, theirs = (Groups(rng.normal(size=20), rng.normal(0.5, 1, 15)) for _ in range(2))
    stretched = Groups(np.exp(9 + 2 * theirs.lower), np.exp(9 + 2 * theirs.higher))
    p = auc_permutation_p(ours, theirs, 0, 500)
    assert p == auc_permutation_p(ours, stretched, 0, 500)
    assert p == auc_permutation_p(theirs, ours, 0, 500)


def test_a_model_that_memorized_is_told_from_one_that_did_not() -> None:
    rng = np.random.default_rng(2)
    lower, higher = rng.normal(size=30), rng.normal(size=30)
    ours = Groups(lower + 10, higher)
    assert auc_permutation_p(ours, Groups(lower, higher), 0, 999) == 1 / 1000
    assert auc_permutation_p(ours, Groups(3 * ours.lower, 3 * ours.higher), 0, 999) == 1


def test_of_equal_aucs_on_two_scales_one_in_twenty_is_called_different() -> None:
    rng = np.random.default_rng(3)

    def scored(text: np.ndarray, stretch: float) -> np.ndarray:
        return np.exp(stretch * (text + rng.normal(size=text.shape)))

    p_values = []
    for seed in range(1000):
        lower, higher = rng.normal(size=20), rng.normal(0.5, 1, 25)
        ours, theirs = (Groups(scored(lower, s), scored(higher, s)) for s in (0.1, 3.0))
        p_values.append(auc_permutation_p(ours, theirs, seed, 199))
    assert np.mean(np.array(p_values) <= 0.05) == pytest.approx(0.05, abs=0.02)


def test_holm_by_hand() -> None:
    # .005 · 4, .01 · 3, .03 · 2, and .04 · 1 is not less than the .06 before it
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx((0.03, 0.06, 0.06, 0.02))


def test_holm_of_ties_of_large_ones_of_one_and_of_none() -> None:
    assert holm([0.02, 0.5, 0.02, 0.02]) == pytest.approx((0.08, 0.5, 0.08, 0.08))
    assert holm([0.6, 0.7]) == (1, 1)
    assert holm([0.03]) == (0.03,)
    assert holm([]) == ()


@given(P_VALUES)
def test_holm_raises_and_keeps_the_order(p_values: list[float]) -> None:
    adjusted = holm(p_values)
    assert all(raw <= after <= 1 for raw, after in zip(p_values, adjusted, strict=True))
    pairs = sorted(zip(p_values, adjusted, strict=True))
    assert all(before[1] <= after[1] for before, after in pairwise(pairs))


def test_the_detectable_difference_by_hand() -> None:
    # differences 0 and 2: sd √2, n 2
    assert detectable_difference([0, 2]) == pytest.approx(1.959964 + 0.841621)
    # 100 answers right or wrong, and half of them change: sd 0.7107 by n − 1
    changed = [0.0] * 50 + [1.0] * 25 + [-1.0] * 25
    assert detectable_difference(changed) == pytest.approx(2.801585 * sqrt(50 / 99) / 10)


@pytest.mark.parametrize("differences", [[], [0.4], [0.0] * 9, [0.3] * 9])
def test_without_a_spread_nothing_is_said_to_be_detectable(differences: list[float]) -> None:
    assert detectable_difference(differences) is None


def test_a_detectable_difference_is_found_four_times_in_five() -> None:
    rng = np.random.default_rng(4)
    n = 50
    drawn = rng.normal(QUANTILES / sqrt(n), 1, (500, n))
    p_values = [permutation_p(row, np.zeros(n), seed, 199) for seed, row in enumerate(drawn)]
    assert np.mean(np.array(p_values) <= 0.05) == pytest.approx(0.8, abs=0.06)


def test_the_detectable_difference_of_aucs_by_hand() -> None:
    # wins of ours 1 1 / 0 1 less ½ each: .5 .5 / −.5 .5; means (.5, 0) and (0, .5), variance .125
    # each, over 2 texts each: √(.125 / 2 + .125 / 2)
    found = detectable_auc_difference(groups([1, 3], [2, 4]), groups([1, 1], [1, 1]))
    assert found == pytest.approx(2.801585 * sqrt(0.125))


def test_one_text_or_equal_models_leave_the_aucs_detectable_difference_unknown() -> None:
    assert detectable_auc_difference(groups([1], [2, 4]), groups([1], [1, 1])) is None
    assert detectable_auc_difference(groups([1, 2], [2, 4]), groups([3, 6], [6, 9])) is None
