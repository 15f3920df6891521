import pytest
from hypothesis import given
from hypothesis import strategies as st

from metrics import Sample, collapsed
from metrics.formulas.fluency import FLUENCY, collapsed_set, distinct, fluency
from metrics.formulas.verbmem import VERBMEM
from tests.unit.metrics.library import DATA, PASSAGE, sampled

WORDS = st.lists(st.sampled_from(["a", "b", "c", "lamp"]), min_size=4, max_size=40).map(" ".join)


def sample(output: str, reference: str = PASSAGE, score: float = 0.0) -> Sample:
    return Sample("verbmem-0", "p", reference, output, score)


def test_distinct_2_by_hand() -> None:
    # a b, b a, a b: 2 of 3 are unique
    assert distinct(["a", "b", "a", "b"], 2) == pytest.approx(2 / 3)


def test_the_score_by_hand() -> None:
    # a b a b a: 2-grams ab ba ab ba 2/4; 3-grams aba bab aba 2/3; 4-grams abab baba 2/2
    assert fluency("A b, a b a.") == pytest.approx(2 / 4 * 2 / 3 * 1)


def test_repeated_4_grams_count() -> None:
    # a b c d a b c d: ab bc cd da unique of 7; abc bcd cda dab of 6; abcd bcda cdab dabc of 5
    assert fluency("a b c d a b c d") == pytest.approx(4 / 7 * 4 / 6 * 4 / 5)


def test_text_without_repetition_scores_one() -> None:
    assert fluency("the keeper lit a lamp and slept") == 1.0


@pytest.mark.parametrize("text", ["", " \n", "…", "yawned."])
def test_nothing_and_one_word_score_zero(text: str) -> None:
    assert fluency(text) == 0.0


def test_two_words_are_text() -> None:
    assert fluency("Odwin Tressle") == 1.0


@given(WORDS)
def test_saying_it_again_lowers_the_score(text: str) -> None:
    assert 0 <= fluency(f"{text} {text}") <= fluency(text) <= 1


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ,.",
        "that that that",
        " object" * 40,
        "ok then, " + "did Tabitha Crane " * 9,
        " Linnet�" + "eepers" * 30,
        "he had been one. Then he had been one, and he had been one, and he had been one. Then "
        "he had been one and so he had been one. Then he had been one, and he had been one.",
    ],
)
def test_dead_and_looping_answers_have_collapsed(text: str) -> None:
    assert collapsed(text)


@pytest.mark.parametrize(
    "text",
    [
        "treacle",
        " Odwin Tressle\n",
        "no, no, no",
        "1000000",
        "very very good",
        "The keeper lit the lamp, and the lamp lit the room, and the room was warm.",
        "Knock, knock, knock, went the door, and nobody came down the stairs to open it that day.",
    ],
)
def test_answers_that_say_something_have_not(text: str) -> None:
    assert not collapsed(text)


def test_a_set_is_set_against_the_retrained_models() -> None:
    retrained = [sample("", score=0.4), sample("", score=0.6)]
    # half of the mean 0.5 is 0.25
    assert collapsed_set([sample("", score=0.24)], retrained)
    assert not collapsed_set([sample("", score=0.26)], retrained)


def test_a_set_without_a_retrained_model_is_set_against_the_true_text() -> None:
    # PASSAGE repeats no 2-gram and scores 1: the line is 0.5
    assert collapsed_set([sample("x", score=0.49)], None)
    assert not collapsed_set([sample("x", score=0.51)], None)


def test_it_reads_the_outputs_that_verbmem_scores() -> None:
    assert FLUENCY.source is VERBMEM.source
    assert sampled(FLUENCY, lambda model, prompt: "a b a b a")[0] == Sample(
        "verbmem-0", "in the evening", PASSAGE, "a b a b a", pytest.approx(1 / 3)
    )


def test_its_value_is_the_mean_on_its_own_scale() -> None:
    measured = FLUENCY.measure(sampled(FLUENCY, lambda model, prompt: "a b a b a"), None, 0, 100)
    assert measured.value == pytest.approx(1 / 3)
    assert measured.ci95 == (pytest.approx(1 / 3), pytest.approx(1 / 3))
    assert FLUENCY.total(DATA) == measured.n == 2
