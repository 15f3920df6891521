"""Runs metrics over models, one event after the other; never owns a thread and shows nothing."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from platform import python_version

from loaders.checkpoint import repo_name, revision
from loaders.family import Family, ModelSpec
from loaders.faults import Fault
from loaders.protocol import Engine
from metrics.data import Data
from metrics.events import Event, Finished, Measured, Progress, Sampled, Skipped
from metrics.metric import Metric, Reference
from metrics.registry import choose
from metrics.results import AnySample, Measurement, Record, Results
from metrics.statistics import RESAMPLES

PROFILE = "muse"
PACKAGES = ("torch", "transformers", "bitsandbytes", "rouge-score", "numpy")


def run(
    engine: Engine,
    family: Family,
    data: Data,
    *,
    models: Sequence[str] | None = None,
    metrics: Sequence[str] | None = None,
    seed: int = 0,
    resamples: int = RESAMPLES,
) -> Iterator[Event | None]:
    """Every metric of every model, metric by metric; None at the end of every step of the engine.

    `models` and `metrics` are keys, all for None. Numbers come with Measured, partial ones after
    every step that brought samples. A Fault in one metric of one model becomes Skipped and the
    run goes on; a key that does not exist is a Fault before the first step. The last event is
    Finished; closing the iterator before that stops the engine.
    """
    specs = chosen_models(family, models)
    suite = _Suite(engine, family, data, specs, choose(metrics), seed, resamples)
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
        family: Family,
        data: Data,
        specs: Sequence[ModelSpec],
        metrics: Sequence[Metric],
        seed: int,
        resamples: int,
    ) -> None:
        self._engine = engine
        self._family = family
        self._data = data
        self._specs = specs
        self._metrics = metrics
        self._seed = seed
        self._resamples = resamples
        self._samples: dict[tuple[str, str], tuple[AnySample, ...]] = {}
        self._measured: dict[tuple[str, str], Measurement] = {}
        self._skipped: dict[tuple[str, str], str] = {}
        self._work_done = 0.0
        self._work = sum(self._cost(metric) * metric.total(data) for metric in metrics)
        self._work *= len(specs)

    def events(self) -> Iterator[Event | None]:
        revisions = {spec.key: revision(spec) for spec in self._specs}
        for metric in self._metrics:
            for spec in self._ordered(metric):
                yield from self._cell(metric, spec.key)
        yield Finished(self._results(revisions))

    def _ordered(self, metric: Metric) -> list[ModelSpec]:
        """The retrained model first where the others are set against it."""
        return sorted(
            self._specs, key=lambda spec: metric.needs_reference and spec.role != "retrained"
        )

    def _cell(self, metric: Metric, model: str) -> Iterator[Event | None]:
        """One metric of one model, from its first event to its number or its dash."""
        yield self._progress(metric, model, 0)
        try:
            self._check(metric, model)
            yield from self._collect(metric, model)
            measurement = self._measure(metric, model)
        except Fault as fault:
            self._skipped[metric.key, model] = str(fault)
            yield Skipped(model, metric.key, str(fault))
        else:
            self._measured[metric.key, model] = measurement
            yield Measured(model, metric.key, measurement, final=True)
        self._work_done += self._cost(metric) * metric.total(self._data)

    def _check(self, metric: Metric, model: str) -> None:
        status, label = self._engine.status(model), self._family.model(model).label
        if status.state == "failed":
            raise Fault(f"{label} could not be loaded: {status.reason}")
        if status.state != "ready":
            raise Fault(f"{label} is {status.state}; measure it when it is ready.")
        if metric.needs_reference:
            self._check_reference(metric, model)

    def _check_reference(self, metric: Metric, model: str) -> None:
        retrained = self._family.retrained
        if retrained is None:
            raise Fault(
                f"{metric.label} is set against a retrained model, and the family "
                f"{self._family.name} has none."
            )
        if retrained not in self._specs:
            raise Fault(
                f"{metric.label} is set against the retrained model of the same run; "
                f"add {retrained.key!r} to the models."
            )
        reason = self._skipped.get((metric.key, retrained.key))
        if reason is not None and model != retrained.key:
            raise Fault(
                f"{metric.label} is set against the retrained model, which has no number. {reason}"
            )

    def _collect(self, metric: Metric, model: str) -> Iterator[Event | None]:
        """Samples and partial numbers; leaves the samples, in data order, in `_samples`."""
        ids = metric.ids(self._data)
        found: dict[str, AnySample] = {}
        shown = 0
        for sample in self._source(metric, model):
            if sample is not None:
                found[sample.id] = sample
                yield Sampled(model, metric.key, sample)
                continue
            if len(found) > shown:
                shown = len(found)
                self._samples[metric.key, model] = tuple(found[i] for i in ids if i in found)
                yield from self._partial(metric, model)
            yield None
        self._samples[metric.key, model] = tuple(found[i] for i in ids if i in found)

    def _source(self, metric: Metric, model: str) -> Iterator[AnySample | None]:
        """Samples derived from another metric's where those are there, else made by the engine."""
        source = self._measured.get((metric.derived_from or "", model))
        if source is not None and metric.derive is not None:
            return metric.derive(source.samples)
        return metric.run(self._engine, model, self._family, self._data)

    def _partial(self, metric: Metric, model: str) -> Iterator[Event]:
        done = len(self._samples[metric.key, model])
        yield self._progress(metric, model, done)
        if done == metric.total(self._data):
            return
        try:
            measurement = self._measure(metric, model)
        except Fault:
            return  # not defined yet: PrivLeak before it has texts enough of both splits
        yield Measured(model, metric.key, measurement, final=False)

    def _measure(self, metric: Metric, model: str) -> Measurement:
        samples = self._samples[metric.key, model]
        reference = self._reference(metric) if metric.needs_reference else None
        return metric.measure(samples, reference, self._seed, self._resamples)

    def _reference(self, metric: Metric) -> Reference | None:
        retrained = self._family.retrained
        if retrained is None:
            return None
        name = f"{retrained.key} @ {self._engine.precision}, this run"
        return Reference(name, self._samples[metric.key, retrained.key])

    def _cost(self, metric: Metric) -> float:
        """Derived samples are free."""
        derived = any(metric.derived_from == other.key for other in self._metrics)
        return 0.0 if derived else metric.cost

    def _progress(self, metric: Metric, model: str, done: int) -> Progress:
        work = self._work_done + self._cost(metric) * done
        return Progress(model, metric.key, done, metric.total(self._data), work / self._work)

    def _results(self, revisions: dict[str, str]) -> Results:
        return Results(
            family=self._family.name,
            device=self._engine.device,
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
        return Record(
            model=spec.key,
            repo=repo_name(spec),
            revision=revision,
            precision=self._engine.precision,
            profile=PROFILE,
            source="live",
            scale=self._family.scale,
            seed=self._seed,
            data_sha256=self._data.sha256,
            metrics=measured,
        )


def versions() -> dict[str, str]:
    """Versions of Python and of the packages that numbers depend on, those that are installed."""
    found = {"python": python_version()}
    for package in PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found
