"""A made-up trajectory of three checkpoints with round numbers, for tests of what is made of it."""

from collections.abc import Mapping
from dataclasses import replace

from dashboard.board import CellKey
from dashboard.trajectory.reading import Reading
from loaders import Family, ModelSpec
from metrics import HEADLINE, Measurement
from metrics.results import Record
from tests.stage import staged_family

STEPS = (10, 20, 30)
Values = Mapping[str, tuple[float, ...]]

# Original and Retrained, then the three checkpoints; half an interval is 2, of fluency 0.02.
VALUES: Values = {
    "verbmem_f": (90.0, 14.0, 60.0, 17.0, 16.0),
    "knowmem_f": (95.0, 0.0, 40.0, 1.0, 0.0),
    "privleak": (-99.0, 0.0, -80.0, -50.0, -1.0),
    "knowmem_r": (98.0, 97.0, 96.0, 40.0, 60.0),
    "fluency": (0.97, 0.95, 0.96, 0.94, 0.96),
}


def stepped_family() -> Family:
    """The staged family's Original and Retrained, and checkpoints after 10, 20 and 30 steps."""
    family = staged_family()
    original, retrained, npo, *_ = family.models
    return replace(family, models=(original, retrained, *(_stage(npo, step) for step in STEPS)))


def _stage(npo: ModelSpec, step: int) -> ModelSpec:
    key, label = f"step-{step}", f"step {step}"
    return replace(npo, key=key, label=label, letter=str(step // 10), step=step)


def made_reading(values: Values = VALUES, done: int = len(STEPS)) -> Reading:
    """What those values are read as when so many of the checkpoints are measured."""
    family = stepped_family()
    specs = [spec for spec in family.models if (spec.step or 0) <= 10 * done]
    places = {spec.key: place for place, spec in enumerate(family.models)}
    numbers = {
        CellKey(spec.key, key): measured(of_models[places[spec.key]], _half(of_models))
        for key, of_models in values.items()
        for spec in specs
    }
    return Reading(
        family=family,
        metrics=HEADLINE,
        numbers=numbers,
        records={spec.key: record(spec) for spec in specs},
        device="cpu",
    )


def _half(of_models: tuple[float, ...]) -> float:
    return 2.0 if max(map(abs, of_models)) > 1 else 0.02


def measured(value: float, half: float = 2.0) -> Measurement:
    """A number and its interval; a Retrained at 0 is there to the last sample."""
    half = half if value else 0.0
    return Measurement(value, (value - half, value + half), 20, ())


def record(spec: ModelSpec) -> Record:
    """What is known of a model that is done, its numbers apart."""
    return Record(
        model=spec.key,
        repo=f"models/{spec.key}",
        revision=f"sha256:{spec.letter * 12}",
        precision="nf4",
        profile="muse",
        source="live",
        scale="toy",
        seed=0,
        data_sha256="ab" * 32,
        metrics={},
        step=spec.step,
    )
