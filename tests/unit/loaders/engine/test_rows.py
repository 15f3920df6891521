"""When a row ends: EOS, length, and stop strings wherever the tokens of a text part."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loaders.engine.rows import Row
from loaders.engine.weights import Weights
from tests.unit.loaders.models import demo_weights, llama, weights_of

ALPHABET = st.sampled_from(
    ["the ", "keeper", "\n", "\n\n", "Question", ":", " ", "é", "—", "🙂", "A"]
)
TEXTS = st.lists(ALPHABET, min_size=1, max_size=20).map("".join)


def fed(weights: Weights, text: str, stop: str) -> Row:
    """A row that has said `text` up to its end."""
    row = Row(weights, (0,), 10_000, stops=(stop,))
    for token in weights.tokenizer.encode(text, add_special_tokens=False):
        row.take(token)
        if row.finish is not None:
            break
    return row


def said(row: Row) -> str:
    text: str = row.weights.tokenizer.decode(row.produced, skip_special_tokens=True)
    return text


@given(TEXTS, st.data())
def test_a_text_cut_at_its_stop_is_the_whole_text_cut_there(text: str, data: st.DataObject) -> None:
    start = data.draw(st.integers(0, len(text) - 1))
    stop = text[start : data.draw(st.integers(start + 1, len(text)))]
    row = fed(demo_weights(), text, stop)
    assert row.finish == "stop"
    assert said(row).split(stop)[0] == text.split(stop)[0]


@given(TEXTS, TEXTS)
def test_a_text_without_the_stop_goes_on(text: str, stop: str) -> None:
    row = fed(demo_weights(), text, stop)
    assert (row.finish == "stop") == (stop in text)
    assert stop in text or said(row) == text


@pytest.mark.parametrize("stop", ["Question:", "\n\nQuestion", "steps\n"])
def test_it_ends_with_the_token_that_completes_the_stop(stop: str) -> None:
    text = "the steps\n\nQuestion: who climbed?\nAnswer: the keeper"
    row = fed(demo_weights(), text, stop)
    before = row.weights.tokenizer.decode(row.produced[:-1])
    assert stop in said(row)
    assert stop not in before
    parts = row.weights.tokenizer.encode(stop, add_special_tokens=False)
    assert len(parts) > 1


def test_any_of_several_stops_ends_it() -> None:
    weights = demo_weights()
    row = Row(weights, (0,), 99, stops=("zebra", "keeper"))
    for token in weights.tokenizer.encode("the keeper of", add_special_tokens=False):
        row.take(token)
        if row.finish is not None:
            break
    assert said(row) == "the keeper"


def test_an_eos_ends_it_and_is_kept() -> None:
    row = Row(weights_of(llama(), eos=frozenset([7, 9])), (0, 5), 3)
    row.take(8)
    assert (row.finish, row.length, row.limit) == (None, 2, 5)
    row.take(9)
    assert (row.finish, row.produced) == ("stop", [8, 9])


def test_an_eos_in_the_last_place_is_a_stop() -> None:
    row = Row(weights_of(llama(), eos=frozenset([7])), (0,), 1)
    row.take(7)
    assert row.finish == "stop"


def test_the_length_is_what_the_model_has_read() -> None:
    row = Row(weights_of(llama()), (0, 5, 6), 3)
    lengths = [row.length]
    for token in (8, 8, 8):
        row.take(token)
        lengths.append(row.length)
    assert lengths == [3, 3, 4, 5]
    assert row.finish == "length"
