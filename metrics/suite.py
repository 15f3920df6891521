"""Runs metrics over models, pass by pass; never owns a thread and shows nothing."""

from collections import defaultdict
from collections.abc import Generator, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime

from loaders.checkpoint import device_of, devices, repo_name, revision
from loaders.computing import compute_name
from loaders.family import Family, ModelSpec
from loaders.faults import Fault
from loaders.protocol import Engine
from loaders.together.residency import plan_of
from metrics.events import Event, Finished, Measured, Progress, Sampled, Skipped
from metrics.inputs.data import Data
from metrics.memory import FORGETFUL, Memory
from metrics.metric import Metric, Reference
from metrics.passes import Pass, Row, Task
from metrics.profile import MUSE, Profile
from metrics.reading.statistics import RESAMPLES
from metrics.references import declared_reference, full_reference
from metrics.registry import choose
from metrics.results import Against, AnySample, Measurement, Record, Results
from metrics.side_by_side import side_by_side
from metrics.versions import versions

PARTIAL_RESAMPLES = 500  # of a number that will be replaced within seconds


def run(
    engine: Engine,
    family: Family,
    data: Data,
    *,
    models: Sequence[str] | None = None,
    metrics: Sequence[str] | None = None,
    profile: Profile = MUSE,
    seed: int = 0,
    resamples: int = RESAMPLES,
    full: Results | None = None,
    memory: Memory = FORGETFUL,
) -> Iterator[Event | None]:
    """Every metric of every model, pass by pass, and where not all models are held at once wave by
    wave; None at the end of every step of the engine.

    `models` and `metrics` are keys; None stands for all models and the headline metrics. Numbers
    come with Measured, partial ones after every step that brought samples. A Fault in one metric of
    one model becomes Skipped and the run goes on; a key that does not exist is a Fault before the
    first step. `full` are results of the retrained model at full precision, to be set against as
    well; `memory` holds rows of a run that broke off. The last event is Finished; closing the
    iterator before that stops the engine.
    """
    specs = chosen_models(family, models)
    task = Task(family, data, profile)
    suite = _Suite(engine, task, specs, choose(metrics), seed, resamples, full, memory)
    yield from suite.events()


def chosen_models(family: Family, keys: Sequence[str] | None) -> tuple[ModelSpec, ...]:
    """The models called `keys` in the family's order, all for None; a Fault for an unknown key."""
    if keys is None:
        return family.models
    wanted = {family.model(key).key for key in keys}
    return tuple(spec for spec in family.models if spec.key in wanted)


