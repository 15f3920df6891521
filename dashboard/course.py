"""How far a long run is: followed through the session and said in one line; measures nothing."""

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field, replace
from typing import Literal, TypeVar

from dashboard.escape import esc
from dashboard.labels import duration
from dashboard.run import Ticket, follow
from loaders.session import Job

Phase = Literal["idle", "waiting", "running", "testing", "finished", "cancelled", "failed"]


@dataclass(frozen=True)
class LongRun:
    """A run as one value that grows by its steps; `ahead` is how many others come first."""

    phase: Phase = "idle"
    seconds: float = field(default=0.0, kw_only=True)
    ahead: int = field(default=0, kw_only=True)

    @property
    def is_running(self) -> bool:
        """Whether more is to come."""
        return self.phase in ("waiting", "running")

    @property
    def fraction(self) -> float:
        """Of all that is to be done, 0–1."""
        return 0.0

    @property
    def seconds_left(self) -> float | None:
        """By the share done so far, as if the rest took as long; None while that is small."""
        fraction = self.fraction
        return self.seconds * (1 - fraction) / fraction if fraction >= 0.02 else None


OneCourse = TypeVar("OneCourse", bound=LongRun)
Step = TypeVar("Step")


async def follow_course(
    course: OneCourse,
    job: Job[Step],
    ticket: Ticket,
    moved_on: Callable[[OneCourse, Step], OneCourse],
    clock: Callable[[], float],
) -> AsyncIterator[OneCourse]:
    """The course after every look at the job that brought something; waiting takes no time."""
    started = clock()
    async for batch in follow(job, ticket):
        before = course
        if batch.ahead:
            course, started = replace(course, ahead=batch.ahead), clock()
        for step in batch.events:
            course = moved_on(course, step)
        if course != before:
            course = replace(course, seconds=clock() - started)
            yield course


def line(course: LongRun, doing: str, label: str) -> str:
    """Where the run is, in one line: `doing` is HTML, `label` what the bar is called."""
    left = course.seconds_left
    time_left = f"{duration(left)} left" if course.is_running and left is not None else ""
    share = 1.0 if course.phase in ("testing", "finished") else course.fraction
    return (
        f'<div class="progress" data-phase="{course.phase}"><p>{doing}</p>'
        f'<div class="track" role="progressbar" aria-label="{esc(label)}" '
        f'aria-valuemin="0" aria-valuemax="100" aria-valuenow="{100 * share:.0f}">'
        f'<i style="width:{100 * share:.1f}%"></i></div>'
        f'<p class="left">{time_left}</p></div>'
    )
