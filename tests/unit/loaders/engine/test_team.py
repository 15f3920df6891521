"""A larger team works where it pays, and where it stops paying it is sent away."""

from dataclasses import dataclass, field

import torch

from loaders.engine.local import LocalEngine
from loaders.engine.team import FEW_TOKENS, LONGEST_WAIT, Team
from loaders.family import load_family
from loaders.protocol import Request, Sampling

TOKENS = 64
ONE, TWO = 1, 2


@dataclass
class Machine:
    """A clock that passes at work: `seconds` a token by how many threads are used."""

    seconds: dict[int, float]
    now: float = 0.0
    threads: list[int] = field(default_factory=list)

    def clock(self) -> float:
        return self.now

    def use(self, threads: int) -> None:
        self.threads.append(threads)

    def work(self, team: Team, passes: int, tokens: int = TOKENS) -> list[int]:
        """How many threads each of so many passes had."""
        used = []
        for _ in range(passes):
            with team.at_work(tokens):
                used.append(self.threads[-1] if self.threads else ONE)
                self.now += tokens * self.seconds[used[-1]]
        return used


def team_of(machine: Machine) -> Team:
    return Team(ONE, TWO, machine.clock, machine.use)


def test_both_sizes_are_tried_before_one_is_chosen() -> None:
    machine = Machine({ONE: 0.001, TWO: 0.0006})
    assert machine.work(team_of(machine), 5) == [ONE, TWO, TWO, TWO, TWO]


def test_a_team_that_hardly_helps_is_not_worth_its_cores() -> None:
    machine = Machine({ONE: 0.001, TWO: 0.00095})
    assert machine.work(team_of(machine), 5) == [ONE, TWO, ONE, ONE, ONE]


def test_a_team_that_becomes_slow_is_sent_away_at_once() -> None:
    machine = Machine({ONE: 0.0001, TWO: 0.00006})
    team = team_of(machine)
    machine.work(team, 10)
    machine.seconds[TWO] = 0.003  # somebody else needs the core now
    assert machine.work(team, 5) == [TWO, ONE, TWO, ONE, ONE]


def test_trials_become_rare_while_they_say_the_same() -> None:
    machine = Machine({ONE: 0.0001, TWO: 0.003})
    team = team_of(machine)
    used = machine.work(team, 20_000)
    assert used.count(TWO) <= 5 + machine.now / LONGEST_WAIT
    machine.seconds[TWO] = 0.00005
    assert TWO in machine.work(team, 20_000)[-100:]


def test_small_passes_are_never_given_a_team() -> None:
    machine = Machine({ONE: 0.001, TWO: 0.0001})
    assert set(machine.work(team_of(machine), 5, tokens=FEW_TOKENS - 1)) == {ONE}


def test_a_pass_that_fails_leaves_few_threads_behind() -> None:
    machine = Machine({ONE: 0.001, TWO: 0.0006})
    team = team_of(machine)
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
        for lead in (None, Team(ONE, TWO, use=use).lead):
            engine = LocalEngine(family, "fp32", "cpu", lead)
            for _ in engine.load("original"):
                pass
            request = Request("0", "original", "The lamp " * 20, Sampling(max_new_tokens=8))
            for _ in (ONE, TWO):  # a trial for each
                events = [event for event in engine.stream([request]) if event is not None]
                texts.append("".join(event.text for event in events))
    finally:
        torch.set_num_threads(before)
    assert len(set(texts)) == 1
    assert {ONE, TWO} <= set(used)
