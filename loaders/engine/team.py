"""How many threads of a CPU a forward pass is given: all where nobody else needs them.

A team as large as the machine reads many tokens in half the time while the machine is free, and in
thirty times the time beside one busy process, because all wait for the slowest of them at every
layer (LOG.md). So it is looked at what other processes are doing.
"""

import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import psutil
import torch

from loaders.engine.decoder import Decoder
from loaders.engine.slots import Slots

FEW_TOKENS = 8  # with fewer a pass is mostly dispatch, and a team never pays
BUSY = 0.2  # of a core: others that use more have to be left their share
PERIOD = 0.1  # seconds from one look at the machine to the next


@dataclass(frozen=True)
class Used:
    """CPU seconds used until now: by all processes, and by this one."""

    by_all: float
    by_us: float


def look() -> Used:
    """What the system says at this moment."""
    machine, us = psutil.cpu_times(), psutil.Process().cpu_times()
    resting = machine.idle + getattr(machine, "iowait", 0.0)
    # A guest's time is in `user` as well.
    guests = getattr(machine, "guest", 0.0) + getattr(machine, "guest_nice", 0.0)
    return Used(sum(machine) - resting - guests, us.user + us.system)


class Team:
    """Sets torch's threads around forward passes: `few`, or `most` while others are idle.

    One thread calls it. `clock` gives seconds, `look` what has been used, and `use` is told how
    many threads to use.
    """

    def __init__(
        self,
        few: int,
        most: int,
        clock: Callable[[], float] = time.perf_counter,
        look: Callable[[], Used] = look,
        use: Callable[[int], None] = torch.set_num_threads,
    ) -> None:
        self._few = few
        self._most = most
        self._clock = clock
        self._look = look
        self._use = use
        self._seen, self._when = look(), clock()
        self._threads = few

    def lead(self, decode: Decoder) -> Decoder:
        """`decode`, each pass of which is given its threads."""
        return TeamDecoder(decode, self)

    @contextmanager
    def at_work(self, tokens: int) -> Iterator[None]:
        """Around a pass over `tokens` tokens of all rows; `few` threads are left set after it."""
        if self._few == self._most or tokens < FEW_TOKENS:
            yield
            return
        try:
            self._use(self._chosen())
            yield
        finally:
            self._use(self._few)

    def _chosen(self) -> int:
        """`most` if others have used less than BUSY of a core since the last look."""
        if (seconds := self._clock() - self._when) >= PERIOD:
            seen, self._seen = self._seen, self._look()
            by_all, by_us = self._seen.by_all - seen.by_all, self._seen.by_us - seen.by_us
            self._threads = self._most if (by_all - by_us) / seconds < BUSY else self._few
            self._when += seconds
        return self._threads


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


def cpu_team() -> Team:
    """Half of the cores for whatever is small or has company, and all of them otherwise."""
    cores = os.cpu_count() or 1
    few = max(1, cores // 2)
    torch.set_num_threads(few)
    return Team(few, cores)
