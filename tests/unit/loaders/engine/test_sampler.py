"""The choice of a token: greedy, nucleus, seeded."""

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from loaders import Fault, Request, Sampling
from loaders.engine.sampler import Sampler, nucleus

LOGITS = torch.tensor([0.0, math.log(2), math.log(5)])  # probabilities 1/8, 2/8, 5/8


def test_greedy_takes_the_most_likely_and_says_how_likely_it_was() -> None:
    token, logprob = Sampler(Sampling()).choose(LOGITS)
    assert token == 2
    assert logprob == pytest.approx(math.log(5 / 8))


def test_the_log_probability_is_the_models_own_at_any_temperature() -> None:
    token, logprob = Sampler(Sampling(temperature=2.0, seed=3)).choose(LOGITS)
    assert logprob == pytest.approx(math.log([1 / 8, 2 / 8, 5 / 8][token]))


def test_nucleus_keeps_the_fewest_tokens_that_reach_top_p() -> None:
    probabilities = torch.tensor([0.125, 0.25, 0.625])
    assert nucleus(probabilities, 0.6).tolist() == [0, 0, 0.625]
    assert nucleus(probabilities, 0.7).tolist() == [0, 0.25, 0.625]
    assert nucleus(probabilities, 0.9).tolist() == pytest.approx([0.125, 0.25, 0.625])


@given(st.lists(st.floats(-9, 9), min_size=2, max_size=20), st.floats(0.01, 0.99))
def test_nucleus_always_keeps_the_most_likely_token(logits: list[float], top_p: float) -> None:
    probabilities = torch.softmax(torch.tensor(logits), dim=-1)
    kept = nucleus(probabilities, top_p)
    assert kept.max() == probabilities.max()
    assert kept.sum() >= top_p - 1e-5


def test_a_seed_is_a_run() -> None:
    def draw(seed: int) -> list[int]:
        sampler = Sampler(Sampling(temperature=1.0, seed=seed))
        return [sampler.choose(LOGITS)[0] for _ in range(40)]

    assert draw(7) == draw(7)
    assert draw(7) != draw(8)


@pytest.mark.parametrize(
    ("setting", "says"),
    [
        ({"max_new_tokens": 0}, "Max new tokens is 0; choose 1 to 512."),
        ({"max_new_tokens": 9999}, "Max new tokens is 9999; choose 1 to 512."),
        ({"temperature": -1.0}, "Temperature is -1.0; choose 0 (greedy) to 2."),
        ({"top_p": 0.0}, "Top-p is 0.0; choose more than 0 and at most 1."),
        ({"seed": -1}, "Seed is -1; choose a whole number from 0 up."),
    ],
)
def test_a_setting_out_of_range_says_what_the_range_is(
    setting: dict[str, float], says: str
) -> None:
    with pytest.raises(Fault) as caught:
        Sampling(**setting)  # type: ignore[arg-type]
    assert str(caught.value) == says


def test_an_empty_prompt_is_refused() -> None:
    with pytest.raises(Fault, match="The prompt is empty"):
        Request("1", "original", " \n", Sampling())
