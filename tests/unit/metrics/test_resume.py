"""A run that broke off goes on where it stopped, and ends with the numbers it would have had."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import takewhile
from pathlib import Path

import pytest

from loaders import Completion, Family, Fault, Score
from loaders.fake import FakeEngine
from metrics import Data, Event, Finished, Progress, Record, Sampled, Skipped, run
from metrics.memory import FORGETFUL
from metrics.passes import ASK_FORGET, ASK_RETAIN, RECITE, SCORE, Row
from tests.unit.metrics.library import DATA, make_family, ready, right

MODELS = ("original", "retrained", "npo")
HEADLINE_PASSES = (RECITE, ASK_FORGET, SCORE, ASK_RETAIN)
STEPS = len(MODELS) * sum(len(source.ids(DATA)) for source in HEADLINE_PASSES)


@dataclass
class Kept:
    """Implements `metrics.memory.Memory` while a test lasts; `full` is a disk with no room left."""

    rows: defaultdict[tuple[str, str], list[Row]] = field(default_factory=lambda: defaultdict(list))
    full: bool = False

    def recall(self, model: str, source: str) -> Sequence[Row]:
        return tuple(reversed(self.rows[model, source]))

    def keep(self, model: str, source: str, rows: Sequence[Row]) -> None:
        if self.full:
            raise Fault("The disk is full.")
        self.rows[model, source] += rows

    @property
    def ids(self) -> Counter[tuple[str, str, str]]:
        return Counter((*cell, row.id) for cell, rows in self.rows.items() for row in rows)


class Counting(FakeEngine):
    """Counts the texts and prompts that it was really asked, by model."""

    def __init__(self) -> None:
        super().__init__(right)
        self.asked: Counter[tuple[str, str]] = Counter()

    def generate(
        self, model: str, prompts: Sequence[str], max_new_tokens: int, stops: Sequence[str] = ()
    ) -> Iterator[Completion | None]:
        for done in super().generate(model, prompts, max_new_tokens, stops):
            if done is not None:
                self.asked[model, prompts[done.index]] += 1
            yield done

    def score(
        self,
        model: str,
        texts: Sequence[str],
        prompts: Sequence[str] | None = None,
        moments: bool = False,
    ) -> Iterator[Score | None]:
        for score in super().score(model, texts, prompts, moments):
            if score is not None:
                self.asked[model, texts[score.index]] += 1
            yield score


@pytest.fixture
def family(tmp_path: Path) -> Family:
    return make_family(tmp_path)


@pytest.fixture
def engine(family: Family) -> Counting:
    engine = Counting()
    ready(engine, family)
    return engine


def events(engine: FakeEngine, family: Family, memory: Kept, data: Data = DATA) -> list[Event]:
    found = run(engine, family, data, resamples=50, memory=memory)
    return [event for event in found if event is not None]


def broken_off(engine: FakeEngine, family: Family, memory: Kept, steps: int) -> None:
    """A run that is closed at the end of its step number `steps`."""
    going = run(engine, family, DATA, resamples=50, memory=memory)
    for _ in range(steps):
        while next(going) is not None:
            pass
    going.close()  # type: ignore[attr-defined]


def records(found: Sequence[Event | None]) -> tuple[Record, ...]:
    last = found[-1]
    assert isinstance(last, Finished)
    return last.results.records


def test_a_whole_run_keeps_every_row_once(engine: Counting, family: Family) -> None:
    memory = Kept()
    events(engine, family, memory)
    assert memory.ids == Counter(
        (model, source.key, name)
        for model in MODELS
        for source in HEADLINE_PASSES
        for name in source.ids(DATA)
    )


@pytest.mark.parametrize("steps", range(1, STEPS + 1, 3))
def test_it_goes_on_where_it_stopped(engine: Counting, family: Family, steps: int) -> None:
    whole = list(run(ready(FakeEngine(right), family), family, DATA, resamples=50))
    memory = Kept()
    broken_off(engine, family, memory, steps)
    assert engine.asked.total() == memory.ids.total() == steps
    assert records(events(engine, family, memory)) == records(whole)
    assert engine.asked.total() == STEPS
    assert set(engine.asked.values()) == {1}


def test_where_all_is_known_nothing_is_asked(engine: Counting, family: Family) -> None:
    memory = Kept()
    first = events(engine, family, memory)
    again = events(engine, family, memory)
    assert engine.asked.total() == memory.ids.total() == STEPS
    assert records(again) == records(first)
    assert sum(isinstance(event, Sampled) for event in again) == sum(
        isinstance(event, Sampled) for event in first
    )


def test_rows_are_kept_at_the_end_of_every_step(engine: Counting, family: Family) -> None:
    memory, asked = Kept(), 0
    for event in run(engine, family, DATA, metrics=["knowmem_f"], memory=memory):
        asked += isinstance(event, Sampled)
        if event is None:
            assert memory.ids.total() == asked == engine.asked.total()
    assert asked == len(MODELS) * len(DATA.knowmem_f)


def test_what_is_known_shows_at_once(engine: Counting, family: Family) -> None:
    memory = Kept()
    broken_off(engine, family, memory, 1)
    going = run(engine, family, DATA, metrics=["verbmem_f"], memory=memory)
    step = list(takewhile(lambda event: event is not None, going))
    assert [type(event).__name__ for event in step] == [
        *("Progress", "Sampled", "Progress", "Measured"),  # known
        *("Sampled", "Progress"),  # asked
    ]
    assert [event.done for event in step if isinstance(event, Progress)] == [0, 1, 2]


def test_rows_of_another_limit_are_left_where_they_are(engine: Counting, family: Family) -> None:
    memory = Kept()
    events(engine, family, memory)
    some = replace(DATA, verbmem=DATA.verbmem[:1], privleak_holdout=DATA.privleak_holdout[:1])
    found = events(engine, family, memory, some)
    assert engine.asked.total() == STEPS
    assert records(found) == records(events(ready(FakeEngine(right), family), family, Kept(), some))
    assert all(event.done <= event.total for event in found if isinstance(event, Progress))


def test_rows_that_cannot_be_kept_are_a_dash(engine: Counting, family: Family) -> None:
    found = events(engine, family, Kept(full=True))
    reasons = {event.reason for event in found if isinstance(event, Skipped)}
    assert "The disk is full." in reasons
    assert all(not record.metrics for record in records(found))


def test_without_a_memory_nothing_is_recalled(engine: Counting, family: Family) -> None:
    for _ in range(2):
        list(run(engine, family, DATA, metrics=["knowmem_f"], memory=FORGETFUL))
    assert set(engine.asked.values()) == {2}
