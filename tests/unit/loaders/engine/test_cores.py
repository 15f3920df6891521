"""Work goes on side by side, a thread for each piece, and ends when nobody looks at it any more."""

import threading
from collections.abc import Iterator

import pytest
import torch

from loaders.engine import cores
from loaders.engine.cores import Cores, cpu_cores, one_core

PATIENCE = 20.0


@pytest.fixture
def two() -> Cores:
    return Cores(2)


def counted(to: int) -> Iterator[int]:
    yield from range(to)


def meeting(barrier: threading.Barrier, times: int) -> Iterator[str]:
    """Yields only while somebody else is at the same place."""
    for _ in range(times):
        barrier.wait(PATIENCE)
        yield threading.current_thread().name


def test_pieces_of_work_meet_because_they_go_on_at_once(two: Cores) -> None:
    barrier = threading.Barrier(2)
    assert list(two.each([lambda: barrier.wait(PATIENCE)] * 2)) in ([0, 1], [1, 0])
    works = [meeting(barrier, 5), meeting(barrier, 5)]
    names = [name for found in two.together(works) for name in found]
    assert len(names) == 10
    assert len(set(names)) == 2


def test_what_each_gives_comes_in_their_order(two: Cores) -> None:
    for found in (two, one_core()):
        assert list(found.each([lambda: "a", lambda: "b", lambda: "c"])) == ["a", "b", "c"]


def test_two_callers_share_the_cores(two: Cores) -> None:
    barrier = threading.Barrier(2)
    mine, theirs = (two.together([meeting(barrier, 3)]) for _ in range(2))
    first = threading.Thread(target=lambda: list(mine))
    first.start()
    assert sum(len(found) for found in theirs) == 3
    first.join(PATIENCE)
    assert not first.is_alive()


def test_a_slice_of_time_brings_many_steps_and_a_long_step_comes_alone(
    two: Cores, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cores, "SLICE", 3600.0)
    assert list(two.together([counted(4)])) == [[0, 1, 2, 3]]
    monkeypatch.setattr(cores, "SLICE", 0.0)
    assert list(two.together([counted(3)])) == [[0], [1], [2], []]


def test_without_threads_work_is_done_in_turn_by_whoever_asks() -> None:
    found = list(one_core().together([counted(2), counted(1)]))
    assert found == [[0], [1], [0]]
    assert one_core().at_once == 1


def test_what_one_raises_ends_all(two: Cores, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cores, "SLICE", 0.0)

    def fails() -> Iterator[int]:
        yield 1
        raise ValueError("no more")

    others = counted(10**9)
    with pytest.raises(ValueError, match="no more"):
        list(two.together([fails(), others]))
    assert next(others) > 0  # it is nobody's now, or this would say that it is being advanced


def test_closing_waits_for_the_step_that_is_being_made(two: Cores) -> None:
    begun, may_end, ended = threading.Event(), threading.Event(), threading.Event()

    def slow() -> Iterator[int]:
        yield 0
        begun.set()
        may_end.wait(PATIENCE)
        ended.set()
        yield 1

    def quick() -> Iterator[int]:
        begun.wait(PATIENCE)
        yield 5

    work = two.together([slow(), quick()])
    next(work)
    threading.Timer(0.05, may_end.set).start()
    work.close()  # type: ignore[attr-defined]
    assert ended.is_set()


def test_a_machine_has_a_thread_for_each_core_but_not_too_many(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    before = torch.get_num_threads()
    try:
        for machine, (count, threads) in {1: (1, 1), 2: (2, 1), 4: (4, 1), 16: (4, 4)}.items():
            monkeypatch.setattr(cores.os, "cpu_count", lambda machine=machine: machine)
            made = cpu_cores()
            used = set(made.each([torch.get_num_threads] * 2 * count))
            assert (made.count, used) == (count, {threads})
            assert torch.get_num_threads() == threads
    finally:
        torch.set_num_threads(before)
