from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loaders import Fault, load_family
from loaders.family import Prompt
from metrics import Question, Sample, load_data, question_prompt, rouge_l
from metrics.formulas.knowmem import KNOWMEM_F, KNOWMEM_R, cut, floor
from metrics.passes import STOPS
from tests.unit.metrics.library import DATA, FAMILY, sampled

DEMO = Path(__file__).parents[4] / "assets" / "demo"
SHOTS = (Question("s-0", "Who?", "Maud"), Question("s-1", "Where?", "Pelmarrow"))


def test_the_prompt_is_muses_to_the_letter() -> None:
    assert question_prompt(FAMILY, SHOTS, "When?") == (
        "Question: Who?\nAnswer: Maud\n\nQuestion: Where?\nAnswer: Pelmarrow\n\n"
        "Question: When?\nAnswer: "
    )


def test_a_family_may_have_a_template_of_its_own() -> None:
    prompt = Prompt(shot="{question} {answer}|", ask="{question}>")
    family = replace(FAMILY, prompt=prompt)
    assert question_prompt(family, SHOTS, "{x}?") == "Who? Maud|Where? Pelmarrow|{x}?>"


def test_an_unknown_placeholder_is_named() -> None:
    family = replace(FAMILY, prompt=Prompt(ask="{frage}"))
    with pytest.raises(Fault, match=r"template of lamp has a placeholder .* 'frage'; use \{que"):
        question_prompt(family, SHOTS, "When?")


@pytest.mark.parametrize(
    ("output", "kept"),
    [
        ("Maud\n\nQuestion: Who?", "Maud"),
        ("Maud\nQuestion", "Maud"),
        ("Maud Question: x", "Maud "),
        (" Maud \nand more", " Maud \nand more"),
        ("\n\nMaud", ""),
        # "\n\n" first leaves "a Question: b\nQuestion c"; then "\nQuestion", then "Question:"
        ("a Question: b\nQuestion c\n\nd", "a "),
        # "\nQuestion" before "Question:", which would leave the line break
        ("Maud\nQuestion: Who?", "Maud"),
        ("", ""),
    ],
)
def test_the_output_is_cut_at_the_stop_strings_and_not_stripped(output: str, kept: str) -> None:
    assert cut(output) == kept


@given(st.lists(st.sampled_from([*STOPS, "a", " ", "\n"]), max_size=8).map("".join))
def test_what_is_kept_is_a_beginning_without_a_stop_string(output: str) -> None:
    kept = cut(output)
    assert output.startswith(kept)
    assert not any(stop in kept for stop in STOPS)
    assert cut(kept) == kept


def test_each_set_is_asked_with_its_own_examples() -> None:
    asked: list[str] = []

    def answer(model: str, prompt: str) -> str:
        asked.append(prompt)
        return "the old keeper"

    forget = sampled(KNOWMEM_F, answer)
    assert asked[0] == "Question: Who?\nAnswer: he\n\nQuestion: Who lit the lamp?\nAnswer: "
    # "the keeper" against "the old keeper": LCS 2, P = 2/3, R = 1, F = 2·(2/3)/(5/3) = 4/5
    assert forget[0] == Sample(
        "forget_qa-0", asked[0], "the keeper", "the old keeper", pytest.approx(0.8)
    )
    # the second answer, "Pelmarrow", shares nothing: KnowMem = 100 · (0.8 + 0) / 2
    assert KNOWMEM_F.measure(forget, None, 0, 100).value == pytest.approx(40)
    retain = sampled(KNOWMEM_R, answer)
    assert asked[2] == "Question: What?\nAnswer: it\n\nQuestion: Who baked?\nAnswer: "
    assert [sample.id for sample in retain] == list(KNOWMEM_R.ids(DATA))


def test_what_is_scored_is_the_output_up_to_the_stop_string() -> None:
    (first, _) = sampled(KNOWMEM_F, lambda model, prompt: "the keeper Question: and more")
    assert first == replace(first, output="the keeper ", score=1.0)


def test_at_most_32_tokens_are_asked_for() -> None:
    samples = sampled(KNOWMEM_F, lambda model, prompt: "w " * 100)
    assert isinstance(samples[0], Sample)
    assert len(samples[0].output.split()) == 32


def asked(*answers: tuple[str, str]) -> tuple[Sample, ...]:
    """Samples of (reference, output)."""
    return tuple(
        Sample(f"q-{place}", "", truth, output, rouge_l(truth, output))
        for place, (truth, output) in enumerate(answers)
    )


def test_exact_match_is_to_the_word_whatever_the_case_and_the_stops() -> None:
    samples = asked(("Maud", " maud."), ("moths", "moths and owls"), ("figs", ""), ("tar", "tar"))
    measured = KNOWMEM_F.measure(samples, None, 0, 10)
    assert measured.exact == 50.0
    # ROUGE-L F: 1, 2·(1/3)·1/(4/3) = 0.5, 0, 1
    assert measured.value == pytest.approx(62.5)


def test_the_floor_is_the_mean_over_all_pairs_of_two_questions() -> None:
    # Of six ordered pairs two share a word: ROUGE-L F of one word of two and one of one, 2/3.
    assert floor(("tar", "oak tar", "moths")) == pytest.approx(100 * 2 * (2 / 3) / 6)
    assert floor(("tar", "oak", "moths")) == 0.0


def test_one_answer_has_no_floor() -> None:
    with pytest.raises(Fault, match="needs two questions or more, and there are 1"):
        floor(("tar",))


@pytest.mark.parametrize("folder", ["data", "selection"])
def test_the_demo_questions_have_a_floor_of_ten_points_at_most(folder: str) -> None:
    data = load_data(replace(load_family("demo"), data=str(DEMO / folder)))
    for questions in (data.knowmem_f, data.knowmem_r):
        assert floor(tuple(question.answer for question in questions)) <= 10.0
