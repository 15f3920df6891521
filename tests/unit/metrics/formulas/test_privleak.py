from collections.abc import Sequence
from math import inf, nan

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from loaders import Fault
from loaders.fake import FakeEngine
from metrics import LikelihoodSample
from metrics.formulas.privleak import (
    PRIVLEAK,
    SHARE,
    SHARES,
    measure,
    min_k,
    privleak,
    sweep_shares,
)
from metrics.metric import Reference
from metrics.passes import SCORE, Task, by_turns
from metrics.profile import MUSE
from metrics.reading.statistics import auc
from tests.unit.metrics.library import DATA, FAMILY, Spelled, rows, sampled, spelled

NAME = "retrained @ fp32, this run"
Pairs = list[tuple[float, float]]
VALUE = st.integers(0, 4).map(float)
PAIRS = st.lists(st.tuples(VALUE, VALUE), min_size=1, max_size=8)  # (the model's, the reference's)


def samples(forget: Sequence[float], holdout: Sequence[float]) -> list[LikelihoodSample]:
    rows = [LikelihoodSample(f"privleak_forget-{i}", "forget", v) for i, v in enumerate(forget)]
    return rows + [
        LikelihoodSample(f"privleak_holdout-{i}", "holdout", v) for i, v in enumerate(holdout)
    ]


def reference(forget: Sequence[float], holdout: Sequence[float]) -> Reference:
    return Reference(NAME, tuple(samples(forget, holdout)))


def test_min_k_is_minus_the_mean_of_the_smallest_two_of_five() -> None:
    # k = int(0.4 · 5) = 2; smallest −4 and −3; m = 3.5
    assert min_k([-1.0, -4.0, -0.5, -3.0, -2.0], "t") == 3.5


def test_min_k_rounds_down() -> None:
    # k = int(0.4 · 7) = 2 of −7 −6 …; m = 6.5
    assert min_k([-1.0, -2.0, -3.0, -4.0, -5.0, -6.0, -7.0], "t") == 6.5


@pytest.mark.parametrize("bad", [nan, -inf])
def test_a_log_prob_that_is_no_number_names_the_text(bad: float) -> None:
    with pytest.raises(Fault, match=r"privleak_forget-3: a log-prob is not a finite number"):
        min_k([-1.0, bad, -1.0], "privleak_forget-3")


@pytest.mark.parametrize("count", [0, 1, 2])
def test_a_text_under_three_tokens_is_named(count: int) -> None:
    with pytest.raises(Fault, match=rf"privleak_holdout-1 has {count} tokens; Min-40% needs 3"):
        min_k([-1.0] * count, "privleak_holdout-1")


@pytest.mark.parametrize(
    ("share", "least"), [(0.05, 20), (0.1, 10), (0.2, 5), (0.3, 4), (0.4, 3), (0.5, 2), (0.6, 2)]
)
def test_the_least_length_that_is_named_is_enough(share: float, least: int) -> None:
    with pytest.raises(Fault, match=rf"has {least - 1} tokens; Min-\d+% needs {least} or more"):
        min_k([-1.0] * (least - 1), "t", share)
    assert min_k([-1.0] * least, "t", share) == 1.0


def test_the_sweep_is_min_k_at_each_of_muses_shares() -> None:
    # Of ten tokens the smallest int(0.5) = 0, 1, 2, 3, 4, 5 and 6.
    values = [-3.0, -1.0, -10.0, -2.0, -7.0, -9.0, -5.0, -8.0, -6.0, -4.0]
    assert sweep_shares(values, "t", MUSE) == (None, 10.0, 9.5, 9.0, 8.5, 8.0, 7.5)
    assert SHARES[4] == SHARE


def test_a_text_under_20_tokens_has_a_score_and_gaps_in_its_sweep() -> None:
    texts = spelled(["-1 -2 -3", " ".join(["-1"] * 20)], ["-1 -1 -1", "-2 -2 -2"])
    task = Task(FAMILY, texts)
    first, _, long, _ = (
        PRIVLEAK.sample(row, task) for row in rows(SCORE, Spelled(lambda m, p: ""), task)
    )
    # Of three tokens int(3 · .4) = 1 and int(3 · .5) = 1 are the −3, int(3 · .6) = 1 too.
    none = (None,) * 4
    assert first == LikelihoodSample("privleak_forget-0", "forget", 3.0, (*none, 3.0, 3.0, 3.0))
    assert long == LikelihoodSample("privleak_forget-1", "forget", 1.0, (1.0,) * 7)


def test_texts_that_all_tie_tell_nothing() -> None:
    tied = samples([1, 1, 1], [1, 1])
    found = measure(tied, Reference(NAME, tuple(tied)), 0, 200)
    assert (found.auc, found.value, found.ci95) == (0.5, 0.0, (0.0, 0.0))
    # Against a retrained model of AUC 1 the same ties are 100 · (0.5 − 1) / 1.
    assert measure(tied, reference([2, 2, 2], [1, 1]), 0, 200).value == -50


