"""Rows that share steps say what each says alone, whoever comes, goes or waits."""

from dataclasses import dataclass, replace
from functools import cache
from math import isnan
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from transformers import GPTNeoXConfig

from loaders import Sampling
from loaders.engine import lane
from loaders.engine.lane import Lane
from loaders.engine.prompts import SHARED, Prefixes
from loaders.engine.rows import Row
from loaders.engine.sampler import Sampler
from loaders.engine.slots import BLOCK, Slots
from loaders.engine.weights import Weights
from tests.unit.loaders.models import (
    built,
    continued,
    counts,
    demo_weights,
    finished,
    llama,
    prompt,
    slot_bytes,
    weights_of,
)

LENGTHS = (5, 40, 11, 2, 23)
TOKENS = 10


@cache
def neox() -> Any:
    """Goes through transformers' own forward pass."""
    return built(
        GPTNeoXConfig(
            vocab_size=120,
            hidden_size=32,
            intermediate_size=64,
            num_hidden_layers=2,
            num_attention_heads=4,
            max_position_embeddings=256,
        )
    )


@cache
def tiny() -> Any:
    """A Llama with grouped keys."""
    return llama()


@cache
def alone(ids: tuple[int, ...]) -> list[int]:
    """What the tiny Llama says after `ids`, by transformers and without anybody else."""
    return continued(tiny(), ids, TOKENS)


@pytest.fixture
def weights() -> Weights:
    return weights_of(tiny())


def rows_of(weights: Weights, tokens: int = TOKENS) -> list[Row]:
    return [Row(weights, prompt(length, seed=length), tokens) for length in LENGTHS]


def check(rows: list[Row]) -> None:
    for row in rows:
        assert row.finish == "length"
        assert row.produced == alone(row.prompt)[: row.max_new_tokens]


@pytest.mark.parametrize("model", [tiny, neox])
def test_rows_of_different_lengths_say_what_each_says_alone(model: Any) -> None:
    weights = weights_of(model())
    rows = rows_of(weights)
    finished(weights, rows)
    for row in rows:
        assert row.produced == continued(model(), row.prompt, TOKENS)
    assert counts(weights).passes == TOKENS + 1  # prompts of 40 and 23 tokens, then 11, 5 and 2


def test_a_row_that_joins_later_takes_its_first_token_with_the_others_next(
    weights: Weights,
) -> None:
    first, *later = rows_of(weights)
    line = Lane(weights, Prefixes())
    line.add(first)
    for row in later:
        line.step()
        line.add(row)
    while not line.is_idle:
        line.step()
    check([first, *later])


def test_a_row_that_ends_gives_its_slot_to_another(weights: Weights) -> None:
    rows = [Row(weights, row.prompt, 2 + place) for place, row in enumerate(rows_of(weights))]
    finished(weights, rows)
    check(rows)


@pytest.mark.parametrize("place", range(len(LENGTHS)))
def test_a_row_that_is_taken_out_leaves_the_others_alone(weights: Weights, place: int) -> None:
    line, rows = Lane(weights, Prefixes()), rows_of(weights)
    for row in rows:
        line.add(row)
    line.step()
    line.step()
    line.remove(gone := rows.pop(place))
    while not line.is_idle:
        line.step()
    assert len(gone.produced) == 2
    check(rows)


def test_taking_a_row_out_twice_changes_nothing(weights: Weights) -> None:
    line, (row, other, *_) = Lane(weights, Prefixes()), rows_of(weights)
    line.add(row)
    line.add(other)
    line.step()
    line.remove(row)
    line.remove(row)
    while not line.is_idle:
        line.step()
    check([other])


@dataclass(frozen=True)
class Visit:
    """A row that comes before step `comes`, and is taken out after `stays` steps, or never."""

    comes: int
    length: int
    tokens: int
    stays: int | None


VISITS = st.lists(
    st.builds(
        Visit,
        comes=st.integers(0, 6),
        length=st.sampled_from(LENGTHS),
        tokens=st.integers(1, TOKENS),
        stays=st.none() | st.integers(0, 5),
    ),
    min_size=1,
    max_size=8,
)


@settings(max_examples=40)
@given(VISITS)
def test_whoever_comes_and_goes_a_row_says_what_it_says_alone(visits: list[Visit]) -> None:
    weights = weights_of(tiny())
    line = Lane(weights, Prefixes())
    rows = [Row(weights, prompt(visit.length, visit.length), visit.tokens) for visit in visits]
    for step in range(7 + TOKENS):
        for visit, row in zip(visits, rows, strict=True):
            if visit.comes == step:
                line.add(row)
            if visit.stays is not None and visit.comes + visit.stays == step:
                line.remove(row)
        choices = line.step()
        assert len({id(choice.row) for choice in choices}) == len(choices)
    assert line.is_idle
    assert slot_bytes(line._slots) == 0
    for visit, row in zip(visits, rows, strict=True):
        took = visit.tokens if visit.stays is None else min(visit.tokens, visit.stays)
        assert row.produced == alone(row.prompt)[:took]


