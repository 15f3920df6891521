"""Several pieces of work by turns, so that what is behind them goes on at once."""

from collections import deque
from collections.abc import Generator, Iterator, Sequence
from typing import TypeVar

T = TypeVar("T")


def side_by_side(works: Sequence[Generator[T, None, None]], at_once: int) -> Iterator[T]:
    """What all of them yield, `at_once` of them by turns; a turn ends with None."""
    waiting, begun = deque(works), deque[Generator[T, None, None]]()
    try:
        while waiting or begun:
            while waiting and len(begun) < at_once:
                begun.append(waiting.popleft())
            for found in begun[0]:
                yield found
                if found is None:
                    begun.rotate(-1)
                    break
            else:
                begun.popleft()
    finally:
        for work in begun:
            work.close()
