"""Results as the Precision page reads them, worked out once; pure functions of the results."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

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


@dataclass(frozen=True)
class Reading:
    """`numbers` by precision and cell, all against one reference; `cells` are the recoveries.

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
        """Whether the numbers are recorded or live; empty without results."""
        return self.records[0].source if self.records else ""


def read(family: Family, results: Results | None, metrics: Sequence[Metric] = HEADLINE) -> Reading:
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
    )
