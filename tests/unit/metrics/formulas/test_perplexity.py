from collections.abc import Sequence
from math import exp, log, nan

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loaders import Fault
from metrics import LikelihoodSample
from metrics.formulas.perplexity import CEILING, PERPLEXITY_HOLDOUT, PERPLEXITY_R, sample
from metrics.passes import SCORE, SCORE_RETAIN, Task
from metrics.results import AnySample
from tests.unit.metrics.formulas.test_membership import scored
from tests.unit.metrics.library import DATA, FAMILY

TASK = Task(FAMILY, DATA)
LOGPROBS = st.lists(st.floats(-30, 0), min_size=1, max_size=10)
TEXTS = st.lists(LOGPROBS, min_size=1, max_size=5)


def retain(*texts: Sequence[float]) -> list[AnySample]:
    """Texts by their log-probs, as samples of the retain set."""
    found = [sample(scored(text), TASK) for text in texts]
    return [
        LikelihoodSample(f"privleak_retain-{i}", "retain", one.score, tokens=one.tokens)
        for i, one in enumerate(found)
    ]


def value(samples: Sequence[AnySample]) -> float:
    return PERPLEXITY_R.measure(samples, None, 0, 20).value


def test_it_is_over_all_tokens_of_all_texts() -> None:
    # −log-probs ln 2 and ln 2, ln 2, ln 16: (3 ln 2 + 4 ln 2) / 4 = 7/4 ln 2
    texts = retain([-log(2), -log(2)], [-log(2), -log(16)])
    assert value(texts) == pytest.approx(2 ** (7 / 4))


def test_a_long_text_counts_for_more() -> None:
    # One token of ln 16 beside three of ln 2: 7/4 ln 2, and not the mean of 16 and 2
    assert value(retain([-log(16)], [-log(2)] * 3)) == pytest.approx(2 ** (7 / 4))


def test_certainty_is_1_and_guessing_is_the_vocabulary() -> None:
    assert value(retain([0.0, 0.0])) == 1
    assert value(retain([-log(2048)] * 5)) == pytest.approx(2048)


@given(TEXTS)
def test_it_is_that_of_the_texts_in_one(texts: list[list[float]]) -> None:
    whole = [logprob for text in texts for logprob in text]
    assert value(retain(*texts)) == pytest.approx(value(retain(whole)))


@given(TEXTS)
def test_it_lies_between_those_of_its_texts_and_its_interval_too(texts: list[list[float]]) -> None:
    samples = retain(*texts)
    alone = [value([one]) for one in samples]
    measured = PERPLEXITY_R.measure(samples, None, 0, 50)
    least, most = min(alone) * (1 - 1e-9), max(alone) * (1 + 1e-9)
    assert least <= measured.value <= most
    if len(texts) > 1:
        assert least <= measured.ci95[0] <= measured.ci95[1] <= most


def test_one_text_has_the_whole_scale_for_an_interval() -> None:
    assert PERPLEXITY_R.measure(retain([-1.0]), None, 0, 50).ci95 == (1, CEILING)


def test_a_loss_that_is_out_of_all_bounds_is_a_fault_that_says_it() -> None:
    with pytest.raises(Fault, match=r"The loss is 900\.0 nats per token, a perplexity over 1e\+15"):
        value(retain([-900.0]))
    # The mean of 60 and 1 is under it; a resample of 60 twice counts as the ceiling.
    high = PERPLEXITY_R.measure(retain([-60.0], [-1.0]), None, 0, 50)
    assert high.value == pytest.approx(exp(30.5))
    assert high.ci95[1] == pytest.approx(CEILING)


def test_a_log_prob_that_is_no_number_names_the_text() -> None:
    with pytest.raises(Fault, match="privleak_forget-0: a log-prob is not a finite number"):
        sample(scored([-1.0, nan]), TASK)
    with pytest.raises(Fault, match="privleak_forget-0 has no tokens"):
        sample(scored([]), TASK)


def test_a_split_is_measured_by_its_own_texts_alone() -> None:
    both = [
        LikelihoodSample("privleak_forget-0", "forget", 9.0, tokens=3),
        LikelihoodSample("privleak_holdout-0", "holdout", log(4), tokens=3),
    ]
    measured = PERPLEXITY_HOLDOUT.measure(both, None, 0, 20)
    assert measured.value == pytest.approx(4)
    assert (measured.n, measured.samples) == (1, (both[1],))
    with pytest.raises(Fault, match="Perplexity needs holdout texts, and there are none"):
        PERPLEXITY_HOLDOUT.measure(both[:1], None, 0, 20)


def test_they_read_the_passes_of_their_texts() -> None:
    assert (PERPLEXITY_R.source, PERPLEXITY_HOLDOUT.source) == (SCORE_RETAIN, SCORE)
