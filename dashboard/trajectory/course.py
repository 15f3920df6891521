"""How far a run over the checkpoints is, as one value that grows by its steps; no I/O."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from dashboard.board import Board, CellKey, updated
from dashboard.course import LongRun
from dashboard.doing import named_once, under_way
from dashboard.trajectory.measure import Stage, Step
from metrics.events import Finished, Progress, Recalled
from metrics.results import Measurement, Record


@dataclass(frozen=True)
class Course(LongRun):
    """`board` holds what has come, `records` say of each model that is done what it is, and
    `device` where it ran."""

    board: Board = field(default_factory=Board)
    records: Mapping[str, Record] = field(default_factory=dict)
    device: str = ""
    stage: Stage | None = None
    progress: Progress | None = None
    doing: tuple[Progress, ...] = ()

    @property
    def finals(self) -> Mapping[CellKey, Measurement]:
        """The numbers that are of all samples."""
        board = self.board
        return {key: m for key, m in board.measurements.items() if key not in board.unfinished}

    @property
    def fraction(self) -> float:
        """Of all stages, 0–1."""
        if self.stage is None:
            return 0.0
        within = self.progress.fraction if self.progress else 0.0
        return min(1.0, (self.stage.place + within) / self.stage.total)


def moved_on(course: Course, step: Step) -> Course:
    """`course` after `step`."""
    if isinstance(step, Stage):
        return replace(course, phase="running", stage=step, progress=None, doing=())
    if isinstance(step, Progress):
        now = named_once(course.progress, step)
        return replace(course, progress=now, doing=under_way(course.doing, now))
    if isinstance(step, Finished):
        records = {record.model: record for record in step.results.records}
        return replace(course, records={**course.records, **records}, device=step.results.device)
    if isinstance(step, Recalled) and _came_live(course, CellKey(step.model, step.metric)):
        return course
    return replace(course, board=updated(course.board, step))


def _came_live(course: Course, key: CellKey) -> bool:
    """Whether a number was measured in this very run: a later stage finds it stored."""
    return key in course.finals and key not in course.board.stored
