import pytest
from hypothesis import given
from hypothesis import strategies as st

from metrics.formulas.fluency import fluency
from metrics.formulas.repetition import REPETITION, repetition
from metrics.formulas.verbmem import VERBMEM
from tests.unit.metrics.library import sampled

WORDS = st.lists(st.sampled_from(["a", "b", "c", "lamp"]), max_size=30).map(" ".join)


def test_by_hand() -> None:
    # a b c d a b c d: abcd bcda cdab dabc abcd: 4 of 5 are unique
    assert repetition("A b c d, a b c d.") == pytest.approx(1 / 5)


def test_a_loop_is_near_one_and_text_at_zero() -> None:
    # 40 words: 37 4-grams, one of them unique
    assert repetition("that " * 40) == pytest.approx(36 / 37)
    assert repetition("the keeper lit the lamp and slept") == 0


@pytest.mark.parametrize("text", ["", "…", "no no no"])
def test_less_than_four_words_repeat_nothing(text: str) -> None:
    assert repetition(text) == 0


@given(WORDS)
def test_saying_it_three_times_never_lowers_it(text: str) -> None:
    # Twice may: where it begins anew there are up to three 4-grams that were not there before.
    assert 0 <= repetition(text) <= repetition(f"{text} {text} {text}") < 1


def test_a_loop_that_begins_anew_is_one_that_repeats_less() -> None:
    # b a a a a a a a a a: 2 of 7 are unique; said twice, aaab aaba abaa besides: 5 of 17
    loop = "b" + " a" * 9
    assert repetition(loop) == pytest.approx(5 / 7)
    assert repetition(f"{loop} {loop}") == pytest.approx(12 / 17)


@given(WORDS)
def test_what_repeats_four_words_repeats_two(text: str) -> None:
    assert repetition(text) == 0 or fluency(text) <= 1 - repetition(text)


def test_it_reads_verbmems_outputs_and_its_value_is_their_mean() -> None:
    found = sampled(REPETITION, lambda model, prompt: "a b c d a b c d")
    measured = REPETITION.measure(found, None, 0, 50)
    assert (measured.value, measured.n) == (pytest.approx(1 / 5), 2)
    assert REPETITION.measure(found[:1], None, 0, 50).ci95 == (0, 1)
    assert REPETITION.source is VERBMEM.source
