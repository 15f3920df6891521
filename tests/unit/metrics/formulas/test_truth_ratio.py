from math import exp, log, nan

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loaders import Fault
from metrics import Sample
from metrics.formulas.truth_ratio import (
    TRUTH_RATIO_F,
    TRUTH_RATIO_R,
    closer_to_one,
    sample,
    true_better,
    truth,
)
from metrics.passes import WEIGH_FORGET, WEIGH_RETAIN, Options, Task
from tests.unit.metrics.library import DATA, FAMILY

TASK = Task(FAMILY, DATA)
LOGPROB = st.floats(-12, 0)
ODDS = st.lists(st.tuples(LOGPROB, LOGPROB), min_size=1, max_size=8)


def options(paraphrase: tuple[float, ...], *perturbed: tuple[float, ...]) -> Options:
    return Options("forget_qa-0", "p", "a", (-0.1,), paraphrase, perturbed)


def of(ratio: float) -> Sample:
    """A question whose truth ratio is `ratio`."""
    return Sample("q", "", "", "", 1 / (1 + ratio))


def test_it_sets_the_paraphrase_against_the_geometric_mean_of_the_wrong_answers() -> None:
    # p_right = √(½ · ½) = ½, p_wrong = √(¼ · 1/16) = ⅛: TR ¼, truth ½ / (½ + ⅛) = ⅘
    row = options((log(1 / 2), log(1 / 2)), (log(1 / 4),), (log(1 / 16), log(1 / 16)))
    found = sample(row, TASK)
    assert found.score == pytest.approx(0.8)
    assert found.output == "right 0.5, wrong 0.125 per token"


def test_the_two_published_means_are_functions_of_the_samples() -> None:
    # TR ¼ and 2: min(TR, 1/TR) is ¼ and ½, max(0, 1 − TR) is ¾ and 0
    assert closer_to_one([of(0.25), of(2.0)]) == pytest.approx(0.375)
    assert true_better([of(0.25), of(2.0)]) == pytest.approx(0.375)


@given(LOGPROB, LOGPROB)
def test_a_model_that_mixes_them_up_has_the_rest(right: float, wrong: float) -> None:
    assert truth(right, wrong) + truth(wrong, right) == pytest.approx(1)
    assert (right - wrong) * (truth(right, wrong) - 0.5) >= 0


@given(ODDS)
def test_they_are_the_librarys_where_an_answer_is_possible(odds: list[tuple[float, float]]) -> None:
    ratios = [exp(wrong) / (exp(right) + 1e-10) for right, wrong in odds]
    samples = [Sample("q", "", "", "", truth(right, wrong)) for right, wrong in odds]
    theirs = sum(min(r, 1 / (r + 1e-10)) for r in ratios) / len(ratios)
    assert closer_to_one(samples) == pytest.approx(theirs, abs=1e-4)
    assert true_better(samples) == pytest.approx(
        sum(max(0.0, 1 - r) for r in ratios) / len(ratios), abs=1e-4
    )


def test_a_model_that_cannot_tell_is_at_a_half_however_unlikely_both_are() -> None:
    assert truth(-3.0, -3.0) == truth(-900.0, -900.0) == 0.5


def test_the_surest_models_are_at_the_ends() -> None:
    sure, wrong = (Sample("q", "", "", "", truth(*odds)) for odds in ((0.0, -900.0), (-900.0, 0.0)))
    assert (sure.score, wrong.score) == (1.0, 0.0)
    assert (closer_to_one([sure]), closer_to_one([wrong])) == (0.0, 0.0)
    assert (true_better([sure]), true_better([wrong])) == (1.0, 0.0)


def test_a_wrong_answer_that_is_no_number_or_nothing_names_the_question() -> None:
    with pytest.raises(Fault, match="forget_qa-0: a log-prob is not a finite number"):
        sample(options((-1.0,), (-1.0,), (nan,)), TASK)
    with pytest.raises(Fault, match="forget_qa-0: an answer has no tokens"):
        sample(options((-1.0,), ()), TASK)


def test_its_value_is_the_mean_from_0_to_1() -> None:
    measured = TRUTH_RATIO_F.measure([of(1.0), of(0.0)], None, 0, 100)
    assert (measured.value, measured.n) == (0.75, 2)
    assert TRUTH_RATIO_F.measure([of(1.0)], None, 0, 100).ci95 == (0, 1)
    assert (TRUTH_RATIO_F.source, TRUTH_RATIO_R.source) == (WEIGH_FORGET, WEIGH_RETAIN)
    assert (TRUTH_RATIO_F.best, TRUTH_RATIO_R.best) == ("low", "high")
