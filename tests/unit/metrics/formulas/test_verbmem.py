from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loaders.fake import FakeEngine
from metrics import Passage, Sample
from metrics.formulas.verbmem import VERBMEM, measure_points
from metrics.passes import RECITE, Task
from tests.unit.metrics.library import DATA, FAMILY, PASSAGE, sampled


def sample(score: float, number: int = 0) -> Sample:
    return Sample(f"verbmem-{number}", "p", "r", "o", score)


def test_each_passage_is_continued_and_compared_with_how_it_goes_on() -> None:
    samples = sampled(VERBMEM, lambda model, prompt: "The keeper lit the lamp")
    # LCS 5 ("the keeper lit the lamp") of 5 and 7 tokens: P = 1, R = 5/7, F = 2·1·(5/7)/(12/7)
    assert samples[0] == Sample(
        "verbmem-0", "in the evening", PASSAGE, "The keeper lit the lamp", pytest.approx(10 / 12)
    )
    # "the keeper put the lamp out and ate" (8): LCS "the keeper the lamp" 4: P 4/5, R 4/8, F 8/13
    assert samples[1].score == pytest.approx(8 / 13, abs=1e-12)
    # VerbMem = 100 · (10/12 + 8/13) / 2
    measured = measure_points(samples, None, 0, 100)
    assert measured.value == pytest.approx(50 * (10 / 12 + 8 / 13), abs=1e-9)
    assert measured.n == 2


def test_the_end_of_every_engine_step_is_passed_on() -> None:
    engine = FakeEngine(lambda model, prompt: "x")
    events = list(RECITE.run(engine, "npo", Task(FAMILY, DATA)))
    assert [event is None for event in events] == [False, True, False, True]


def test_the_true_text_is_cut_to_128_ids_with_the_bos_among_them() -> None:
    text = " ".join(f"w{i}" for i in range(200))
    data = replace(DATA, verbmem=(Passage("verbmem-0", "p", text),))
    (sample,) = sampled(VERBMEM, lambda model, prompt: "", data)
    assert isinstance(sample, Sample)
    assert sample.reference.split() == [f"w{i}" for i in range(127)]


def test_at_most_128_tokens_are_asked_for() -> None:
    samples = sampled(VERBMEM, lambda model, prompt: "w " * 300)
    assert isinstance(samples[0], Sample)
    assert len(samples[0].output.split()) == 128


def test_total_counts_the_passages() -> None:
    assert VERBMEM.total(DATA) == 2
    assert VERBMEM.ids(DATA) == ("verbmem-0", "verbmem-1")


@given(st.lists(st.floats(0, 1), min_size=1, max_size=20), st.integers(0, 3))
def test_the_value_lies_in_its_interval_and_on_the_scale(scores: list[float], seed: int) -> None:
    measured = measure_points([sample(score) for score in scores], None, seed, 200)
    assert -1e-9 <= measured.ci95[0] <= measured.ci95[1] <= 100 + 1e-9
    assert 100 * min(scores) - 1e-9 <= measured.value <= 100 * max(scores) + 1e-9
    assert measured.samples == tuple(sample(score) for score in scores)


def test_one_passage_alone_has_a_value_and_no_narrow_interval() -> None:
    measured = measure_points([sample(0.25)], None, 0, 100)
    assert measured.value == 25
    assert measured.ci95 == (0, 100)


def test_an_answer_of_nothing_scores_zero() -> None:
    samples = sampled(VERBMEM, lambda model, prompt: "")
    assert [(s.output, s.score) for s in samples if isinstance(s, Sample)] == [("", 0.0)] * 2
    assert VERBMEM.measure(samples, None, 0, 100).value == 0


def test_passages_are_records() -> None:
    assert DATA.verbmem[0] == Passage("verbmem-0", "in the evening", PASSAGE)
