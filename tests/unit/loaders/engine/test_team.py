"""A larger team works while the machine is free, and is sent away when somebody needs a core."""

from dataclasses import dataclass, field
from itertools import chain, count, repeat

import torch

from loaders.engine.local import LocalEngine
from loaders.engine.team import FEW_TOKENS, PERIOD, Team, Used, look
from loaders.family import load_family
from loaders.protocol import Request, Sampling

TOKENS = 64
ONE, TWO = 1, 2


@dataclass
class Machine:
    """Passes take PERIOD and a bit; others use `others` cores, and we all that we are given."""

    others: float
    now: float = 0.0
    used: Used = field(default_factory=lambda: Used(0.0, 0.0))
    threads: list[int] = field(default_factory=list)

    def team(self) -> Team:
        return Team(ONE, TWO, lambda: self.now, lambda: self.used, self.threads.append)

    def work(self, team: Team, passes: int, tokens: int = TOKENS) -> list[int]:
        """How many threads each of so many passes had."""
        given = []
        for _ in range(passes):
            with team.at_work(tokens):
                given.append(self.threads[-1] if self.threads else ONE)
                spent = 1.1 * PERIOD
                ours = spent * given[-1]
                self.now += spent
                self.used = Used(
                    self.used.by_all + ours + spent * self.others, self.used.by_us + ours
                )
        return given


def test_a_free_machine_is_used_whole_once_that_is_known() -> None:
    machine = Machine(others=0.0)
    assert machine.work(machine.team(), 4) == [ONE, TWO, TWO, TWO]


def test_who_else_computes_is_left_a_core() -> None:
    machine = Machine(others=0.9)
    assert machine.work(machine.team(), 4) == [ONE] * 4


def test_a_neighbour_who_comes_and_goes_is_seen() -> None:
    machine = Machine(others=0.0)
    team = machine.team()
    machine.work(team, 3)
    machine.others = 1.0
    assert machine.work(team, 3) == [TWO, ONE, ONE]
    machine.others = 0.05
    assert machine.work(team, 3) == [ONE, TWO, TWO]


def test_the_system_is_looked_at_once_a_period() -> None:
    looks = []

    def counted() -> Used:
        looks.append(1)
        return Used(0.0, 0.0)

    clock = chain([0.0], (step * PERIOD / 10 for step in range(100)), repeat(99.0))
    team = Team(ONE, TWO, lambda: next(clock), counted, lambda _: None)
    for _ in range(100):
        with team.at_work(TOKENS):
            pass
    assert 9 <= len(looks) <= 11


def test_what_is_used_is_what_the_system_says() -> None:
    before = look()
    sum(range(10_000_000))
    after = look()
    assert after.by_us > before.by_us
    assert after.by_all >= before.by_all


def test_small_passes_are_never_given_a_team() -> None:
    machine = Machine(others=0.0)
    assert machine.work(machine.team(), 5, tokens=FEW_TOKENS - 1) == [ONE] * 5
    assert machine.threads == []


def test_a_pass_that_fails_leaves_few_threads_behind() -> None:
    machine = Machine(others=0.0)
    team = machine.team()
    try:
        with team.at_work(TOKENS):
            raise RuntimeError
    except RuntimeError:
        pass
    assert machine.threads[-1] == ONE


def test_an_engine_with_a_team_says_the_same() -> None:
    """The threads are set around its passes, and what it writes does not change."""
    before, used = torch.get_num_threads(), []

    def use(threads: int) -> None:
        used.append(threads)
        torch.set_num_threads(threads)

    family = load_family("demo")
    texts = []
    try:
        for lead in (None, Team(ONE, TWO, count().__next__, lambda: Used(0.0, 0.0), use).lead):
            engine = LocalEngine(family, "fp32", "cpu", lead)
            for _ in engine.load("original"):
                pass
            request = Request("0", "original", "The lamp " * 20, Sampling(max_new_tokens=8))
            for _ in range(2):
                events = [event for event in engine.stream([request]) if event is not None]
                texts.append("".join(event.text for event in events))
    finally:
        torch.set_num_threads(before)
    assert len(set(texts)) == 1
    assert {ONE, TWO} <= set(used)
