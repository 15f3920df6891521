"""Pieces of work side by side, a thread and a core for each; knows nothing of models.

A team of threads at one operation waits for its slowest member at every one of them: beside one
busy process it takes thirty times as long (LOG.md). Whoever has a core of his own waits for nobody.
"""

import os
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from typing import Generic, TypeVar

import torch

T = TypeVar("T")
MOST = 4  # threads: Python lets only one at a time begin an operation
SLICE = 0.02  # seconds, after which others are served


class Cores:
    """`count` threads with `threads` of torch's each; with one, work is done by whoever asks."""

    def __init__(self, count: int, threads: int = 1) -> None:
        self.count = count
        self._pool = (
            ThreadPoolExecutor(count, "core", torch.set_num_threads, (threads,))
            if count > 1
            else None
        )

    @property
    def at_once(self) -> int:
        """Pieces of work with which no thread waits while somebody looks at what one gave."""
        return 1 if self._pool is None else 2 * self.count

    def each(self, works: Sequence[Callable[[], T]]) -> Iterator[T]:
        """What each of them gives, in their order."""
        if self._pool is None or len(works) == 1:
            return (work() for work in works)
        return self._pool.map(lambda work: work(), works)

    def together(self, works: Sequence[Iterator[T]]) -> Iterator[list[T]]:
        """What all of them yield, as it comes, those of whoever else asks beside them.

        One is advanced by one thread at a time, SLICE seconds or one step; it goes on while what it
        gave is looked at. What one raises ends all, and so does closing this, after their slices.
        """
        if self._pool is None:
            yield from ([found] for work in works for found in work)
            return
        running = dict[Future[_Slice[T]], Iterator[T]]()
        try:
            running |= {self._pool.submit(_advance, work): work for work in works}
            while running:
                done, _ = wait(running, return_when=FIRST_COMPLETED)
                for future in done:
                    work, made = running.pop(future), future.result()
                    if not made.is_last:
                        running[self._pool.submit(_advance, work)] = work
                    yield made.found
        finally:
            wait(running)


@dataclass(frozen=True)
class _Slice(Generic[T]):
    """What a piece of work yielded, and whether that was all."""

    found: list[T]
    is_last: bool


def _advance(work: Iterator[T]) -> _Slice[T]:
    found, last = [], time.perf_counter() + SLICE
    for one in work:
        found.append(one)
        if time.perf_counter() >= last:
            return _Slice(found, is_last=False)
    return _Slice(found, is_last=True)


def cpu_cores() -> Cores:
    """All of this machine's, shared by at most MOST threads; torch has one thread's share now."""
    cores = os.cpu_count() or 1
    count = min(cores, MOST)
    torch.set_num_threads(cores // count)
    return Cores(count, cores // count)


def one_core() -> Cores:
    """Whoever asks does the work."""
    return Cores(1)
