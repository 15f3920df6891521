"""A trajectory as the page reads it, worked out once; pure functions of what was measured."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from dashboard.board import CellKey
from dashboard.trajectory.course import Course
from loaders.family import Family, ModelSpec
from loaders.trajectory import list_checkpoints
from metrics.formulas.collapse import flag_record
from metrics.metric import Metric
from metrics.registry import HEADLINE
from metrics.results import Measurement, Record


@dataclass(frozen=True)
class Point:
    """One checkpoint's number."""

    spec: ModelSpec
    step: int
    measured: Measurement

    @property
    def low(self) -> float:
        """The lower end of its interval."""
        return self.measured.ci95[0]

    @property
    def high(self) -> float:
        """The upper end of its interval."""
        return self.measured.ci95[1]


@dataclass(frozen=True)
class Reading:
    """Final numbers by cell, and what is known of the models they are of.

    `stored` says of numbers that were not measured now when they were, `reasons` why there is a
    dash, and `signs` by which a model that is done has collapsed: "" for one that writes.
    """

    family: Family
    metrics: tuple[Metric, ...] = HEADLINE
    numbers: Mapping[CellKey, Measurement] = field(default_factory=dict)
    reasons: Mapping[CellKey, str] = field(default_factory=dict)
    stored: Mapping[CellKey, str] = field(default_factory=dict)
    records: Mapping[str, Record] = field(default_factory=dict)
    signs: Mapping[str, str] = field(default_factory=dict)
    device: str = ""

    def number(self, spec: ModelSpec, metric: Metric) -> Measurement | None:
        """One model's number, where there is one."""
        return self.numbers.get(CellKey(spec.key, metric.key))

    def curve(self, metric: Metric) -> tuple[Point, ...]:
        """The checkpoints that have a number, by their steps."""
        found = [(spec, self.number(spec, metric)) for spec in self.checkpoints]
        return tuple(Point(s, s.step or 0, one) for s, one in found if one is not None)

    @property
    def checkpoints(self) -> tuple[ModelSpec, ...]:
        """All stages, measured or not, by their steps."""
        return list_checkpoints(self.family)

    @property
    def references(self) -> tuple[ModelSpec, ...]:
        """The models that the stages are read against."""
        return tuple(spec for spec in self.family.models if spec.step is None)

    @property
    def original(self) -> ModelSpec | None:
        """What training began with, where the family has it."""
        return next((spec for spec in self.references if spec.role == "original"), None)

    @property
    def measured(self) -> tuple[ModelSpec, ...]:
        """The stages that are done."""
        return tuple(spec for spec in self.checkpoints if spec.key in self.records)

    def sign(self, spec: ModelSpec) -> str:
        """By what a model's text has collapsed; "" for one that writes or is not done."""
        return self.signs.get(spec.key, "")

    @property
    def precision(self) -> str:
        """At which all of it was measured; empty before."""
        return next((record.precision for record in self.records.values()), "")

    @property
    def sources(self) -> tuple[str, ...]:
        """ "live" and "stored", whichever of the two numbers are."""
        live = any(key not in self.stored for key in self.numbers)
        kept = any(key in self.stored for key in self.numbers)
        return (*(("live",) if live else ()), *(("stored",) if kept else ()))


def read(
    family: Family,
    course: Course,
    metrics: Sequence[Metric] = HEADLINE,
    before: Reading | None = None,
) -> Reading:
    """What `course` has brought so far of `metrics`. Signs of collapse that were found `before` are
    not looked for again: it takes a tenth of a second for a model."""
    return Reading(
        family=family,
        metrics=tuple(metrics),
        numbers=course.finals,
        reasons=course.board.reasons,
        stored=course.board.stored,
        records=course.records,
        signs=_signs(family, course.records, before.signs if before else {}),
        device=course.device,
    )


def _signs(
    family: Family, records: Mapping[str, Record], known: Mapping[str, str]
) -> Mapping[str, str]:
    ruler = records.get(family.retrained.key) if family.retrained is not None else None
    fresh = {key: record for key, record in records.items() if key not in known}
    return {**known, **{key: flag_record(record, ruler) for key, record in fresh.items()}}