class _Suite:
    """The state of one run: what has been sampled and measured so far."""

    def __init__(
        self,
        engine: Engine,
        task: Task,
        specs: Sequence[ModelSpec],
        metrics: Sequence[Metric],
        seed: int,
        resamples: int,
        full: Results | None,
        memory: Memory,
    ) -> None:
        self._engine = engine
        self._task = task
        self._family = task.family
        self._specs = specs
        self._metrics = metrics
        self._seed = seed
        self._resamples = resamples
        self._full = full
        self._memory = memory
        self._samples: defaultdict[tuple[str, str], dict[str, AnySample]] = defaultdict(dict)
        self._measured: dict[tuple[str, str], Measurement] = {}
        self._skipped: dict[tuple[str, str], str] = {}
        self._passes = tuple(dict.fromkeys(metric.source for metric in metrics))
        self._done: dict[tuple[str, str], int] = {}  # rows, by pass and model
        self._work = sum(self._cost(source) for source in self._passes) * len(specs)

    def events(self) -> Iterator[Event | None]:
        revisions = {spec.key: revision(spec) for spec in self._specs}
        for specs in self._waves():
            for source in self._passes:
                metrics = [metric for metric in self._metrics if metric.source == source]
                cells = [
                    self._cells(source, metrics, spec.key) for spec in _ordered(specs, metrics)
                ]
                yield from side_by_side(cells, self._engine.at_once)
        yield Finished(self._results(revisions))

    def _waves(self) -> list[list[ModelSpec]]:
        """The models that the engine holds at once, the retrained one's wave first: all passes of
        a wave before the next, because to bring a model in takes longer than many a pass."""
        plan = plan_of(self._engine)
        number = {
            key: place for place, wave in enumerate(plan.waves if plan else ()) for key in wave
        }
        waves: defaultdict[int, list[ModelSpec]] = defaultdict(list)
        for spec in self._specs:
            waves[number.get(spec.key, 0)].append(spec)
        return sorted(waves.values(), key=lambda wave: not any(map(_is_retrained, wave)))

    def _cells(
        self, source: Pass, metrics: Sequence[Metric], model: str
    ) -> Generator[Event | None, None, None]:
        """One pass of one model, to the number or the dash of each of its metrics."""
        for metric in metrics:
            yield self._progress(metric, model, 0)
        open_metrics = []
        for metric in metrics:
            try:
                self._check(metric, model)
                open_metrics.append(metric)
            except Fault as fault:
                yield self._skip(metric, model, str(fault))
        try:
            if open_metrics:
                yield from self._collect(source, open_metrics, model)
        except Fault as fault:
            for metric in self._left(open_metrics, model):
                yield self._skip(metric, model, str(fault))
        yield from self._finish_all(open_metrics, model)
        self._done[source.key, model] = len(source.ids(self._task.data))

    def _check(self, metric: Metric, model: str) -> None:
        status, label = self._engine.status(model), self._family.model(model).label
        if status.state == "failed":
            raise Fault(f"{label} could not be loaded: {status.reason}")
        if status.state != "ready":
            raise Fault(f"{label} is {status.state}; measure it when it is ready.")
        if metric.total(self._task.data) == 0:
            raise Fault(f"The data set has no {metric.noun} for {metric.label}.")
        if metric.needs_reference and not self._is_awaited(metric, model):
            self._reference(metric)

    def _collect(
        self, source: Pass, metrics: Sequence[Metric], model: str
    ) -> Iterator[Event | None]:
        """Rows that are known, then those that are made; samples and partial numbers of them."""
        asked = set(source.ids(self._task.data))
        known = [row for row in self._memory.recall(model, source.key) if row.id in asked]
        for row in known:
            yield from self._sampled(metrics, model, row)
        if known:
            yield from self._partial(metrics, model)
        data = self._task.data.without([row.id for row in known])
        if source.ids(data) and self._left(metrics, model):
            yield from self._make(source, metrics, model, replace(self._task, data=data))

    def _make(
        self, source: Pass, metrics: Sequence[Metric], model: str, task: Task
    ) -> Iterator[Event | None]:
        """Rows that the engine makes, kept after every step, while a metric is left to read one."""
        fresh: list[Row] = []
        for made in source.run(self._engine, model, task):
            if made is not None:
                fresh.append(made)
                yield from self._sampled(metrics, model, made)
                continue
            if fresh:
                self._memory.keep(model, source.key, fresh)
                fresh = []
                yield from self._partial(metrics, model)
            if not self._left(metrics, model):
                return
            yield None
        if fresh:
            self._memory.keep(model, source.key, fresh)

    def _sampled(self, metrics: Sequence[Metric], model: str, row: Row) -> Iterator[Event]:
        for metric in self._left(metrics, model):
            try:
                sample = metric.sample(row, self._task)
            except Fault as fault:
                yield self._skip(metric, model, str(fault))
                continue
            self._samples[metric.key, model][sample.id] = sample
            yield Sampled(model, metric.key, sample)

    def _partial(self, metrics: Sequence[Metric], model: str) -> Iterator[Event]:
        for metric in self._left(metrics, model):
            done = len(self._samples[metric.key, model])
            yield self._progress(metric, model, done)
            if done == metric.total(self._task.data) or self._is_awaited(metric, model):
                continue
            try:
                measurement = self._measure(metric, model, PARTIAL_RESAMPLES)
            except Fault:
                continue  # not defined yet: PrivLeak before it has texts enough of both splits
            yield Measured(model, metric.key, measurement, final=False)

    def _finish_all(self, metrics: Sequence[Metric], model: str) -> Iterator[Event | None]:
        for metric in self._left(metrics, model):
            while self._is_awaited(metric, model):
                yield None
            yield self._finish(metric, model)

    def _finish(self, metric: Metric, model: str) -> Event:
        try:
            measurement = self._measure(metric, model, self._resamples)
        except Fault as fault:
            return self._skip(metric, model, str(fault))
        self._measured[metric.key, model] = measurement
        return Measured(model, metric.key, measurement, final=True)

    def _measure(self, metric: Metric, model: str, resamples: int) -> Measurement:
        samples = self._in_order(metric, model)
        if not metric.needs_reference:
            return metric.measure(samples, None, self._seed, resamples)
        measured = metric.measure(samples, self._reference(metric), self._seed, resamples)
        return replace(measured, full=self._against_full(metric, samples, resamples))

    def _against_full(
        self, metric: Metric, samples: Sequence[AnySample], resamples: int
    ) -> Against | None:
        full = full_reference(self._full, self._task, self._engine.precision, metric)
        if full is None:
            return None
        try:
            other = metric.measure(samples, full, self._seed, resamples)
        except Fault:
            return None  # of fewer texts, or its AUC is 0: the number against this run stands
        return Against(other.value, other.ci95, full.name)

    def _in_order(self, metric: Metric, model: str) -> tuple[AnySample, ...]:
        found = self._samples[metric.key, model]
        return tuple(found[i] for i in metric.ids(self._task.data) if i in found)

    @property
    def _retrained_key(self) -> str | None:
        retrained = self._family.retrained
        return retrained.key if retrained is not None and retrained in self._specs else None

    def _reference(self, metric: Metric) -> Reference:
        """What a metric is set against; a Fault says why there is nothing."""
        key = self._retrained_key
        if key is None:
            return declared_reference(self._family, metric)
        if reason := self._skipped.get((metric.key, key)):
            raise Fault(
                f"{metric.label} is set against the retrained model, which has no number. {reason}"
            )
        name = f"{key} @ {self._engine.precision}, this run"
        return Reference(name, self._in_order(metric, key))

    def _is_awaited(self, metric: Metric, model: str) -> bool:
        """Whether what a number is set against is still being made."""
        key = self._retrained_key
        if not metric.needs_reference or key in (None, model):
            return False
        return (metric.key, key) not in self._measured and (metric.key, key) not in self._skipped

    def _left(self, metrics: Sequence[Metric], model: str) -> list[Metric]:
        """Those that are not a dash yet."""
        return [metric for metric in metrics if (metric.key, model) not in self._skipped]

    def _skip(self, metric: Metric, model: str, reason: str) -> Skipped:
        self._skipped[metric.key, model] = reason
        return Skipped(model, metric.key, reason)

    def _cost(self, source: Pass) -> float:
        return source.cost * len(source.ids(self._task.data))

    def _progress(self, metric: Metric, model: str, done: int) -> Progress:
        self._done[metric.source.key, model] = done
        costs = {source.key: source.cost for source in self._passes}
        work = sum(costs[source] * rows for (source, _), rows in self._done.items())
        total = metric.total(self._task.data)
        return Progress(model, metric.key, done, total, work / self._work if self._work else 1.0)

    def _results(self, revisions: dict[str, str]) -> Results:
        return Results(
            family=self._family.name,
            device=devices(self._specs, self._engine.device),
            created=datetime.now(UTC).isoformat(timespec="seconds"),
            versions=versions(),
            records=tuple(self._record(spec, revisions[spec.key]) for spec in self._specs),
        )

    def _record(self, spec: ModelSpec, revision: str) -> Record:
        measured = {
            metric.key: self._measured[metric.key, spec.key]
            for metric in self._metrics
            if (metric.key, spec.key) in self._measured
        }
        device = device_of(spec, self._engine.device)
        return Record(
            model=spec.key,
            repo=repo_name(spec),
            revision=revision,
            precision=self._engine.precision,
            profile=self._task.profile.name,
            source="live",
            scale=self._family.scale,
            seed=self._seed,
            data_sha256=self._task.data.sha256,
            metrics=measured,
            step=spec.step,
            compute=compute_name(self._engine.precision, device) or None,
        )


def _ordered(specs: Sequence[ModelSpec], metrics: Sequence[Metric]) -> list[ModelSpec]:
    """The retrained model first where the others are set against it."""
    first = any(metric.needs_reference for metric in metrics)
    return sorted(specs, key=lambda spec: first and not _is_retrained(spec))


def _is_retrained(spec: ModelSpec) -> bool:
    return spec.role == "retrained"
