"""Results as the Precision page reads them, worked out once; pure functions of the results."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from dashboard.board import CellKey
from loaders.family import Family, ModelSpec
from metrics.metric import Metric
from metrics.reading.recovery import (
    Dash,
    Recovery,
    Verdict,
    full_precision,
    judge,
    list_precisions,
    measured_at,
    recover,
)
from metrics.registry import HEADLINE
from metrics.results import Measurement, Record, Results
from metrics.store.records import say_date, say_stored


@dataclass(frozen=True)
class Reading:
    """`numbers` by precision and cell, all against one reference; `cells` are the recoveries.
    `stored` says of numbers that were not measured now when they were.

    Without results everything is empty and the verdict unknown.
    """

    family: Family
    metrics: tuple[Metric, ...]
    results: Results | None
    full: str
    precisions: tuple[str, ...]
    numbers: Mapping[str, Mapping[CellKey, Measurement]]
    cells: tuple[Recovery | Dash, ...]
    verdict: Verdict
    stored: Mapping[str, Mapping[CellKey, str]] = field(default_factory=dict)

    def number(self, spec: ModelSpec, metric: Metric, precision: str) -> Measurement | None:
        """One model's number at one precision, where there is one."""
        return self.numbers.get(precision, {}).get(CellKey(spec.key, metric.key))

    def cell(self, spec: ModelSpec, metric: Metric, precision: str) -> Recovery | Dash | None:
        """The recovery, or why there is none."""
        wanted = (spec.key, metric.key, precision)
        return next((c for c in self.cells if (c.model, c.metric, c.precision) == wanted), None)

    @property
    def others(self) -> tuple[str, ...]:
        """The precisions that are set against the full one."""
        return tuple(name for name in self.precisions if name != self.full)

    @property
    def unlearned(self) -> tuple[ModelSpec, ...]:
        """The models that the question is about."""
        return tuple(spec for spec in self.family.models if spec.role == "unlearned")

    @property
    def records(self) -> tuple[Record, ...]:
        """Every model at every precision."""
        return self.results.records if self.results else ()

    @property
    def source(self) -> str:
        """Whether the numbers are recorded, live or stored; empty without results."""
        if not self.records:
            return ""
        new = any(self._has_new(precision) for precision in self.precisions)
        old = any(self.stored.values())
        return " and ".join([self.records[0].source] * new + ["stored"] * old)

    def told(self, precision: str) -> str:
        """Where the numbers of one precision come from: "measured, live", or "stored, 2026-11-24
        14:03 UTC", or "measured, live; 3 of 20 stored, 2026-11-24 14:03 UTC"."""
        dates = self.stored.get(precision)
        if dates and not self._has_new(precision):
            return say_stored(max(dates.values()))
        said = f"measured, {self.records[0].source}"
        if not dates:
            return said
        share = f"{len(dates)} of {len(self.numbers[precision])} stored"
        return f"{said}; {share}, {say_date(max(dates.values()))}"

    def _has_new(self, precision: str) -> bool:
        """Whether any number of a precision was not stored before."""
        return len(self.stored.get(precision, ())) < len(self.numbers[precision])


def read(
    family: Family,
    results: Results | None,
    metrics: Sequence[Metric] = HEADLINE,
    stored: Mapping[str, Mapping[CellKey, str]] | None = None,
) -> Reading:
    """Work everything out; takes some tenths of a second for a family of five models."""
    if results is None:
        return Reading(family, tuple(metrics), None, "", (), {}, (), Verdict("unknown", ()))
    precisions = list_precisions(results)
    numbers = {
        precision: {
            CellKey(spec.key, metric.key): measured
            for spec in family.models
            for metric in metrics
            if (measured := measured_at(results, family, spec.key, precision, metric)) is not None
        }
        for precision in precisions
    }
    cells = recover(results, family, metrics)
    return Reading(
        family=family,
        metrics=tuple(metrics),
        results=results,
        full=full_precision(results) or "",
        precisions=precisions,
        numbers=numbers,
        cells=cells,
        verdict=judge(cells, metrics),
        stored=stored or {},
    )
