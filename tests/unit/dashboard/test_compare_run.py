"""What is asked when Run is pressed, as the page sends it."""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace
from typing import Any

import gradio as gr
import pytest

from dashboard.asking import find_scenario, picked_place, row_value
from dashboard.compare import Compare
from dashboard.facts import Facts
from dashboard.layout import lay_out
from dashboard.precision.view import gather
from dashboard.run import WIDTHS
from loaders.fake import FakeEngine
from loaders.session import Session
from tests.stage import PASSAGE, reply, staged_data, staged_family

FAMILY = staged_family()
VISITOR: Any = SimpleNamespace(session_hash="me")


@pytest.fixture
def asked() -> list[str]:
    return []


@pytest.fixture
def compare(asked: list[str]) -> Compare:
    def noted(model: str, prompt: str) -> str:
        asked.append(prompt)
        return reply(model, prompt)

    session = Session(FAMILY, lambda: FakeEngine(noted), WIDTHS)
    facts = Facts(session)
    with gr.Blocks():
        precisions = gather(FAMILY, staged_data(), (), None, None)
        view = lay_out(facts.provenance, staged_data(), (), precisions, False).compare
    return Compare(session, staged_data(), facts, view, {})


def pressed(compare: Compare, key: str, row: str | None, text: str) -> list[Any]:
    """All that the page is told of a run."""

    async def run() -> list[Any]:
        return [u async for u in compare.run(key, row, text, 96, 0, 1, 0, (), VISITOR)]

    compare.session.start()
    try:
        with ThreadPoolExecutor(1) as own:  # a browser may have the main thread's loop
            return own.submit(asyncio.run, run()).result()
    finally:
        compare.session.stop()


def test_a_row_is_known_only_in_its_own_scenario() -> None:
    recite, retain = find_scenario("recite"), find_scenario("retain")
    assert picked_place(recite, row_value(recite, 3)) == 3
    assert picked_place(retain, row_value(recite, 3)) is None
    assert picked_place(recite, None) is None


def test_the_row_and_the_text_of_the_scenario_are_asked(compare: Compare, asked: list[str]) -> None:
    told = pressed(compare, "retain", "retain 1", "What is 1?")
    assert {prompt.rpartition("Question: ")[2] for prompt in asked} == {"What is 1?\nAnswer: "}
    assert "bread 1" in str(told)


def test_run_pressed_before_the_rows_came_asks_the_first_that_is_coming(
    compare: Compare, asked: list[str]
) -> None:
    told = pressed(compare, "retain", "recite 1", PASSAGE)
    assert {prompt.rpartition("Question: ")[2] for prompt in asked} == {"What is 0?\nAnswer: "}
    assert "bread 0" in str(told)


def test_what_one_wrote_is_asked_before_the_rows_went(compare: Compare, asked: list[str]) -> None:
    pressed(compare, "own", "recite 1", "Once upon a time")
    assert set(asked) == {"Once upon a time"}
