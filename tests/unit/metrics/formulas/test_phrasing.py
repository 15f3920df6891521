from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loaders.fake import FakeEngine
from metrics import Data, Skipped, Text, run
from metrics.formulas.fluency import fluency
from metrics.formulas.phrasing import PHRASING, known_pairs, phrasing
from metrics.formulas.verbmem import VERBMEM
from tests.unit.metrics.library import DATA, make_family, ready, right, sampled

READ = "the door is red and the sea is near"
WORDS = st.lists(st.sampled_from(READ.split()), max_size=20).map(" ".join)


def having(retain: str, holdout: str = "") -> Data:
    return replace(
        DATA,
        privleak_retain=(Text("privleak_retain-0", "retain", retain),),
        privleak_holdout=(Text("privleak_holdout-0", "holdout", holdout),) if holdout else (),
    )


def test_by_hand() -> None:
    # the sea, sea is, is red, red door: three of four pairs are in READ
    assert phrasing("The sea is red! Door", known_pairs(having(READ))) == 3 / 4


def test_text_is_above_its_own_words_in_disorder_where_fluency_is_not() -> None:
    salad = "near sea the and door red the is is"
    known = known_pairs(having(READ))
    assert phrasing(READ, known) == 1
    assert phrasing(salad, known) == 0
    assert fluency(salad) >= fluency(READ)


def test_retain_and_holdout_texts_are_known_and_the_forgotten_book_is_not() -> None:
    known = known_pairs(having("a b", "c d"))
    assert known == {("a", "b"), ("c", "d")}
    forgotten = DATA.privleak_forget[0].text
    assert phrasing(forgotten, known_pairs(having(READ))) == 0


@pytest.mark.parametrize("text", ["", "…", "door"])
def test_no_pair_of_words_scores_zero(text: str) -> None:
    assert phrasing(text, known_pairs(having(READ))) == 0


@given(WORDS, WORDS)
def test_knowing_more_texts_never_lowers_it(text: str, more: str) -> None:
    few, many = known_pairs(having(READ)), known_pairs(having(f"{READ}", f"{more} x y"))
    assert 0 <= phrasing(text, few) <= phrasing(text, many) <= 1


def test_it_reads_verbmems_outputs_and_its_value_is_their_mean() -> None:
    found = sampled(PHRASING, lambda model, prompt: "the sea is blue", having(READ))
    measured = PHRASING.measure(found, None, 0, 50)
    # "is blue" is new
    assert (measured.value, measured.n) == (pytest.approx(2 / 3), 2)
    assert PHRASING.measure(found[:1], None, 0, 50).ci95 == (0, 1)
    assert PHRASING.source is VERBMEM.source


def test_data_without_texts_to_know_words_from_is_a_dash(tmp_path: Path) -> None:
    family = make_family(tmp_path)
    data = replace(DATA, privleak_holdout=())
    engine = ready(FakeEngine(right), family)
    found = run(engine, family, data, models=["npo"], metrics=["phrasing", "repetition"])
    assert [(e.metric, e.reason) for e in found if isinstance(e, Skipped)] == [
        ("phrasing", "Phrasing needs retain or holdout texts to know words from, and has none.")
    ]
