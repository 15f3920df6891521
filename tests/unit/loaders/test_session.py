"""Jobs in lines: order, turns, places, cancelling, faults."""

import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from loaders import Engine, Fault
from loaders.fake import FakeEngine
from loaders.family import Books, Family
from loaders.session import Job, Session
from tests.spec import SPEC

FAMILY = Family("fake", "Fake", "toy", "", Books("a", "b"), (SPEC,))


def echo(model: str, prompt: str) -> str:
    return f"{model} says {prompt}"


@pytest.fixture
def session() -> Iterator[Session]:
    session = Session(FAMILY, lambda: FakeEngine(echo))
    session.start()
    yield session
    session.stop()


def collected(job: Job[str]) -> list[str]:
    found: list[str] = []
    wait(lambda: job.done)
    found += job.drain()
    return found


def wait(condition: Callable[[], bool]) -> None:
    pause = threading.Event()
    for _ in range(1000):
        if condition():
            return
        pause.wait(0.005)
    raise AssertionError("it never came true")


def letters(text: str) -> Callable[[Engine], Iterator[str | None]]:
    def work(engine: Engine) -> Iterator[str | None]:
        for letter in text:
            yield letter
            yield None

    return work


def test_every_model_of_the_family_is_loaded(session: Session) -> None:
    wait(lambda: session.status("original").state == "ready")


def test_models_come_at_once_and_one_that_failed_once_more() -> None:
    keys = ("a", "b", "c")
    family = replace(FAMILY, models=tuple(replace(SPEC, key=key) for key in keys))
    coming, failing = {"a": "1 of 2 files", "b": "1 of 9 files"}, {"c": "it is gated"}
    engine = FakeEngine(echo, coming=coming, failing=failing)
    session = Session(family, lambda: engine)
    session.start()
    wait(lambda: [session.status(key).note for key in "ab"] == list(coming.values()))
    wait(lambda: session.status("c").state == "failed")
    failing.clear()
    again, ready = session.load_again("c"), session.load_again("a")
    wait(lambda: again.done and ready.done)
    assert [session.status(key).state for key in keys] == ["loading", "loading", "ready"]
    coming.clear()
    wait(lambda: {session.status(key).state for key in keys} == {"ready"})
    session.stop()


def test_work_yields_in_order(session: Session) -> None:
    assert collected(session.submit("compare", letters("abc"))) == ["a", "b", "c"]


def test_one_lane_is_served_in_order_and_tells_its_place(session: Session) -> None:
    hold = threading.Event()

    def held(engine: Engine) -> Iterator[str | None]:
        while not hold.wait(0.002):
            yield None
        yield "first"

    first = session.submit("compare", held)
    second = session.submit("compare", letters("b"))
    third = session.submit("compare", letters("c"))
    assert [first.ahead, second.ahead, third.ahead] == [0, 1, 2]
    assert not second.done
    hold.set()
    assert collected(third) == ["c"]
    assert collected(first) == ["first"]
    assert third.ahead == 0


def test_a_wide_lane_serves_as_many_at_once(session: Session) -> None:
    wide = Session(FAMILY, lambda: FakeEngine(echo), {"compare": 2})
    hold = threading.Event()

    def held(engine: Engine) -> Iterator[str | None]:
        while not hold.wait(0.002):
            yield None
        yield "held"

    first, second = wide.submit("compare", held), wide.submit("compare", letters("ab"))
    third, fourth = wide.submit("compare", held), wide.submit("compare", letters("c"))
    assert [job.ahead for job in (first, second, third, fourth)] == [0, 0, 1, 2]
    wide.start()
    assert collected(second) == ["a", "b"]
    wait(lambda: third.ahead == 0)
    assert not fourth.done
    hold.set()
    assert collected(fourth) == ["c"]
    wide.stop()


def test_a_long_evaluation_does_not_hold_up_a_prompt(session: Session) -> None:
    def endless(engine: Engine) -> Iterator[str | None]:
        while True:
            yield None

    evaluation = session.submit("evaluate", endless)
    assert collected(session.submit("compare", letters("ab"))) == ["a", "b"]
    assert not evaluation.done
    evaluation.cancel()
    wait(lambda: evaluation.done)


def test_cancelling_closes_the_work_at_its_next_step(session: Session) -> None:
    closed = threading.Event()

    def work(engine: Engine) -> Iterator[str | None]:
        try:
            while True:
                yield None
        finally:
            closed.set()

    job = session.submit("compare", work)
    job.cancel()
    wait(lambda: job.done)
    wait(lambda: closed.is_set() or job.ahead == 0)
    assert collected(session.submit("compare", letters("next"))) == list("next")


def test_a_fault_reaches_whoever_drains_and_nobody_else(session: Session) -> None:
    def work(engine: Engine) -> Iterator[str | None]:
        yield "before"
        raise Fault("The prompt is too long.")

    job = session.submit("compare", work)
    wait(lambda: job.done)
    assert job.drain() == ["before"]
    with pytest.raises(Fault, match="too long"):
        job.drain()
    assert job.drain() == []
    assert collected(session.submit("compare", letters("a"))) == ["a"]


def test_an_engine_that_cannot_open_fails_every_model(tmp_path: Path) -> None:
    def refuse() -> Engine:
        raise Fault("torch sees no CUDA GPU")

    session = Session(FAMILY, refuse)
    session.start()
    wait(lambda: session.status("original").state == "failed")
    assert session.status("original").reason == "torch sees no CUDA GPU"
    job = session.submit("compare", letters("a"))
    wait(lambda: job.done)
    with pytest.raises(Fault, match="no CUDA"):
        job.drain()
    session.stop()
