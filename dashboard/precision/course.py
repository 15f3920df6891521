"""How far a run over the precisions is, as one value that grows by its steps; no I/O."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from dashboard.board import CellKey
from dashboard.course import LongRun
from dashboard.doing import named_once, under_way
from dashboard.precision.measure import Began, Done, Failed, Loading, Moved, Step
from metrics.events import Progress
from metrics.results import Results, merge


@dataclass(frozen=True)
class Course(LongRun):
    """`now` is the precision that is being measured; `reasons` are of those that could not be."""

    precisions: tuple[str, ...] = ()
    now: str = ""
    progress: Progress | None = None
    doing: tuple[Progress, ...] = ()
    done: tuple[Done, ...] = ()
    reasons: Mapping[str, str] = field(default_factory=dict)

    @property
    def fraction(self) -> float:
        """Of all precisions, 0–1."""
        if not self.precisions:
            return 0.0
        within = self.progress.fraction if self.progress else 0.0
        return min(1.0, (len(self.done) + len(self.reasons) + within) / len(self.precisions))

    @property
    def results(self) -> Results | None:
        """All that is measured, once there are two precisions to set side by side."""
        return merge([one.results for one in self.done]) if len(self.done) > 1 else None

    @property
    def stored(self) -> Mapping[str, Mapping[CellKey, str]]:
        """By precision which numbers were not measured now, and when they were."""
        return {one.precision: one.stored for one in self.done}


def moved_on(course: Course, step: Step) -> Course:
    """`course` after `step`."""
    if isinstance(step, Began):
        return replace(course, phase="running", precisions=step.precisions)
    if isinstance(step, Loading):
        return replace(course, now=step.precision, progress=None, doing=())
    if isinstance(step, Moved):
        now = named_once(course.progress, step.progress)
        return replace(course, progress=now, doing=under_way(course.doing, now))
    if isinstance(step, Failed):
        return replace(
            course, progress=None, doing=(), reasons={**course.reasons, step.precision: step.reason}
        )
    if isinstance(step, Done):
        return replace(
            course, now=step.precision, progress=None, doing=(), done=(*course.done, step)
        )
    return course
