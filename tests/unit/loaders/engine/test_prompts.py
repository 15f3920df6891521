"""What prompts share is read once, remembered, and changes no logit."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from loaders.engine.prompts import KEPT, SHARED, Prefixes, read_prompts, read_rest, shared
from loaders.engine.slots import Prefix, Slots
from loaders.engine.weights import Weights
from tests.unit.loaders.models import Counting, counts, llama, prompt, weights_of

SHOTS = prompt(50)
QUESTIONS = [(*SHOTS, 3, 4, 5), (*SHOTS, 6, 7, 8, 9, 10), (*SHOTS, 11)]
OTHERS = [(*SHOTS, 12, 13), (*SHOTS, 14, 15, 16)]


@pytest.fixture
def weights() -> Weights:
    return weights_of(llama())


@torch.inference_mode()
def last_logits(
    weights: Weights, prefixes: Prefixes, prompts: list[tuple[int, ...]]
) -> list[torch.Tensor]:
    """Of each prompt's last token; read as the engine reads, behind a row that is there already."""
    slots = Slots(weights.layers, 1 + len(prompts), 64)
    done = read_prompts(weights, prefixes, slots, 1, prompts)
    assert done < min(len(ids) for ids in prompts)
    logits = read_rest(weights, slots, 1, prompts, done, None)
    return [logits[row, len(ids) - done - 1] for row, ids in enumerate(prompts)]


@torch.inference_mode()
def check(weights: Weights, prefixes: Prefixes, prompts: list[tuple[int, ...]]) -> None:
    """Against transformers, prompt by prompt."""
    found = last_logits(weights, prefixes, prompts)
    for ids, logits in zip(prompts, found, strict=True):
        expected = weights.model(input_ids=torch.tensor([ids])).logits[0, -1]
        assert torch.allclose(logits, expected, atol=1e-4)


def read_by(counting: Counting) -> int:
    """Tokens since it was asked last."""
    tokens, counting.tokens = counting.tokens, 0
    return tokens


@given(st.lists(st.lists(st.integers(0, 2), max_size=6).map(tuple), min_size=1, max_size=5))
def test_shared_is_the_common_beginning(prompts: list[tuple[int, ...]]) -> None:
    common = shared(prompts)
    assert len({ids[:common] for ids in prompts}) == 1
    assert common == min(map(len, prompts)) or len({ids[: common + 1] for ids in prompts}) > 1


def test_a_common_beginning_is_read_once(weights: Weights) -> None:
    check(weights, Prefixes(), QUESTIONS)
    assert read_by(counts(weights)) == len(SHOTS) + 3 * 5


def test_the_next_batch_reads_only_the_rest(weights: Weights) -> None:
    prefixes = Prefixes()
    check(weights, prefixes, QUESTIONS)
    read_by(counts(weights))
    check(weights, prefixes, OTHERS)
    assert read_by(counts(weights)) == 2 * 3
    check(weights, prefixes, OTHERS[:1])
    assert read_by(counts(weights)) == 2


def test_a_longer_beginning_serves_those_that_share_less_of_it(weights: Weights) -> None:
    """Questions of the first batch may all begin with 'Who'; the shots are not read again."""
    prefixes = Prefixes()
    check(weights, prefixes, [(*SHOTS, 3, 4), (*SHOTS, 3, 5)])
    read_by(counts(weights))
    check(weights, prefixes, OTHERS)
    assert read_by(counts(weights)) == 2 * 3


def test_a_beginning_that_is_a_little_longer_is_not_worth_a_pass(weights: Weights) -> None:
    prefixes = Prefixes()
    check(weights, prefixes, QUESTIONS)
    read_by(counts(weights))
    check(weights, prefixes, [(*SHOTS, 3, 4, 5), (*SHOTS, 3, 4, 6)])
    assert read_by(counts(weights)) == 2 * 3


def test_a_prompt_that_is_the_beginning_itself_is_still_read_from(weights: Weights) -> None:
    prefixes = Prefixes()
    check(weights, prefixes, QUESTIONS)
    read_by(counts(weights))
    check(weights, prefixes, [SHOTS])
    assert read_by(counts(weights)) == 1
    check(weights, prefixes, [SHOTS, SHOTS, SHOTS])
    assert read_by(counts(weights)) == 3


def test_a_short_beginning_is_read_with_every_prompt(weights: Weights) -> None:
    short = SHOTS[: SHARED - 1]
    check(weights, Prefixes(), [(*short, 3), (*short, 4)])
    assert read_by(counts(weights)) == 2 * SHARED


def test_one_prompt_alone_is_not_remembered(weights: Weights) -> None:
    prefixes = Prefixes()
    check(weights, prefixes, QUESTIONS[:1])
    read_by(counts(weights))
    check(weights, prefixes, QUESTIONS[:1])
    assert read_by(counts(weights)) == len(QUESTIONS[0])


def test_prompts_that_share_nothing_are_read_in_one_pass(weights: Weights) -> None:
    check(weights, Prefixes(), [prompt(40, seed=1), prompt(9, seed=2), prompt(2, seed=3)])
    assert counts(weights).passes == 1


def beginning(seed: int) -> Prefix:
    return Prefix(prompt(SHARED, seed), ())


def test_the_latest_beginnings_are_remembered() -> None:
    prefixes = Prefixes()
    for seed in range(KEPT + 1):
        prefixes.keep(beginning(seed))
    assert prefixes.find(beginning(0).ids) is None
    for seed in range(1, KEPT + 1):
        assert prefixes.find((*beginning(seed).ids, 5)) == beginning(seed)


def test_the_one_that_shares_most_is_found() -> None:
    prefixes, ids = Prefixes(), prompt(SHARED + 9)
    longer, shorter = Prefix(ids, ()), Prefix(ids[:SHARED], ())
    prefixes.keep(longer)
    prefixes.keep(shorter)
    assert prefixes.find(ids) == longer
    assert prefixes.find(ids[: SHARED - 1]) is None
