"""The headline metrics at one precision after the other, each by an engine that is dropped after.

It knows neither torch nor the page: how an engine is opened is passed in, and what happens is
yielded, with None at the end of every step.
"""

import gc
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from loaders.family import Family
from loaders.faults import Fault
from loaders.protocol import Engine
from metrics.events import Finished, Progress
from metrics.inputs.data import Data
from metrics.reading.recovery import BITS, FULL
from metrics.results import Results
from metrics.suite import run as run_suite

Offers = Mapping[str, str | None]  # why a precision does not run here, None where it runs


@dataclass(frozen=True)
class Engines:
    """How other precisions are had: what runs on a device, and an engine at one of them."""

    offers: Callable[[str], Offers]
    open: Callable[[str], Engine]


@dataclass(frozen=True)
class Began:
    """The precisions that will be measured."""

    precisions: tuple[str, ...]


@dataclass(frozen=True)
class Loading:
    """The models are being loaded at `precision`."""

    precision: str


@dataclass(frozen=True)
class Moved:
    """How far the run at `precision` is."""

    precision: str
    progress: Progress


@dataclass(frozen=True)
class Failed:
    """Nothing can be measured at `precision`, and why."""

    precision: str
    reason: str


@dataclass(frozen=True)
class Done:
    """All numbers of `precision`."""

    precision: str
    results: Results


Step = Began | Loading | Moved | Failed | Done


def measure_all(
    engine: Engine, engines: Engines, family: Family, data: Data
) -> Iterator[Step | None]:
    """Every precision that runs where `engine` does, from the most bits to the fewest.

    `engine` itself serves its own precision. What has the most bits is what the others' PrivLeak
    is set against.
    """
    offers = engines.offers(engine.device)
    order = tuple(name for name in BITS if name in offers and offers[name] is None)
    yield Began(order)
    full: Results | None = None
    for precision in order:
        opened = engine if engine.precision == precision else None
        for step in _measure(opened, engines, precision, family, data, full):
            if isinstance(step, Done) and full is None and precision in FULL:
                full = step.results
            yield step


def _measure(
    engine: Engine | None,
    engines: Engines,
    precision: str,
    family: Family,
    data: Data,
    full: Results | None,
) -> Iterator[Step | None]:
    yield Loading(precision)
    try:
        engine = engine or engines.open(precision)
        yield from _load(engine, family)
        for event in run_suite(engine, family, data, full=full):
            if isinstance(event, Progress):
                yield Moved(precision, event)
            elif isinstance(event, Finished):
                yield Done(precision, event.results)
            elif event is None:
                yield None
    except Fault as fault:
        yield Failed(precision, str(fault))
    finally:
        engine = None
        gc.collect()  # the hooks of a loaded model refer to it in a circle


def _load(engine: Engine, family: Family) -> Iterator[None]:
    """A Fault where not one model can be loaded."""
    keys = [spec.key for spec in family.models]
    for key in keys:
        if engine.status(key).state == "waiting":
            yield from engine.load(key)
    statuses = [engine.status(key) for key in keys]
    if all(status.state == "failed" for status in statuses):
        raise Fault(statuses[0].reason)
