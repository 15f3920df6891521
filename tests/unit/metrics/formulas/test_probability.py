from dataclasses import replace
from math import exp, inf, log, nan
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loaders import Fault
from loaders.fake import FakeEngine
from metrics import Question, Skipped, run
from metrics.formulas.probability import (
    ANSWER_PROBABILITY_F,
    ANSWER_PROBABILITY_R,
    mean_logprob,
    sample,
)
from metrics.passes import WEIGH_FORGET, WEIGH_RETAIN, Options, Task
from tests.unit.metrics.library import DATA, FAMILY, make_family, ready, right, sampled

LOGPROBS = st.lists(st.floats(-30, 0), min_size=1, max_size=12)
TASK = Task(FAMILY, DATA)


def options(right: tuple[float, ...]) -> Options:
    return Options("forget_qa-0", "p", "the keeper", right, (-1.0,), ((-1.0,),))


def test_it_is_the_geometric_mean_of_the_tokens_probabilities() -> None:
    # √(½ · ⅛) = ¼
    found = sample(options((log(1 / 2), log(1 / 8))), TASK)
    assert found.score == pytest.approx(1 / 4)
    assert (found.reference, found.output) == ("the keeper", "0.25 per token")


@given(LOGPROBS)
def test_it_lies_between_the_likeliest_and_the_least_likely_token(values: list[float]) -> None:
    score = sample(options(tuple(values)), TASK).score
    assert exp(min(values)) * (1 - 1e-9) <= score <= exp(max(values)) * (1 + 1e-9)


@given(LOGPROBS, st.integers(2, 4))
def test_saying_it_several_times_changes_nothing(values: list[float], times: int) -> None:
    assert mean_logprob(values * times, "q") == pytest.approx(mean_logprob(values, "q"))


@pytest.mark.parametrize("bad", [nan, -inf])
def test_a_log_prob_that_is_no_number_names_the_question(bad: float) -> None:
    with pytest.raises(Fault, match="forget_qa-0: a log-prob is not a finite number"):
        sample(options((-1.0, bad)), TASK)


def test_an_answer_of_no_token_is_a_fault() -> None:
    with pytest.raises(Fault, match="forget_qa-0: an answer has no tokens; write one"):
        sample(options(()), TASK)


def test_forget_and_retain_read_their_own_pass_and_are_in_points() -> None:
    asked = Question("retain_qa-0", "What is red?", "the door", "a door", ("the sea",))
    data = replace(DATA, knowmem_r=(asked,))
    found = sampled(ANSWER_PROBABILITY_R, lambda model, prompt: "", data)
    measured = ANSWER_PROBABILITY_R.measure(found, None, 0, 100)
    assert measured.value == pytest.approx(100 * found[0].score)
    assert measured.ci95 == (0, 100)
    assert ANSWER_PROBABILITY_R.source is WEIGH_RETAIN
    assert ANSWER_PROBABILITY_F.source is WEIGH_FORGET
    assert (ANSWER_PROBABILITY_F.best, ANSWER_PROBABILITY_R.best) == ("low", "high")


def test_data_without_wrong_answers_is_a_dash_that_says_so(tmp_path: Path) -> None:
    family = make_family(tmp_path)
    keys = ["answer_probability_f", "truth_ratio_f", "truth_ratio_r"]
    found = run(ready(FakeEngine(right), family), family, DATA, models=["npo"], metrics=keys)
    assert [event.reason for event in found if isinstance(event, Skipped)] == [
        f"The data set has no questions with wrong answers for {label}."
        for label in ("Answer probability, forget", "Truth ratio, forget", "Truth ratio, retain")
    ]
