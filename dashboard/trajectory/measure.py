"""Metrics of one checkpoint after the other, each loaded by itself and dropped after.

It knows neither torch nor the page: how an engine is opened is passed in, and what happens is
yielded, with None at the end of every step. What is stored is not run again.
"""

import gc
from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import dataclass, replace

from dashboard.run import SETTLED
from loaders.family import Family
from loaders.protocol import Engine
from loaders.trajectory import list_checkpoints, without_earlier
from metrics.events import Event
from metrics.inputs.data import Data
from metrics.results import Results
from metrics.store import Store
from metrics.store.view import Told
from metrics.stored import NotLoaded, Wanted, refuse, run_stored


@dataclass(frozen=True)
class Trajectory:
    """A family with all its checkpoints, and how an engine for some of its models is had."""

    family: Family
    open: Callable[[Family], Engine]


@dataclass(frozen=True)
class Asked:
    """Which metrics are wanted, of which rows, and where they are kept; `full` and `told` as in
    `metrics.stored`."""

    data: Data
    metrics: Sequence[str]
    store: Store
    told: Told
    full: Results | None = None


@dataclass(frozen=True)
class Stage:
    """The stage that begins: the place from 0 of so many, and its models."""

    place: int
    total: int
    models: tuple[str, ...]


Step = Stage | Event


def plan_stages(family: Family) -> tuple[Family, ...]:
    """What is measured together: first what stands side by side on the page, then each earlier
    checkpoint with the retrained model, which PrivLeak is set against."""
    shown = without_earlier(family)
    retrained = [family.retrained] if family.retrained is not None else []
    earlier = list_checkpoints(family)[:-1]
    return (shown, *(replace(family, models=(*retrained, spec)) for spec in earlier))


def measure_all(engine: Engine, trajectory: Trajectory, asked: Asked) -> Iterator[Step | None]:
    """Every stage to its end. `engine` is the page's own: it has, or is loading, the models of the
    first stage."""
    stages = plan_stages(trajectory.family)
    for place, family in enumerate(stages):
        yield Stage(place, len(stages), tuple(spec.key for spec in family.models))
        own = engine if place == 0 else None
        yield from _measure(engine, own, trajectory, family, asked)


def _measure(
    page: Engine, own: Engine | None, trajectory: Trajectory, family: Family, asked: Asked
) -> Iterator[Event | None]:
    """One stage: what is stored at once; models are waited for or loaded where rows are missing."""
    wanted = Wanted(
        family,
        asked.data,
        page.precision,
        page.device,
        metrics=asked.metrics,
        full=asked.full,
    )
    try:
        yield from run_stored(asked.store, refuse, wanted, asked.told)
    except NotLoaded as needed:
        try:
            yield from _run_loaded(own, trajectory, wanted, asked, needed.models)
        finally:
            gc.collect()  # the hooks of a loaded model refer to it in a circle


def _run_loaded(
    own: Engine | None,
    trajectory: Trajectory,
    wanted: Wanted,
    asked: Asked,
    models: Sequence[str],
) -> Iterator[Event | None]:
    engine = yield from _loaded(own, trajectory, models)
    yield from run_stored(asked.store, lambda _: engine, wanted, asked.told)


def _loaded(
    own: Engine | None, trajectory: Trajectory, models: Sequence[str]
) -> Generator[None, None, Engine]:
    """The engine in which `models` are ready or have failed: the page's own, or a new one."""
    if own is not None:
        while any(own.status(model).state not in SETTLED for model in models):
            yield None
        return own
    specs = tuple(spec for spec in trajectory.family.models if spec.key in models)
    opened = trajectory.open(replace(trajectory.family, models=specs))
    for model in models:
        yield from opened.load(model)
    return opened
