import pytest
from hypothesis import given
from hypothesis import strategies as st

from metrics import rouge_l, rouge_l_so_far
from metrics.formulas.rouge import words

TEXTS = st.lists(st.sampled_from(["a", "b", "lamp", "keeper", "Ok,", "é"]), max_size=12).map(
    " ".join
)


def test_one_word_of_four_is_missing() -> None:
    # LCS "the lamp burns" = 3; P = 3/3, R = 3/4; F = 2·1·.75 / 1.75 = 6/7
    assert rouge_l("the old lamp burns", "The lamp burns!") == pytest.approx(6 / 7, abs=1e-12)


def test_the_order_of_words_counts() -> None:
    # LCS of "a b c" and "c a b" is "a b" = 2; P = R = 2/3
    assert rouge_l("a b c", "c a b") == pytest.approx(2 / 3, abs=1e-12)


def test_words_are_not_stemmed() -> None:
    assert rouge_l("lamps", "lamp") == 0.0


def test_letters_outside_a_to_z_separate() -> None:
    assert words("Café-au LAIT n°7") == ["caf", "au", "lait", "n", "7"]


@pytest.mark.parametrize(("reference", "output"), [("", "a"), ("a", ""), ("", ""), ("…", "a")])
def test_nothing_to_compare_is_zero(reference: str, output: str) -> None:
    assert rouge_l(reference, output) == 0.0


def test_so_far_a_true_beginning_is_perfect() -> None:
    assert rouge_l_so_far("the keeper lit the lamp and slept", "The keeper lit") == 1.0


def test_so_far_an_output_longer_than_the_reference_is_compared_with_all_of_it() -> None:
    # LCS 2; P = 2/4, R = 2/2; F = 2·.5·1 / 1.5 = 2/3
    assert rouge_l_so_far("a b", "a b c d") == pytest.approx(2 / 3, abs=1e-12)


@given(TEXTS, TEXTS)
def test_f_is_symmetric_and_between_zero_and_one(one: str, other: str) -> None:
    assert 0 <= rouge_l(one, other) <= 1
    assert rouge_l(one, other) == pytest.approx(rouge_l(other, one), abs=1e-12)
