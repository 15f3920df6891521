"""How long a GPU is asked for: tokens over what was measured, with room for a cold start.

Too little and the work is broken off; too much and a visitor whose share is nearly spent is lent
none. It measures nothing itself.
"""

import threading
from collections import defaultdict
from collections.abc import Iterator, Sequence
from math import ceil

from loaders.lent.calls import Call

# What a call is thought to take before any has been measured: guesses on the slow side.
OPENING_SECONDS = 12  # the weights come from the disk, in the visitor's time
READ_PER_SECOND = 2000.0
WRITTEN_PER_SECOND = {"stream": 60.0, "generate": 300.0, "score": 300.0}  # all models together
MARGIN = 1.25
MOST_SECONDS = 110  # of a call that is asked for
PIECE_SECONDS = 40.0  # of work that one call takes on


class Pace:
    """How long a call will take: a first guess, times what the calls before it took against it."""

    def __init__(self) -> None:
        self._factors: defaultdict[str, float] = defaultdict(lambda: 1.0)
        self._lock = threading.Lock()

    def seconds(self, call: Call) -> int:
        """What is asked for: a whole number, with room for a cold start."""
        seconds = OPENING_SECONDS + MARGIN * self.work(call)
        return min(ceil(seconds), MOST_SECONDS)

    def work(self, call: Call) -> float:
        """Seconds of the call's own work, if every answer is as long as it may be."""
        return self._factors[call.kind] * _guess(call.kind, call.read, call.written)

    def learn(self, call: Call, written: int, seconds: float) -> None:
        """Half of the next estimate is what a call that wrote so much has taken."""
        if guessed := _guess(call.kind, call.read, written):
            with self._lock:
                self._factors[call.kind] = (self._factors[call.kind] + seconds / guessed) / 2


def _guess(kind: str, read: int, written: int) -> float:
    return read / READ_PER_SECOND + written / WRITTEN_PER_SECOND[kind]


def pieces(costs: Sequence[float], most: float = PIECE_SECONDS) -> Iterator[range]:
    """Places in a row whose costs together are at most `most`, at least one place each."""
    first, spent = 0, 0.0
    for place, cost in enumerate(costs):
        if place > first and spent + cost > most:
            yield range(first, place)
            first, spent = place, 0.0
        spent += cost
    if costs:
        yield range(first, len(costs))
