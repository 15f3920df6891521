"""How many threads of a CPU a forward pass is given: as many as lately got it done sooner.

A team as large as the machine reads many tokens in half the time while the machine is free, and in
thirty times the time beside one busy process, because all wait for the slowest of them at every
layer (LOG.md). So both are tried, again and again, on the work itself.
"""

import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import torch

from loaders.engine.decoder import Decoder
from loaders.engine.slots import Slots

FEW_TOKENS = 8  # with fewer a pass is mostly dispatch, and a team never pays
GAIN = 0.9  # of the time of a smaller team that a larger one has to stay below
SLOWER = 3.0  # times the expected, and the next pass is a trial
FIRST_WAIT = 0.5  # seconds from one trial to the next, twice as many while they say the same
LONGEST_WAIT = 8.0


@dataclass
class _Habit:
    """What passes of one size are given: `threads`, and `seconds` a token that are expected."""

    threads: int
    seconds: float = 0.0
    due: float = 0.0  # on the clock, when the next trial begins
    wait: float = FIRST_WAIT
    tried: dict[int, float] = field(default_factory=dict)


class Team:
    """Sets torch's threads around forward passes: `few`, or `most` where that pays.

    One thread calls it. `clock` gives seconds, and `use` is told how many threads to use.
    """

    def __init__(
        self,
        few: int,
        most: int,
        clock: Callable[[], float] = time.perf_counter,
        use: Callable[[int], None] = torch.set_num_threads,
    ) -> None:
        self._sizes = (few, most)
        self._clock = clock
        self._use = use
        self._habits: dict[int, _Habit] = {}

    def lead(self, decode: Decoder) -> Decoder:
        """`decode`, each pass of which is given its threads."""
        return TeamDecoder(decode, self)

    @contextmanager
    def at_work(self, tokens: int) -> Iterator[None]:
        """Around a pass over `tokens` tokens of all rows; `few` threads are left set after it."""
        few, most = self._sizes
        if few == most or tokens < FEW_TOKENS:
            yield
            return
        habit = self._habits.setdefault(tokens.bit_length(), _Habit(few))
        started = self._clock()
        trying = started >= habit.due
        threads = next(size for size in self._sizes if size not in habit.tried)
        threads = threads if trying else habit.threads
        try:
            self._use(threads)
            yield
        finally:
            self._use(few)
        spent = (self._clock() - started) / tokens
        if trying:
            self._learn(habit, threads, spent)
        elif spent > SLOWER * habit.seconds:
            habit.due, habit.wait = started, FIRST_WAIT

    def _learn(self, habit: _Habit, threads: int, spent: float) -> None:
        """Take in what a trial took; when both sizes have had theirs, choose."""
        habit.tried[threads] = spent
        if len(habit.tried) < len(self._sizes):
            return
        few, most = self._sizes
        best = most if habit.tried[most] < GAIN * habit.tried[few] else few
        habit.wait = min(2 * habit.wait, LONGEST_WAIT) if best == habit.threads else FIRST_WAIT
        habit.threads, habit.seconds = best, habit.tried[best]
        habit.due = self._clock() + habit.wait
        habit.tried = {}


def cpu_team() -> Team:
    """Half of the cores for whatever is small, and all of them where that pays; the page, the
    browser and what else runs here have the rest."""
    cores = os.cpu_count() or 1
    few = max(1, cores // 2)
    torch.set_num_threads(few)
    return Team(few, cores)


class TeamDecoder:
    """Implements `Decoder`: another one's passes, each by as many threads as `team` gives it."""

    def __init__(self, decode: Decoder, team: Team) -> None:
        self._decode = decode
        self._team = team

    def __call__(
        self,
        ids: torch.Tensor,
        positions: torch.Tensor,
        slots: Slots,
        mask: torch.Tensor | None,
        keep: torch.Tensor | None,
    ) -> torch.Tensor:
        with self._team.at_work(ids.numel()):
            return self._decode(ids, positions, slots, mask, keep)
