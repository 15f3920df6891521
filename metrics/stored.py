"""A run that takes from the store what is there and measures the rest; never loads a model itself.

What is stored comes at once and is said to be stored. What is missing goes through `suite.run`,
which begins with the rows that are kept: a model all of whose rows are kept is not asked anything
and need not be loaded.
"""

from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass, replace

from loaders.checkpoint import device_of, devices
from loaders.computing import compute_name
from loaders.family import Family, ModelSpec
from loaders.faults import Fault
from loaders.protocol import Engine
from metrics.events import Event, Finished, Measured, Recalled, Sampled, Skipped
from metrics.inputs.data import Data
from metrics.metric import Metric
from metrics.passes import Task
from metrics.profile import MUSE, Profile
from metrics.reading.statistics import RESAMPLES
from metrics.references import declared_reference, full_reference
from metrics.registry import choose
from metrics.rested import Rested
from metrics.results import Measurement, Record, Results
from metrics.store.faces import face_of
from metrics.store.keys import Setup, fingerprint, make_keys
from metrics.store.records import Number
from metrics.store.store import Store
from metrics.store.view import Told, View
from metrics.suite import chosen_models, run
from metrics.versions import versions

OpenModels = Callable[[Sequence[str]], Engine]


class NotLoaded(Fault):
    """Raised by `refuse`: what is stored has come by then, and `models` have rows missing."""

    def __init__(self, models: Sequence[str]) -> None:
        super().__init__(f"{' and '.join(models)} would have to be loaded.")
        self.models = tuple(models)


def refuse(models: Sequence[str]) -> Engine:
    """Stands where models are opened for whoever wants only what is stored, or that first."""
    raise NotLoaded(models)


@dataclass(frozen=True)
class Wanted:
    """A run as it is asked for: what `suite.run` takes, and how the models are to be run.

    A `fresh` run takes nothing from the store; what it makes replaces what is there.
    """

    family: Family
    data: Data
    precision: str
    device: str
    models: Sequence[str] | None = None
    metrics: Sequence[str] | None = None
    profile: Profile = MUSE
    seed: int = 0
    resamples: int = RESAMPLES
    full: Results | None = None
    fresh: bool = False


@dataclass(frozen=True)
class Cell:
    """One metric of one model."""

    model: str
    metric: str


def run_stored(
    store: Store, open_models: OpenModels, wanted: Wanted, told: Told
) -> Iterator[Event | None]:
    """The events of `suite.run`, and Recalled with every number that is stored.

    `open_models` is asked at most once, with the models that have rows missing; it gives the engine
    in which they are ready, or have failed. `told` hears, once, of a store that does not work: the
    numbers come all the same and are not kept. Closing the iterator stops the engine; what was
    made until then is kept.
    """
    specs = chosen_models(wanted.family, wanted.models)
    return _Run(store, open_models, wanted, told, specs, choose(wanted.metrics)).events()


