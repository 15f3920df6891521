"""What a run of metrics has brought so far, as one value that grows by its events; no I/O."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from dashboard.course import LongRun
from dashboard.doing import named_once, under_way
from metrics.events import Event, Finished, Measured, Progress, Recalled, Skipped
from metrics.reading.comparison import Comparisons
from metrics.results import Measurement, Results


@dataclass(frozen=True)
class CellKey:
    """One model's number of one metric."""

    model: str
    metric: str


@dataclass(frozen=True)
class Board(LongRun):
    """The table as data: a measurement or the reason for a dash per cell, and how far the run is.

    `unfinished` names cells whose number is of fewer samples than the run wanted; `stored` says of
    those that were not measured now when they were. `progress` is the latest, `doing` that of each
    model that is asked now. `comparisons` come after the last number.
    `recorded` is set where no run has brought the numbers, and says when they were recorded.
    """

    measurements: Mapping[CellKey, Measurement] = field(default_factory=dict)
    reasons: Mapping[CellKey, str] = field(default_factory=dict)
    unfinished: frozenset[CellKey] = frozenset()
    stored: Mapping[CellKey, str] = field(default_factory=dict)
    progress: Progress | None = None
    doing: tuple[Progress, ...] = ()
    results: Results | None = None
    comparisons: Comparisons | None = None
    recorded: str = ""

    def measurement(self, model: str, metric: str) -> Measurement | None:
        """The number of this model and metric, where there is one."""
        return self.measurements.get(CellKey(model, metric))

    def reason(self, model: str, metric: str) -> str | None:
        """Why there is a dash, where a reason was given."""
        return self.reasons.get(CellKey(model, metric))

    @property
    def fraction(self) -> float:
        return self.progress.fraction if self.progress else 0.0


def updated(board: Board, event: Event) -> Board:
    """`board` after `event`."""
    if isinstance(event, Progress):
        now = named_once(board.progress, event)
        return replace(board, phase="running", progress=now, doing=under_way(board.doing, now))
    if isinstance(event, Measured):
        key = CellKey(event.model, event.metric)
        unfinished = board.unfinished - {key} if event.final else board.unfinished | {key}
        measurements = {**board.measurements, key: event.measurement}
        return replace(board, measurements=measurements, unfinished=unfinished)
    if isinstance(event, Recalled):
        stored = {**board.stored, CellKey(event.model, event.metric): event.created}
        return replace(board, stored=stored)
    if isinstance(event, Skipped):
        reasons = {**board.reasons, CellKey(event.model, event.metric): event.reason}
        return replace(board, reasons=reasons)
    if isinstance(event, Finished):
        return replace(board, phase="testing", results=event.results)
    return board
