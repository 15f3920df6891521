"""One piece of work of one visitor on its way through the session: waited for, drained, stopped."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from loaders.session import Job, Session

T = TypeVar("T")
POLL_SECONDS = 0.08
CALM = 6  # visitors that are told that often; more of them are told less often, or telling is all
LOOK_SECONDS = 0.3
SETTLED = ("ready", "failed")
WIDTHS = {"compare": 32}  # visitors whose prompts run at once; an evaluation runs by itself


class Ticket:
    """What Stop holds on to: works before the job exists, while it waits and while it runs."""

    def __init__(self) -> None:
        self.stopped = False
        self._job: Job[Any] | None = None

    def hold(self, job: Job[Any]) -> None:
        """From now on `stop` cancels `job`."""
        self._job = job
        if self.stopped:
            job.cancel()

    def stop(self) -> None:
        """Ask for the end; harmless at any time."""
        self.stopped = True
        if self._job is not None:
            self._job.cancel()


Tickets = dict[str, Ticket]


@dataclass(frozen=True)
class Batch(Generic[T]):
    """What came since the last look, and how many runs of others come first."""

    events: list[T]
    ahead: int


def is_settled(session: Session) -> bool:
    """Whether every model is ready or has failed."""
    states = [session.status(spec.key).state for spec in session.family.models]
    return all(state in SETTLED for state in states)


def may_run(session: Session) -> bool:
    """Whether a prompt need not wait: every model is ready or has failed, or some are ready and the
    others still come from the Hub, which may take long."""
    statuses = [session.status(spec.key) for spec in session.family.models]
    late = [status for status in statuses if status.state not in SETTLED]
    some = any(status.state == "ready" for status in statuses)
    return not late or (some and all(status.note for status in late))


def failed_models(session: Session) -> list[str]:
    """Keys of the models that could not be loaded, and can be tried again."""
    keys = [spec.key for spec in session.family.models] if session.can_load_again else []
    return [key for key in keys if session.status(key).state == "failed"]


def ready_models(session: Session) -> list[str]:
    """Keys of the models that can answer."""
    keys = [spec.key for spec in session.family.models]
    return [key for key in keys if session.status(key).state == "ready"]


async def wait_until_it_may_run(session: Session, ticket: Ticket) -> None:
    """Return when a prompt need not wait, or when the ticket is stopped."""
    while not may_run(session) and not ticket.stopped:
        await asyncio.sleep(POLL_SECONDS)


async def wait_settled(session: Session, ticket: Ticket) -> None:
    """Return when every model is ready or has failed, or when the ticket is stopped."""
    while not is_settled(session) and not ticket.stopped:
        await asyncio.sleep(POLL_SECONDS)


async def follow(job: Job[T], ticket: Ticket) -> AsyncIterator[Batch[T]]:
    """What the job yields, about twelve times a second and less in a crowd, until it is done.

    Raises what the work raised. Whoever follows stops the ticket when leaving early.
    """
    ticket.hold(job)
    while True:
        done = job.done
        events = job.drain()
        yield Batch(events, job.ahead)
        if done and not events:
            return
        await asyncio.sleep(0 if done else POLL_SECONDS * max(1, job.company / CALM))
