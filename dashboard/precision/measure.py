"""The headline metrics at one precision after the other, each by an engine that is dropped after.

It knows neither torch nor the page: how an engine is opened is passed in, and what happens is
yielded, with None at the end of every step. What is stored is not run again, and a precision all of
whose numbers are stored is not loaded.
"""

import gc
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from dashboard.board import CellKey
from dashboard.run import SETTLED
from loaders.family import Family
from loaders.faults import Fault
from loaders.protocol import Engine
from metrics.events import Finished, Progress, Recalled
from metrics.inputs.data import Data
from metrics.reading.recovery import BITS, FULL
from metrics.results import Results
from metrics.store import Store
from metrics.store.view import Told
from metrics.stored import NotLoaded, OpenModels, Wanted, refuse, run_stored

Offers = Mapping[str, str | None]  # why a precision does not run here, None where it runs


@dataclass(frozen=True)
class Engines:
    """How other precisions are had: what runs on a device, and an engine at one of them."""

    offers: Callable[[str], Offers]
    open: Callable[[str], Engine]


@dataclass(frozen=True)
class Asked:
    """Whose models are asked what, and where it is kept; `told` and `fresh` as in
    `metrics.stored`."""

    family: Family
    data: Data
    store: Store
    told: Told
    fresh: bool = False


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
    """All numbers of `precision`; `stored` says of those that were not measured now when they
    were."""

    precision: str
    results: Results
    stored: Mapping[CellKey, str] = field(default_factory=dict)


Step = Began | Loading | Moved | Failed | Done


def measure_all(engine: Engine, engines: Engines, asked: Asked) -> Iterator[Step | None]:
    """Every precision that runs where `engine` does, from the most bits to the fewest.

    `engine` itself serves its own precision. What has the most bits is what the others' PrivLeak
    is set against.
    """
    offers = engines.offers(engine.device)
    order = tuple(name for name in BITS if name in offers and offers[name] is None)
    yield Began(order)
    full: Results | None = None
    for precision in order:
        wanted = Wanted(
            asked.family, asked.data, precision, engine.device, full=full, fresh=asked.fresh
        )
        for step in _measure(engine, engines, asked, wanted):
            if isinstance(step, Done) and full is None and precision in FULL:
                full = step.results
            yield step


def _measure(page: Engine, engines: Engines, asked: Asked, wanted: Wanted) -> Iterator[Step | None]:
    """One precision: what is stored at once, and models loaded only where rows are missing."""
    try:
        yield from _numbers(asked, wanted, refuse)
    except NotLoaded as needed:
        yield Loading(wanted.precision)
        yield from _settled(page, asked.family)
        own = page if page.precision == wanted.precision else None
        yield from _run_loaded(own, engines, asked, wanted, needed.models)
    except Fault as fault:
        yield Failed(wanted.precision, str(fault))


def _run_loaded(
    engine: Engine | None,
    engines: Engines,
    asked: Asked,
    wanted: Wanted,
    models: Sequence[str],
) -> Iterator[Step | None]:
    try:
        engine = engine or engines.open(wanted.precision)
        yield from _load(engine, models)
        yield from _numbers(asked, wanted, _giving(engine))
    except Fault as fault:
        yield Failed(wanted.precision, str(fault))
    finally:
        engine = None
        gc.collect()  # the hooks of a loaded model refer to it in a circle


def _settled(page: Engine, family: Family) -> Iterator[None]:
    """Until the page's own models are ready or have failed: two sets are never loaded at once."""
    while any(page.status(spec.key).state not in SETTLED for spec in family.models):
        yield None


def _giving(engine: Engine) -> OpenModels:
    return lambda models: engine


def _numbers(asked: Asked, wanted: Wanted, models: OpenModels) -> Iterator[Step | None]:
    stored: dict[CellKey, str] = {}
    for event in run_stored(asked.store, models, wanted, asked.told):
        if event is None:
            yield None
        elif isinstance(event, Recalled):
            stored[CellKey(event.model, event.metric)] = event.created
        elif isinstance(event, Progress):
            yield Moved(wanted.precision, event)
        elif isinstance(event, Finished):
            yield Done(wanted.precision, event.results, stored)


def _load(engine: Engine, models: Sequence[str]) -> Iterator[None]:
    """A Fault where not one of `models` can be loaded."""
    for model in models:
        if engine.status(model).state == "waiting":
            yield from engine.load(model)
    statuses = [engine.status(model) for model in models]
    if all(status.state == "failed" for status in statuses):
        raise Fault(statuses[0].reason)
