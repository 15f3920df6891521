"""Who answers where no GPU is lent, what they are asked, and what the visitor is told."""

from dataclasses import replace

import pytest

from dashboard.asking import OWN, Row, find_scenario
from dashboard.standin import Turn, open_stand_in, said, translate
from loaders import Engine, Family, load_family
from loaders.fake import FakeEngine
from loaders.lent.engine import NoGpu
from loaders.session import unwatched
from metrics import Passage
from tests.stage import reply, staged_data

THEIRS = replace(staged_data(), verbmem=(Passage("a", "A keeper.", "Yes."),))
RECITE, MINE = find_scenario("recite"), staged_data()
SECOND = MINE.verbmem[1].prompt


@pytest.mark.parametrize(
    ("turn", "asked"),
    [
        (Turn(1, SECOND), Turn(0, "A keeper.")),
        (Turn(1, f"{SECOND} And then?"), Turn(1, f"{SECOND} And then?")),
        (Turn(None, "My own words."), Turn(None, "My own words.")),
        (Turn(9, SECOND), Turn(9, SECOND)),
    ],
)
def test_a_row_becomes_a_row_of_theirs_and_own_words_stay(turn: Turn, asked: Turn) -> None:
    assert translate(RECITE, MINE, THEIRS, turn, ()) == asked


def test_rows_of_a_visitors_file_stay() -> None:
    turn, own = Turn(0, "From a file."), (Row("From a file.", "True."),)
    assert translate(find_scenario(OWN), MINE, THEIRS, turn, own) == turn


def test_the_visitor_is_told_why_and_who_and_what() -> None:
    family, refused = load_family("demo"), NoGpu("Your share is spent.")
    told = said(refused, family)
    assert told == (
        "Your share is spent. In its place the Demo family answers, without a GPU: tiny models on "
        "another book, a toy."
    )
    assert said(refused, family, "x" * 80) == f"{told} It is asked its own text: “{'x' * 60} …”"
    assert "toy" not in said(refused, replace(family, scale="full"))


def test_only_a_page_with_the_same_models_has_a_stand_in() -> None:
    def opened(family: Family) -> Engine:
        return FakeEngine(reply)

    demo = load_family("demo")
    stand_in = open_stand_in(replace(demo, name="muse"), opened, unwatched)
    assert stand_in is not None
    assert stand_in.session.family.name == "demo"
    assert open_stand_in(replace(demo, models=demo.models[:2]), opened, unwatched) is None
