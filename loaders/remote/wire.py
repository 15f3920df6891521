"""The thread in which requests wait for their servers, and how its results get to the engine's.

What waits is a coroutine; what it is about is not known here.
"""

import asyncio
import queue
import threading
from collections.abc import Callable, Coroutine, Generator, Iterable, Iterator, Sequence
from concurrent.futures import Future
from typing import Any, TypeVar

T = TypeVar("T")
Close = Callable[[], Coroutine[Any, Any, None]]

PATIENCE_SECONDS = 0.002  # for what may come at any moment, before other work is let through


class Wire:
    """An event loop in a thread of its own, started with the first that is sent."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, name="wire", daemon=True)
        self._closing: list[Close] = []

    def send(self, work: Coroutine[Any, Any, T]) -> "Future[T]":
        """Start `work`; cancelling what is returned ends it at where it waits."""
        if self._thread.ident is None:
            self._thread.start()
        return asyncio.run_coroutine_threadsafe(work, self._loop)

    def wait(self, work: Coroutine[Any, Any, T]) -> Generator[None, None, T]:
        """What `work` returns or raises, None as long as it takes."""
        for found in self.collect([work]):
            if found is not None:
                return found[0]
            yield None
        raise RuntimeError("a coroutine ended without a result")

    def collect(self, works: Iterable[Coroutine[Any, Any, T]]) -> Iterator[list[T] | None]:
        """What `works` return, as it comes, some at a time; None after each look.

        What one of them raises ends all of them, and so does closing the iterator.
        """
        ended: queue.SimpleQueue[Future[T]] = queue.SimpleQueue()
        sent = [self.send(work) for work in works]
        for future in sent:
            future.add_done_callback(ended.put)
        left = len(sent)
        try:
            while left:
                found = [future.result() for future in take(ended)]
                left -= len(found)
                if found:
                    yield found
                yield None
        finally:
            for future in sent:
                future.cancel()

    def keep(self, close: Close) -> None:
        """Have `close` awaited in the thread when it ends."""
        self._closing.append(close)

    def stop(self) -> None:
        """End what still waits, and the thread. Nothing can be sent after it."""
        if self._thread.ident is None:
            self._loop.close()
        else:
            self._loop.call_soon_threadsafe(self._loop.stop)

    def _run(self) -> None:
        try:
            self._loop.run_forever()
        finally:
            self._loop.run_until_complete(_end_all(self._closing))
            self._loop.close()


async def _end_all(closing: Sequence[Close]) -> None:
    """End all others of the loop, wait until they have ended, and close what they used."""
    left = asyncio.all_tasks() - {asyncio.current_task()}
    for task in left:
        task.cancel()
    await asyncio.gather(*left, return_exceptions=True)
    await asyncio.gather(*(close() for close in closing), return_exceptions=True)


def take(source: "queue.SimpleQueue[T]") -> list[T]:
    """What is in `source`; where there is nothing yet, what comes in PATIENCE_SECONDS."""
    try:
        found = [source.get(timeout=PATIENCE_SECONDS)]
    except queue.Empty:
        return []
    while not source.empty():
        found.append(source.get())
    return found
