"""A run over models that do not fit at once brings each of them in once, not once a pass."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from loaders import Family, Request
from loaders.fake import BYTES, FakeEngine
from loaders.together.residency import Need, Room, make_plan
from loaders.together.waves import WavesEngine
from metrics import Measured, Results
from metrics.events import Event, Finished
from metrics.suite import run
from tests.unit.metrics.library import DATA, make_family, right

KEYS = ("original", "npo", "retrained", "simnpo")


class Brought(FakeEngine):
    """Keeps a list of what was loaded; what was unloaded is not ready."""

    def __init__(self) -> None:
        super().__init__(right)
        self.loaded: list[str] = []

    def load(self, model: str) -> Iterator[None]:
        self.loaded.append(model)
        return super().load(model)

    def fetch(self, model: str) -> Iterator[None]:
        """Everything is here."""
        yield None

    def unload(self, model: str) -> None:
        del self._statuses[model]

    def check(self, request: Request) -> None:
        """Everything fits."""


@pytest.fixture
def family(tmp_path: Path) -> Family:
    return make_family(tmp_path, KEYS)


def in_waves(family: Family, inner: Brought, models: int) -> WavesEngine:
    """An engine that holds so many models at once, all of them loaded."""
    needs = [Need(spec.key, spec.label, 1, BYTES, 0, 1024) for spec in family.models]
    plan = make_plan(needs, [Room("cpu", models * BYTES)])
    engine = WavesEngine(inner, plan, plan.shares[0])
    for spec in family.models:
        list(engine.load(spec.key))
    return engine


def results(events: Iterator[Event | None]) -> Results:
    return next(event.results for event in events if isinstance(event, Finished))


@pytest.mark.parametrize(
    ("models", "brought"),
    [
        (3, ["original", "simnpo"]),
        (2, ["original", "npo"]),
        (1, ["retrained", "original", "npo", "simnpo"]),
    ],
)
def test_a_model_is_brought_in_once(family: Family, models: int, brought: list[str]) -> None:
    inner = Brought()
    engine = in_waves(family, inner, models)
    before = len(inner.loaded)
    list(run(engine, family, DATA))
    assert inner.loaded[before:] == brought


def test_numbers_are_those_of_an_engine_that_holds_all(family: Family) -> None:
    whole = in_waves(family, Brought(), 4)
    some = in_waves(family, Brought(), 2)
    found = [results(run(engine, family, DATA)) for engine in (whole, some)]
    assert found[0].records == found[1].records
    assert replace(found[0], created="") == replace(found[1], created="")


def test_the_retrained_model_is_among_the_first(family: Family) -> None:
    events = run(in_waves(family, Brought(), 2), family, DATA)
    final = [event for event in events if isinstance(event, Measured) and event.final]
    order = list(dict.fromkeys(event.model for event in final))
    assert set(order[:2]) == {"retrained", "simnpo"}
    assert {event.model for event in final if event.metric == "privleak"} == set(KEYS)