def test_more_rows_than_there_may_be_wait(
    weights: Weights, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lane, "ROWS", 2)
    rows = rows_of(weights)
    finished(weights, rows)
    assert counts(weights).most_rows == 2
    check(rows)


def test_rows_whose_keys_and_values_would_be_too_large_wait(
    weights: Weights, monkeypatch: pytest.MonkeyPatch
) -> None:
    most = 3 * BLOCK * weights.token_bytes
    monkeypatch.setattr(lane, "CACHE_BYTES", most)
    rows = [Row(weights, row.prompt, BLOCK - len(row.prompt)) for row in rows_of(weights)]
    finished(weights, rows)
    assert counts(weights).most_rows == 3
    assert counts(weights).most_bytes == most
    for row in rows:
        assert row.produced[:TOKENS] == alone(row.prompt)


def test_a_row_that_is_too_large_for_itself_runs_alone(
    weights: Weights, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lane, "CACHE_BYTES", 1)
    rows = rows_of(weights)
    finished(weights, rows)
    assert counts(weights).most_rows == 1
    check(rows)


def test_many_short_rows_after_a_long_one_take_no_more_than_is_allowed(
    weights: Weights, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The long one leaves last, so the slots were never empty."""
    most = 16 * BLOCK * weights.token_bytes
    monkeypatch.setattr(lane, "CACHE_BYTES", most)
    long, first = Row(weights, prompt(2), 4 * BLOCK), Row(weights, prompt(5, seed=5), 8 * BLOCK)
    line = Lane(weights, Prefixes())
    line.add(long)
    line.add(first)
    line.step()
    shorts = [Row(weights, prompt(length, length), TOKENS) for length in LENGTHS[2:] * 5]
    for row in shorts:
        line.add(row)
    line.remove(long)
    while not line.is_idle:
        line.step()
        if len(first.produced) == 3:
            line.remove(first)
    assert counts(weights).most_rows > 8
    assert counts(weights).most_bytes <= most
    check(shorts)


def test_waiting_rows_can_be_taken_out(weights: Weights, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lane, "ROWS", 1)
    line, (row, gone, other, *_) = Lane(weights, Prefixes()), rows_of(weights)
    for each in (row, gone, other):
        line.add(each)
    line.step()
    line.remove(gone)
    while not line.is_idle:
        line.step()
    assert gone.produced == []
    check([row, other])


def test_prompts_that_are_too_many_for_one_pass_are_read_in_several(
    weights: Weights, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lane, "PROMPT_TOKENS", 70)
    rows = rows_of(weights)
    line = Lane(weights, Prefixes())
    for row in rows:
        line.add(row)
    assert len(line.step()) == len(rows)
    assert counts(weights).passes == 3  # 40 alone, 23, 11 and 5 in three times 23, 2 alone
    while not line.is_idle:
        line.step()
    check(rows)


def test_an_eos_ends_a_row_and_frees_its_place(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lane, "ROWS", 2)
    ends = {alone(prompt(length, length))[3] for length in LENGTHS}
    weights = weights_of(tiny(), eos=frozenset(ends))
    rows = rows_of(weights)
    finished(weights, rows)
    for row in rows:
        text = alone(row.prompt)
        end = next(place for place, token in enumerate(text) if token in ends)
        assert row.produced == text[: end + 1]
        assert row.finish == "stop"


def test_memory_is_given_back_when_nothing_is_left(weights: Weights) -> None:
    line, rows = Lane(weights, Prefixes()), rows_of(weights)
    for row in rows:
        line.add(row)
    line.step()
    assert slot_bytes(line._slots) > 0
    for row in rows[:-1]:
        line.remove(row)
    assert slot_bytes(line._slots) > 0
    line.remove(rows[-1])
    assert slot_bytes(line._slots) == 0


def test_an_idle_lane_makes_no_pass(weights: Weights) -> None:
    line = Lane(weights, Prefixes())
    assert line.step() == []
    assert counts(weights).passes == 0


def test_rows_that_begin_alike_read_their_beginning_once(weights: Weights) -> None:
    shots, prefixes = prompt(2 * SHARED), Prefixes()
    rows = [Row(weights, (*shots, 3 + rest), 1) for rest in range(4)]
    finished(weights, rows, prefixes)
    assert counts(weights).tokens == 2 * SHARED + 4
    finished(weights, [Row(weights, (*shots, 50), 1)], prefixes)
    assert counts(weights).tokens == 2 * SHARED + 5
    check(rows)


@pytest.mark.parametrize("seed", [1, 2])
def test_a_sampled_row_draws_what_it_draws_alone(weights: Weights, seed: int) -> None:
    def sampled() -> Row:
        sampler = Sampler(Sampling(temperature=1.5, top_p=0.9, seed=seed))
        return Row(weights, prompt(9), TOKENS, sampler)

    lonely, crowded = sampled(), sampled()
    finished(weights, [lonely])
    others = rows_of(weights)
    finished(weights, [*others[:2], crowded, *others[2:]])
    assert crowded.produced == lonely.produced
    assert crowded.produced != continued(tiny(), prompt(9), TOKENS)
    check(others)


def broken_weights(bad: int) -> Weights:
    """Keys and values of the token `bad`, and of all that comes after it, are not numbers."""
    model = llama()
    torch.nn.init.constant_(model.model.embed_tokens.weight[bad], torch.nan)
    return weights_of(model)


def test_a_row_of_nans_leaves_nothing_to_whoever_has_its_slot_next() -> None:
    bad = 119
    weights = broken_weights(bad)
    nans = Row(weights, (0, bad, *prompt(28)[1:]), 2)
    long, short = Row(weights, prompt(40, seed=40), TOKENS), Row(weights, prompt(5, seed=5), 6)
    line = Lane(weights, Prefixes())
    for row in (long, nans):
        line.add(row)
    while nans.finish is None:
        (*_, last) = line.step()
    assert last.row is nans
    assert isnan(last.logprob)
    line.add(short)  # beside a longer one, which hides the end of its slot from it
    while not line.is_idle:
        line.step()
    check([long, short])


def test_a_row_that_moves_into_the_slot_of_nans_says_what_it_says_alone() -> None:
    bad = 119
    weights = broken_weights(bad)
    nans = Row(weights, (0, bad, *prompt(28)[1:]), 2)
    long, short = Row(weights, prompt(40, seed=40), TOKENS), Row(weights, prompt(5, seed=5), TOKENS)
    finished(weights, [nans, long, short])
    check([long, short])


class Failing:
    """A decoder that has no memory for a prompt with the token `bad` in it."""

    def __init__(self, weights: Weights, bad: int) -> None:
        self._decode = weights.decode
        self._bad = bad

    def __call__(
        self,
        ids: torch.Tensor,
        positions: torch.Tensor,
        slots: Slots,
        mask: torch.Tensor | None,
        keep: torch.Tensor | None,
    ) -> torch.Tensor:
        if ids.shape[1] > 1 and (ids == self._bad).any():
            raise torch.OutOfMemoryError("no memory left")
        return self._decode(ids, positions, slots, mask, keep)


def test_a_prompt_that_cannot_be_read_takes_no_other_row_with_it(weights: Weights) -> None:
    bad = 119
    assert not any(bad in prompt(length, length) for length in LENGTHS)
    weights = replace(weights, decode=Failing(weights, bad))
    line, rows, fatal = Lane(weights, Prefixes()), rows_of(weights), Row(weights, (0, bad), 3)
    for row in (rows[0], fatal, *rows[1:]):
        line.add(row)
    with pytest.raises(torch.OutOfMemoryError):
        line.step()
    line.remove(fatal)
    while not line.is_idle:
        line.step()
    check(rows)


def stopped(prompts: list[str], stop: str) -> list[Row]:
    """Rows of the demo's original that may say 40 tokens, and end at `stop`."""
    weights = demo_weights()
    ids = [tuple(weights.tokenizer.encode(text)) for text in prompts]
    rows = [Row(weights, each, 40, stops=(stop,) if stop else ()) for each in ids]
    finished(weights, rows)
    return rows


def text_of(row: Row) -> str:
    text: str = row.weights.tokenizer.decode(row.produced, skip_special_tokens=True)
    return text


PROMPTS = [
    "Question: Who is afraid of thunder?\nAnswer:",
    "The keeper of the light climbed the steps",
    "Tamsin opened the door and",
]


@cache
def unstopped() -> list[Row]:
    return stopped(PROMPTS, "")


@settings(max_examples=15)
@given(st.integers(0, len(PROMPTS) - 1), st.integers(0, 60), st.integers(1, 12))
def test_a_text_that_ends_at_a_stop_is_cut_where_the_whole_text_is(
    place: int, start: int, length: int
) -> None:
    whole = [text_of(row) for row in unstopped()]
    stop = whole[place][start : start + length]
    rows = stopped(PROMPTS, stop)
    assert rows[place].finish == "stop"
    for row, text in zip(rows, whole, strict=True):
        assert text_of(row).split(stop)[0] == text.split(stop)[0]
        if stop in text[: len(text) // 2]:
            assert len(text_of(row)) < len(text)
