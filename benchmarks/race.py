"""Contenders timed by turns, so that a slow minute of the machine hits all of them alike."""

import gc
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

import torch

T = TypeVar("T")


@dataclass(frozen=True)
class Lap(Generic[T]):
    """One run of one contender."""

    seconds: float
    result: T


def race(contenders: Mapping[str, Callable[[], T]], repeats: int) -> dict[str, list[Lap[T]]]:
    """`repeats` laps of every contender, A B C A B C …"""
    laps: dict[str, list[Lap[T]]] = {name: [] for name in contenders}
    for _ in range(repeats):
        for name, run in contenders.items():
            laps[name].append(lap(run))
    return laps


def lap(run: Callable[[], T]) -> Lap[T]:
    """`run` once, with the clock on; garbage of what ran before is not on its time."""
    gc.collect()
    started = time.perf_counter()
    result = run()
    return Lap(time.perf_counter() - started, result)


def with_threads(threads: int, run: Callable[[], T]) -> T:
    """`run` while torch computes with so many threads."""
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        return run()
    finally:
        torch.set_num_threads(before)


def times_faster(ours: Sequence[Lap[T]], theirs: Sequence[Lap[T]]) -> tuple[float, ...]:
    """Their seconds over ours, repeat by repeat; for contenders that do the same work."""
    return tuple(b.seconds / a.seconds for a, b in zip(ours, theirs, strict=True))


def seconds(laps: Mapping[str, Sequence[Lap[T]]]) -> dict[str, list[float]]:
    """The seconds of every lap, for the details of a figure."""
    return {name: [round(lap.seconds, 4) for lap in runs] for name, runs in laps.items()}
