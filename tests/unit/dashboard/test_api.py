"""What programs get: stored numbers at once and named as such, to each caller their own."""

import asyncio
import json
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import gradio as gr
import pytest
from gradio_client import Client

from dashboard.api import Endpoints
from dashboard.results.shelves import Shelves
from dashboard.run import WIDTHS, is_settled
from loaders import Fault
from loaders.fake import FakeEngine
from loaders.session import Session
from metrics.registry import HEADLINE, METRICS
from metrics.results import from_json
from metrics.store import Store, open_private
from tests.stage import reply, staged_data, staged_family, staged_page
from tests.unit.metrics.store.shelves import Asked

TWO = ["verbmem_f", "knowmem_r"]


@pytest.fixture
def engine() -> Asked:
    return Asked()


@pytest.fixture
def session(engine: Asked) -> Iterator[Session]:
    session = Session(staged_family(), lambda: engine, WIDTHS)
    session.start()
    yield session
    session.stop()


def until(true: Callable[[], bool]) -> None:
    """Return when it is true; an error if that takes too long."""
    deadline = time.monotonic() + 20
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def endpoints(session: Session, shelves: Shelves | None = None) -> Endpoints:
    own = shelves or Shelves(is_public=False, opened=open_private)
    return Endpoints(session, staged_data(), own)


def evaluated(on: Endpoints, visitor: str = "ada", **asked: Any) -> dict[str, Any]:
    call = on.evaluate(gr.Request(session_hash=visitor), **asked)
    with ThreadPoolExecutor(1) as own:  # a browser of other tests may have the main thread's loop
        return own.submit(asyncio.run, call).result()


def test_what_is_stored_comes_again_unasked_and_is_said(session: Session, engine: Asked) -> None:
    on = endpoints(session)
    first = evaluated(on, metrics=TWO)
    assert (first["stored"], first["missing"], first["notice"]) == ([], [], "")
    asked = len(engine.answered)
    assert asked == 4 * (2 + 2)
    again = evaluated(on, metrics=TWO)
    assert len(engine.answered) == asked
    assert again["records"] == first["records"]
    models = ("original", "retrained", "npo", "simnpo")
    assert [(row["model"], row["metric"]) for row in again["stored"]] == [
        (model, metric) for metric in TWO for model in models
    ]
    assert all(row["stored"].startswith("stored, 20") for row in again["stored"])
    fresh = evaluated(on, metrics=TWO, fresh=True)
    assert fresh["stored"] == []
    assert len(engine.answered) == 2 * asked


def test_rows_that_are_kept_are_not_asked_again_under_another_limit(
    session: Session, engine: Asked
) -> None:
    on = endpoints(session)
    evaluated(on, metrics=["verbmem_f"])
    asked = len(engine.answered)
    one = evaluated(on, metrics=["verbmem_f"], limit=1)
    assert {record["metrics"]["verbmem_f"]["n"] for record in one["records"]} == {1}
    assert (len(engine.answered), one["stored"]) == (asked, [])


def test_the_answer_is_what_the_command_line_writes_and_more(session: Session) -> None:
    answer = evaluated(endpoints(session), limit=1, metrics=["all"])
    results = from_json(json.dumps(answer))
    assert [record.model for record in results.records] == [m.key for m in staged_family().models]
    measured = set(results.records[0].metrics)
    assert {m.key for m in HEADLINE} < measured
    missing = {row["metric"] for row in answer["missing"] if row["model"] == "original"}
    assert measured | missing == {metric.key for metric in METRICS}


def test_a_number_that_did_not_come_has_its_reason() -> None:
    engine = FakeEngine(reply, failing={"npo": "no memory left"})
    session = Session(staged_family(), lambda: engine, WIDTHS)
    session.start()
    answer = evaluated(endpoints(session), metrics=["verbmem_f"])
    session.stop()
    assert answer["missing"] == [
        {
            "model": "npo",
            "metric": "verbmem_f",
            "reason": "NPO could not be loaded: no memory left",
        }
    ]


def test_a_model_that_failed_is_loaded_again_by_a_call() -> None:
    failing = {"npo": "the Hub is busy"}
    session = Session(staged_family(), lambda: FakeEngine(reply, failing=failing), WIDTHS)
    session.start()
    on = endpoints(session)
    until(lambda: is_settled(session))
    assert [one["reason"] for one in on.status() if one["model"] == "npo"] == ["the Hub is busy"]
    failing.clear()
    assert on.load_again() == ["npo"]
    until(lambda: {one["state"] for one in on.status()} == {"ready"})
    assert on.load_again() == []
    session.stop()


def test_nobody_has_what_another_caller_of_a_public_page_measured(
    session: Session, engine: Asked
) -> None:
    on = endpoints(session, Shelves(is_public=True))
    evaluated(on, "ada", metrics=TWO)
    asked = len(engine.answered)
    assert evaluated(on, "bert", metrics=TWO)["stored"] == []
    assert len(engine.answered) == 2 * asked
    assert len(evaluated(on, "ada", metrics=TWO)["stored"]) == 8


def test_a_store_that_does_not_work_is_said_and_the_numbers_come(session: Session) -> None:
    def broken() -> Store:
        raise Fault("The store is damaged; move the file away.")

    on = endpoints(session, Shelves(is_public=False, opened=broken))
    answer = evaluated(on, metrics=["verbmem_f"])
    assert "The store is damaged" in answer["notice"]
    assert len(answer["records"]) == 4


def test_what_cannot_be_measured_is_an_error_of_one_sentence(session: Session) -> None:
    on = endpoints(session)
    with pytest.raises(gr.Error, match="The limit is 0 rows; choose 1 or more"):
        evaluated(on, limit=0)
    with pytest.raises(gr.Error, match="bleu"):
        evaluated(on, metrics=["bleu"])


def test_programs_are_told_apart_by_the_page() -> None:
    with staged_page(shelves=Shelves(is_public=True)) as address:
        ada, bert = (Client(address, verbose=False) for _ in range(2))
        asked = {"metrics": ["verbmem_f"], "api_name": "/evaluate"}
        assert ada.predict(**asked)["stored"] == []
        assert bert.predict(**asked)["stored"] == []
        assert len(ada.predict(**asked)["stored"]) == 4
