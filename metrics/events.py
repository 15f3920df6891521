"""What a run of the suite reports while it goes on; never how it is shown."""

from dataclasses import dataclass

from metrics.results import AnySample, Measurement, Results


@dataclass(frozen=True)
class Progress:
    """`done` of `total` samples of one metric of one model; `fraction` is of the whole run, 0–1."""

    model: str
    metric: str
    done: int
    total: int
    fraction: float


@dataclass(frozen=True)
class Sampled:
    """One new sample."""

    model: str
    metric: str
    sample: AnySample


@dataclass(frozen=True)
class Measured:
    """The number so far, or the final one of this model and metric."""

    model: str
    metric: str
    measurement: Measurement
    final: bool


@dataclass(frozen=True)
class Recalled:
    """The number that comes next was not measured now but stored at `created` (UTC, ISO 8601)."""

    model: str
    metric: str
    created: str


@dataclass(frozen=True)
class Skipped:
    """This number will not come: a dash, and why."""

    model: str
    metric: str
    reason: str


@dataclass(frozen=True)
class Finished:
    """The last event: all that was measured."""

    results: Results


Event = Progress | Sampled | Measured | Recalled | Skipped | Finished
