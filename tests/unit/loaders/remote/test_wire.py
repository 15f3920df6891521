"""What waits in the other thread comes out of it, or ends there; nothing is left behind."""

import asyncio
import threading
import time
from collections.abc import Iterator

import pytest

from loaders.remote.wire import Wire


@pytest.fixture
def wire() -> Iterator[Wire]:
    made = Wire()
    yield made
    made.stop()


async def say(word: str, after_seconds: float = 0.0) -> str:
    await asyncio.sleep(after_seconds)
    return word


async def fail(after_seconds: float = 0.0) -> str:
    await asyncio.sleep(after_seconds)
    raise ValueError("on purpose")


async def hold(ended: threading.Event) -> str:
    try:
        await asyncio.sleep(60)
    finally:
        ended.set()
    return "never"


def said(wire: Wire, *works: float) -> list[str]:
    found = wire.collect([say(str(seconds), seconds) for seconds in works])
    return [word for words in found if words is not None for word in words]


def test_results_come_in_the_order_in_which_they_are_there(wire: Wire) -> None:
    assert said(wire, 0.06, 0.0, 0.03) == ["0.0", "0.03", "0.06"]
    assert said(wire) == []


def test_other_work_is_let_through_while_it_waits(wire: Wire) -> None:
    heard: list[str] = []

    def listen() -> Iterator[None]:
        heard.append((yield from wire.wait(say("there", 0.1))))

    looks = list(listen())
    assert heard == ["there"]
    assert len(looks) > 3
    assert set(looks) == {None}


def test_what_one_raises_ends_the_others(wire: Wire) -> None:
    ended = threading.Event()
    with pytest.raises(ValueError, match="on purpose"):
        list(wire.collect([hold(ended), fail(0.02)]))
    assert ended.wait(5)


def test_closing_it_ends_what_waits(wire: Wire) -> None:
    ended = threading.Event()
    waiting = wire.collect([hold(ended)])
    assert next(waiting) is None
    time.sleep(0.05)  # until it has begun to wait
    waiting.close()  # type: ignore[attr-defined]
    assert ended.wait(5)


@pytest.mark.filterwarnings("error::pytest.PytestUnhandledThreadExceptionWarning")
@pytest.mark.parametrize("waiting", [0, 2])
def test_stopping_ends_what_waits_and_the_thread(waiting: int) -> None:
    wire, ends = Wire(), [threading.Event() for _ in range(waiting)]
    closed: list[str] = []

    async def close() -> None:
        closed.append("the client")

    wire.keep(close)
    sent = [wire.send(hold(ended)) for ended in ends] or [wire.send(say("there"))]
    (thread,) = [one for one in threading.enumerate() if one.name == "wire" and one.is_alive()][-1:]
    time.sleep(0.05)
    wire.stop()
    thread.join(timeout=5)
    assert not thread.is_alive()
    assert closed == ["the client"]
    assert all(ended.is_set() for ended in ends)
    assert all(future.done() for future in sent)