class _Run:
    """One run: what is stored of it, what is missing, and what has come since."""

    def __init__(
        self,
        store: Store,
        open_models: OpenModels,
        wanted: Wanted,
        told: Told,
        specs: Sequence[ModelSpec],
        metrics: Sequence[Metric],
    ) -> None:
        self._open = open_models
        self._wanted = wanted
        self._specs = specs
        self._metrics = metrics
        self._keys = make_keys(wanted.family, wanted.data, specs, _setup(wanted))
        self._against = {metric.key: self._fingerprint_against(metric) for metric in metrics}
        self._view = View(store, self._keys, told, wanted.fresh)
        self._found: dict[Cell, Measurement] = {}

    def events(self) -> Iterator[Event | None]:
        recalled = self._recall()
        for cell, number in recalled.items():
            yield Recalled(cell.model, cell.metric, number.created)
            yield Measured(cell.model, cell.metric, number.measurement, final=True)
        self._found = {cell: number.measurement for cell, number in recalled.items()}
        missing = [cell for cell in self._cells() if cell not in recalled]
        created = max((number.created for number in recalled.values()), default="")
        if missing:
            created = yield from self._measure(missing)
        yield Finished(self._results(created))

    def _cells(self) -> list[Cell]:
        return [Cell(spec.key, metric.key) for metric in self._metrics for spec in self._specs]

    def _recall(self) -> dict[Cell, Number]:
        found = {}
        for cell in self._cells():
            number = self._view.number(cell.model, cell.metric, self._against[cell.metric])
            if number is not None:
                found[cell] = number
        return found

    def _measure(self, missing: Sequence[Cell]) -> Generator[Event | None, None, str]:
        """Runs what is missing; its date at the end. The store has each number as soon as it is
        final."""
        stored, created = frozenset(self._found), ""
        with closing(self._start(missing)) as events:
            for event in events:
                if isinstance(event, Finished):
                    created = event.results.created
                elif _cell_of(event) not in stored:
                    self._take(event)
                    yield event
        return created

    def _start(self, missing: Sequence[Cell]) -> Generator[Event | None, None, None]:
        wanted, metrics = self._wanted, self._missing_metrics(missing)
        models = self._involved(missing, metrics)
        resting = frozenset(model for model in models if self._is_complete(model, metrics))
        waking = [model for model in models if model not in resting]
        engine = self._open(waking) if waking else None
        for spec in self._specs:
            device = device_of(spec, wanted.device)
            self._view.begin(spec.key, face_of(spec), wanted.family.scale, device)
        yield from run(
            Rested(engine, wanted.precision, wanted.device, resting),
            wanted.family,
            wanted.data,
            models=models,
            metrics=[metric.key for metric in metrics],
            profile=wanted.profile,
            seed=wanted.seed,
            resamples=wanted.resamples,
            full=wanted.full,
            memory=self._view,
        )

    def _missing_metrics(self, missing: Sequence[Cell]) -> list[Metric]:
        keys = {cell.metric for cell in missing}
        return [metric for metric in self._metrics if metric.key in keys]

    def _involved(self, missing: Sequence[Cell], metrics: Sequence[Metric]) -> list[str]:
        """The models with something missing, and the one that they are set against."""
        keys = {cell.model for cell in missing}
        if any(metric.needs_reference for metric in metrics):
            keys |= {spec.key for spec in self._specs if spec.role == "retrained"}
        return [spec.key for spec in self._specs if spec.key in keys]

    def _is_complete(self, model: str, metrics: Sequence[Metric]) -> bool:
        sources = dict.fromkeys(metric.source for metric in metrics)
        return all(
            self._view.known(model, source.key).issuperset(source.ids(self._wanted.data))
            for source in sources
        )

    def _take(self, event: Event | None) -> None:
        if isinstance(event, Measured) and event.final:
            self._found[Cell(event.model, event.metric)] = event.measurement
            against = self._against[event.metric]
            self._view.keep_number(event.model, event.metric, against, event.measurement)

    def _fingerprint_against(self, metric: Metric) -> str:
        """What a metric is set against, as a name: the retrained model of this run or a declared
        AUC, and the retrained model at full precision. Empty for a metric without a reference."""
        if not metric.needs_reference:
            return ""
        wanted, retrained = self._wanted, self._wanted.family.retrained
        if retrained is not None and retrained.key in self._keys:
            first = self._keys[retrained.key].origin
        else:
            first = _declared(wanted.family, metric)
        task = Task(wanted.family, wanted.data, wanted.profile)
        full = full_reference(wanted.full, task, wanted.precision, metric)
        samples = [asdict(sample) for sample in full.samples] if full is not None else []
        return fingerprint([first, samples])

    def _results(self, created: str) -> Results:
        return Results(
            family=self._wanted.family.name,
            device=devices(self._specs, self._wanted.device),
            created=created,
            versions=versions(),
            records=tuple(self._record(spec.key) for spec in self._specs),
        )

    def _record(self, model: str) -> Record:
        cells = {metric.key: Cell(model, metric.key) for metric in self._metrics}
        found = {key: self._found[cell] for key, cell in cells.items() if cell in self._found}
        family = self._wanted.family
        record = self._keys[model].record(family.scale)
        return replace(record, metrics=found, step=family.model(model).step)


def _setup(wanted: Wanted) -> Setup:
    return Setup(
        precision=wanted.precision,
        device=wanted.device,
        profile=wanted.profile,
        seed=wanted.seed,
        resamples=wanted.resamples,
        versions=versions(),
        compute=compute_name(wanted.precision, wanted.device),
    )


def _declared(family: Family, metric: Metric) -> str:
    """The AUC that stands in for a retrained model, and whose it is; "nothing" where none does."""
    try:
        reference = declared_reference(family, metric)
    except Fault:
        return "nothing"
    return f"{reference.name}: {reference.auc}"


def _cell_of(event: Event | None) -> Cell | None:
    if isinstance(event, Sampled | Measured | Skipped):
        return Cell(event.model, event.metric)
    return None
