"""Work that processes share is the work of one: the processes are threads here."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from threading import Barrier, Thread
from typing import Any

import pytest

from loaders import Completion, Engine, Fault, Score, Status
from loaders.fake import FakeEngine
from loaders.together import processes as shared_by
from loaders.together.processes import Call, SharedEngine, work_along

PROMPTS = [f"prompt {number}" for number in range(7)]


class Room:
    """What the threads of a crew hear and lay on the table."""

    def __init__(self, count: int) -> None:
        self.barrier = Barrier(count, timeout=10)
        self.said: Call | None = None
        self.table: dict[int, Sequence[Any]] = {}


class ThreadCrew:
    """Implements `Crew` for threads of one process."""

    def __init__(self, rank: int, count: int, room: Room) -> None:
        self.rank = rank
        self.count = count
        self._room = room

    def tell(self, call: Call | None) -> Call | None:
        if self.rank == 0:
            self._room.said = call
        self._room.barrier.wait()
        said = self._room.said
        self._room.barrier.wait()
        return said

    def gather(self, found: Sequence[Any]) -> list[Any]:
        self._room.table[self.rank] = found
        self._room.barrier.wait()
        everything = [each for rank in range(self.count) for each in self._room.table[rank]]
        self._room.barrier.wait()
        return everything


class Failing(FakeEngine):
    """One whose second half of the prompts cannot be completed."""

    def generate(self, *arguments: Any) -> Iterator[Completion | None]:
        yield None
        raise Fault("No more.")


@contextmanager
def shared(engines: Sequence[Engine]) -> Iterator[SharedEngine]:
    """The first of `engines`, with the others working along in threads."""
    room = Room(len(engines))
    crews = [ThreadCrew(rank, len(engines), room) for rank in range(len(engines))]
    others = [
        Thread(target=work_along, args=(crew, lambda _, engine=engine: engine), daemon=True)
        for crew, engine in zip(crews[1:], engines[1:], strict=True)
    ]
    for thread in others:
        thread.start()
    try:
        yield SharedEngine(engines[0], crews[0])
    finally:
        crews[0].tell(None)
        for thread in others:
            thread.join(timeout=10)
            assert not thread.is_alive()


def answer(model: str, prompt: str) -> str:
    return f"{model} on {prompt} says several words"


def fake() -> FakeEngine:
    return FakeEngine(answer)


def in_order(found: Iterator[Any]) -> list[Any]:
    return sorted((each for each in found if each is not None), key=lambda each: each.index)


@pytest.mark.parametrize("count", [1, 2, 3])
@pytest.mark.parametrize("batch", [1, 64])
def test_completions_are_those_of_one(
    count: int, batch: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shared_by, "BATCH", batch)
    wanted = [each.text for each in in_order(fake().generate("a", PROMPTS, 4))]
    with shared([fake() for _ in range(count)]) as engine:
        found = in_order(engine.generate("a", PROMPTS, 4))
    assert [each.text for each in found] == wanted
    assert [each.index for each in found] == list(range(len(PROMPTS)))


def test_scores_are_those_of_one() -> None:
    wanted: list[Score] = in_order(fake().score("a", PROMPTS, ["p"] * 7, moments=True))
    with shared([fake(), fake()]) as engine:
        found = in_order(engine.score("a", PROMPTS, ["p"] * 7, moments=True))
    assert [each.logprobs for each in found] == [each.logprobs for each in wanted]
    assert [each.means for each in found] == [each.means for each in wanted]


def test_fewer_prompts_than_processes_are_no_matter() -> None:
    with shared([fake(), fake(), fake()]) as engine:
        assert [each.index for each in in_order(engine.generate("a", PROMPTS[:1], 2))] == [0]


def test_what_one_process_cannot_do_reaches_whoever_asked() -> None:
    with shared([fake(), Failing(answer)]) as engine, pytest.raises(Fault, match="No more"):
        list(engine.generate("a", PROMPTS, 4))


def test_a_model_that_one_process_cannot_load_has_failed() -> None:
    with shared([fake(), FakeEngine(answer, failing={"a": "The disk is full."})]) as engine:
        list(engine.load("a"))
        assert engine.status("a") == Status("failed", reason="The disk is full.")


def test_closing_halfway_leaves_nobody_waiting() -> None:
    with shared([fake(), fake()]) as engine:
        work = engine.generate("a", PROMPTS, 4)
        next(work)
        work.close()  # type: ignore[attr-defined]
        assert len(in_order(engine.generate("a", PROMPTS, 4))) == len(PROMPTS)