def test_privleak_by_hand() -> None:
    # model: holdout 1 and 3 against forget 2 and 1: 1<2, 1=1 tie, 3 wins never: AUC 1.5/4
    # retrained: holdout 1 and 3 against forget 2 and 4: 1<2 1<4 3<4: AUC 3/4
    # PrivLeak = 100 · (0.375 − 0.75) / 0.75 = −50
    measured = measure(samples([2, 1], [1, 3]), reference([2, 4], [1, 3]), 0, 500)
    assert measured.auc == 0.375
    assert measured.value == pytest.approx(-50)
    assert measured.reference == NAME
    assert measured.n == 4


def test_a_model_that_memorized_the_forget_set_is_at_minus_100() -> None:
    # every holdout text looks less like a member: no m_holdout is under an m_forget
    measured = measure(samples([1, 1], [5, 6]), reference([1, 2], [1, 2]), 0, 100)
    assert (measured.auc, measured.value) == (0.0, -100.0)


def test_a_model_that_forgot_too_much_is_positive() -> None:
    # AUC 1 against AUC 0.5: 100 · (1 − 0.5) / 0.5
    assert measure(samples([8, 9], [1, 2]), reference([1, 2], [1, 2]), 0, 100).value == 100


def test_the_retrained_model_is_exactly_at_zero() -> None:
    own = samples([1, 4, 2], [2, 1, 3])
    measured = measure(own, Reference(NAME, tuple(own)), 0, 500)
    assert (measured.value, measured.ci95) == (0.0, (0.0, 0.0))


def test_the_published_original_comes_out_of_its_aucs() -> None:
    # AUC .23555 against .5393, the constant in MUSE, is the published −56.32
    assert privleak(0.23555, 0.5393) == pytest.approx(-56.32, abs=0.005)


@given(st.floats(1e-6, 1))
def test_an_auc_of_0_is_at_minus_100_without_rounding(reference_auc: float) -> None:
    assert privleak(0, reference_auc) == -100


def test_without_a_reference_it_is_a_fault() -> None:
    with pytest.raises(Fault, match="set against the retrained model of the same run"):
        measure(samples([1, 2], [1, 2]), None, 0, 100)


def test_a_reference_with_auc_zero_is_a_fault() -> None:
    with pytest.raises(Fault, match=f"The AUC of {NAME} is 0 on 2 forget and 2 holdout texts"):
        measure(samples([1, 2], [1, 2]), reference([1, 1], [2, 2]), 0, 100)


def test_texts_of_one_split_alone_are_a_fault() -> None:
    with pytest.raises(Fault, match="PrivLeak needs holdout texts, and there are none"):
        measure(samples([1, 2], []), reference([1, 2], [1, 2]), 0, 100)


def test_a_text_the_reference_was_not_asked_is_named() -> None:
    with pytest.raises(Fault, match=r"privleak_forget-1 was not scored with retrained @ fp32"):
        measure(samples([1, 2], [1, 2]), reference([1], [1, 2]), 0, 100)


def test_both_aucs_are_resampled_together() -> None:
    # The model's values are the retrained model's, shifted: every resample has equal AUCs.
    measured = measure(samples([3, 5, 4], [4, 3, 6]), reference([1, 3, 2], [2, 1, 4]), 0, 500)
    assert measured.ci95 == (0.0, 0.0)


def test_the_two_splits_are_resampled_apart() -> None:
    # Drawing the same rows of both would leave the model's AUC at 0.5 in every resample.
    measured = measure(samples([1, 2, 3, 4], [1, 2, 3, 4]), reference([1] * 4, [1] * 4), 0, 500)
    assert measured.value == 0
    assert measured.ci95[0] < -25 < 25 < measured.ci95[1]


def test_one_text_a_split_leaves_the_whole_axis() -> None:
    # retrained AUC 0.5: from −100 to 100 · (1 − 0.5) / 0.5
    measured = measure(samples([2], [1]), reference([1], [1]), 0, 100)
    assert measured.ci95 == (-100.0, 100.0)


@given(PAIRS, PAIRS, st.integers(0, 3))
def test_value_and_interval_lie_on_the_axis(forget: Pairs, holdout: Pairs, seed: int) -> None:
    theirs = reference([pair[1] for pair in forget], [pair[1] for pair in holdout])
    ours = samples([pair[0] for pair in forget], [pair[0] for pair in holdout])
    assume(any(h[1] <= f[1] for f in forget for h in holdout))  # else the reference's AUC is 0
    measured = measure(ours, theirs, seed, 100)
    end = privleak(1, auc([pair[1] for pair in holdout], [pair[1] for pair in forget]))
    assert -100 <= measured.ci95[0] <= measured.ci95[1] <= end
    assert -100 <= measured.value <= end


def test_both_splits_are_scored_by_turns() -> None:
    by_turn = [
        "privleak_forget-0",
        "privleak_holdout-0",
        "privleak_forget-1",
        "privleak_holdout-1",
    ]
    assert [text.id for text in by_turns(DATA)] == by_turn
    found = sampled(PRIVLEAK, lambda model, prompt: "")
    assert [sample.id for sample in found] == by_turn
    assert {sample.id for sample in found} == set(PRIVLEAK.ids(DATA))
    engine = FakeEngine(lambda model, prompt: "")
    logprobs = next(score for score in engine.score("npo", ["a b c d e"]) if score).logprobs
    assert found[0].score == pytest.approx(-sum(sorted(logprobs)[:2]) / 2, abs=1e-12)
