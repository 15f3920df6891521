"""What is asked when Run is pressed, as the page sends it."""

import asyncio
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from itertools import islice
from types import SimpleNamespace
from typing import Any

import gradio as gr
import pytest

from dashboard.asking import find_scenario, picked_place, row_value
from dashboard.compare import Compare
from dashboard.facts import Facts
from dashboard.layout import lay_out
from dashboard.loading import Loading
from dashboard.precision.view import gather
from dashboard.run import WIDTHS
from loaders import Fault
from loaders.fake import FakeEngine
from loaders.protocol import Request, TokenEvent
from loaders.session import Session
from tests.stage import PASSAGE, reply, staged_data, staged_family

FAMILY = staged_family()
VISITOR: Any = SimpleNamespace(session_hash="me")


@pytest.fixture
def asked() -> list[str]:
    return []


@pytest.fixture
def coming() -> dict[str, str]:
    """What the page says of models that are still on their way."""
    return {}


@pytest.fixture
def compare(asked: list[str], coming: dict[str, str]) -> Compare:
    def noted(model: str, prompt: str) -> str:
        asked.append(prompt)
        return reply(model, prompt)

    session = Session(FAMILY, lambda: FakeEngine(noted, coming=coming), WIDTHS)
    facts = Facts(session)
    with gr.Blocks():
        precisions = gather(FAMILY, staged_data(), (), None, None)
        view = lay_out(facts.provenance, staged_data(), (), precisions, False).compare
    return Compare(session, staged_data(), facts, view, {})


def heard(told: AsyncIterator[Any]) -> list[Any]:
    """All that the page is told."""

    async def hear() -> list[Any]:
        return [updates async for updates in told]

    with ThreadPoolExecutor(1) as own:  # a browser may have the main thread's loop
        return own.submit(asyncio.run, hear()).result()


def pressed(compare: Compare, key: str, row: str | None, text: str) -> list[Any]:
    """All that the page is told of a run."""
    compare.session.start()
    try:
        return heard(compare.run(key, row, text, 96, 0, 1, 0, (), VISITOR))
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


def test_a_model_that_came_when_the_run_was_over_is_told_and_no_answer_is_taken_back(
    compare: Compare, coming: dict[str, str]
) -> None:
    coming["simnpo"] = "downloading: 2 of 6 files"
    view, session = compare.view, compare.session
    session.start()
    try:
        while not all(session.status(key).state == "ready" for key in ("original", "npo")):
            time.sleep(0.01)
        shown: dict[Any, Any] = {}
        for updates in heard(compare.run("recite", None, PASSAGE, 96, 0, 1, 0, (), VISITOR)):
            shown |= updates
        assert shown[view.answered] == ("original", "retrained", "npo")
        assert coming["simnpo"] in shown[view.panes["simnpo"]]
        coming.clear()
        while session.status("simnpo").state != "ready":
            time.sleep(0.01)
        watched = heard(Loading(session, compare.facts, view).watch(shown[view.answered]))
        told = {pane for updates in watched for pane in updates if pane in view.panes.values()}
        assert told == {view.panes["simnpo"]}
        assert "ready in" in watched[-1][view.panes["simnpo"]]
    finally:
        session.stop()


def test_a_run_that_is_refused_leaves_the_panes_to_whom_they_belong(compare: Compare) -> None:
    (refused,) = pressed(compare, "own", None, "")
    assert "The prompt is empty" in refused[compare.view.notice]
    assert compare.view.answered not in refused


def test_a_prompt_that_the_engine_refuses_is_read_by_nobody(compare: Compare) -> None:
    shown: dict[Any, Any] = {}
    for updates in pressed(compare, "own", None, "word " * 1200):
        shown |= updates
    view = compare.view
    assert "The prompt has 1201 tokens" in shown[view.notice]
    assert all("ready in" in shown[pane] for pane in view.panes.values())
    assert "writing" not in shown[view.words]
    assert shown[view.answered] == ()


class BreaksOff(FakeEngine):
    """An engine whose answers end before their time."""

    def stream(self, requests: Sequence[Request]) -> Iterator[TokenEvent | None]:
        yield from islice(super().stream(requests), 13)
        raise Fault("The server went away.")


def test_words_that_came_before_a_run_broke_off_stay(compare: Compare) -> None:
    broken = replace(compare, session=Session(FAMILY, lambda: BreaksOff(reply), WIDTHS))
    shown: dict[Any, Any] = {}
    for updates in pressed(broken, "recite", "recite 0", PASSAGE):
        shown |= updates
    view = broken.view
    assert "The server went away." in shown[view.notice]
    assert all('data-phase="stopped"' in shown[pane] for pane in view.panes.values())
    assert "She counted" in shown[view.panes["retrained"]]
    assert shown[view.answered] == tuple(view.panes)
