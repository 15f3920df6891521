"""Where along a trajectory something happened, read off intervals; pure functions of a reading.

Forgetting goes down for a metric that is best low, and up to zero for one that is best there. A
checkpoint has arrived at Retrained when its 95 % interval meets Retrained's or lies beyond it, and
its text has not collapsed: what no longer writes recites nothing either.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from dashboard.trajectory.reading import Point, Reading
from loaders.family import ModelSpec
from metrics.metric import Metric
from metrics.results import Measurement

Place = Literal["short", "level", "beyond"]


@dataclass(frozen=True)
class Forgetting:
    """How one metric came to Retrained: the checkpoint that first `arrived` there, if one did, and
    where the `last` one stands."""

    metric: Metric
    ruler: Measurement
    arrived: Point | None
    last: Point
    place: Place


@dataclass(frozen=True)
class Loss:
    """How one metric of utility went down from Original's: the checkpoint that `fell` below its
    interval first, if one did; the `lowest` and the `last` one, and whether it came back."""

    metric: Metric
    before: Measurement
    fell: Point | None
    lowest: Point
    last: Point

    @property
    def has_recovered(self) -> bool:
        """Whether the last one is no longer below Original's interval though one was."""
        return self.fell is not None and not is_below(self.last, self.before)


def forgettings(reading: Reading) -> tuple[Forgetting, ...]:
    """Of every metric that forgetting changes and that Retrained has a number of."""
    metrics = [metric for metric in _headline(reading) if metric.best != "high"]
    found = (_forgetting(reading, metric) for metric in metrics)
    return tuple(one for one in found if one is not None)


def _forgetting(reading: Reading, metric: Metric) -> Forgetting | None:
    ruler, curve = _number(reading, reading.family.retrained, metric), reading.curve(metric)
    if ruler is None or not curve:
        return None
    places = [place_of(point, ruler, metric) for point in curve]
    arrived = (
        point
        for point, place in zip(curve, places, strict=True)
        if place != "short" and not reading.sign(point.spec)
    )
    return Forgetting(metric, ruler, next(arrived, None), curve[-1], places[-1])


def place_of(point: Point, ruler: Measurement, metric: Metric) -> Place:
    """Whether a checkpoint falls short of Retrained's interval, meets it or lies beyond it."""
    low, high = ruler.ci95
    above, below = point.low > high, point.high < low
    if not above and not below:
        return "level"
    return "short" if above == (metric.best == "low") else "beyond"


def losses(reading: Reading) -> tuple[Loss, ...]:
    """Of every metric of utility that Original has a number of."""
    metrics = [metric for metric in _headline(reading) if metric.best == "high"]
    found = (_loss(reading, metric) for metric in metrics)
    return tuple(one for one in found if one is not None)


def _loss(reading: Reading, metric: Metric) -> Loss | None:
    before, curve = _number(reading, reading.original, metric), reading.curve(metric)
    if before is None or not curve:
        return None
    fell = next((point for point in curve if is_below(point, before)), None)
    lowest = min(curve, key=lambda point: point.measured.value)
    return Loss(metric, before, fell, lowest, curve[-1])


def is_below(point: Point, before: Measurement) -> bool:
    """Whether a checkpoint's interval lies below the other altogether."""
    return point.high < before.ci95[0]


def forgot_at(found: Sequence[Forgetting]) -> int | None:
    """The step by which every metric has arrived; None where one has not, or there is none."""
    steps = [one.arrived.step for one in found if one.arrived is not None]
    return max(steps) if steps and len(steps) == len(found) else None


def _headline(reading: Reading) -> tuple[Metric, ...]:
    return tuple(metric for metric in reading.metrics if metric.group == "headline")


def _number(reading: Reading, spec: ModelSpec | None, metric: Metric) -> Measurement | None:
    return reading.number(spec, metric) if spec is not None else None
