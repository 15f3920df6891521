"""What happens on the Precision page: which precisions run here, and a run over all of them."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import gradio as gr

from dashboard.course import follow_course
from dashboard.escape import esc, json_text
from dashboard.panes import notice
from dashboard.precision.course import Course, moved_on
from dashboard.precision.figure import over_precision
from dashboard.precision.measure import Asked, Engines, Offers, Step, measure_all
from dashboard.precision.reading import Reading, read
from dashboard.precision.tables import (
    course_line,
    panels_head,
    precision_list,
    question_card,
    recovery_card,
)
from dashboard.precision.view import Precisions, PrecisionView
from dashboard.precision.words import answer_here
from dashboard.results.shelves import Shelves
from dashboard.run import LOOK_SECONDS, Ticket, Tickets
from loaders.faults import Fault
from loaders.protocol import Engine
from loaders.session import Job, Session
from metrics.inputs.data import Data
from metrics.reading.recovery import BITS
from metrics.store import Store

Updates = dict[Any, Any]


class Offering:
    """Which precisions run here: asked for once, in the session's thread."""

    def __init__(self, session: Session, engines: Engines) -> None:
        self._known: Offers | None = None
        self._job: Job[Offers] = session.submit("offers", lambda engine: _look(engines, engine))

    @property
    def known(self) -> Offers | None:
        """None while the engine is not open; all with the reason where it could not be."""
        try:
            for offers in self._job.drain():
                self._known = offers
        except Fault as fault:
            self._known = dict.fromkeys(BITS, str(fault))
        return self._known


def _look(engines: Engines, engine: Engine) -> Iterator[Offers]:
    yield engines.offers(engine.device)


@dataclass(frozen=True)
class Remeasuring:
    """The events of the Precision page. `tickets` holds the running run of each visitor."""

    session: Session
    data: Data | Fault
    precisions: Precisions
    engines: Engines
    view: PrecisionView
    offering: Offering
    shelves: Shelves
    tickets: Tickets
    clock: Callable[[], float] = time.perf_counter

    async def offers(self) -> AsyncIterator[str]:
        """The list of precisions, again when it is known which run here."""
        while (known := self.offering.known) is None:
            await asyncio.sleep(LOOK_SECONDS)
        yield precision_list(self.precisions.reading, known)

    async def run(self, fresh: bool, request: gr.Request) -> AsyncIterator[Updates]:
        """All precisions, stored numbers first; from the second precision on, what has come takes
        the recorded's place."""
        ticket, course, reading = Ticket(), Course("waiting"), self.precisions.reading
        visitor = str(request.session_hash)
        self.tickets[visitor] = ticket
        shelf, told = await asyncio.to_thread(self.shelves.open, visitor), list[str]()
        try:
            asked = self._asked(shelf.store, told, bool(fresh))
            yield self._line(course, reading) | self._buttons(True) | {self.view.notice: ""}
            async for newer in self._courses(course, asked, ticket):
                shown = {}
                if len(newer.done) > len(course.done) and newer.results:
                    reading = await asyncio.to_thread(self._read, newer)
                    shown = self._shown(reading, newer)
                course = newer
                yield self._line(course, reading) | shown
            course = replace(course, phase="cancelled" if ticket.stopped else "finished")
            ended = self._ended(course, reading, (shelf.fault, *told))
            yield self._line(course, reading) | self._buttons(False) | ended
        except Fault as fault:
            course = replace(course, phase="failed")
            failed = {self.view.notice: notice(str(fault))}
            yield self._line(course, reading) | self._buttons(False) | failed
        finally:
            ticket.stop()
            self.tickets.pop(visitor, None)

    def cancel(self, request: gr.Request) -> None:
        """End this visitor's run; what is measured stays."""
        if (ticket := self.tickets.get(str(request.session_hash))) is not None:
            ticket.stop()

    def _asked(self, store: Store, told: list[str], fresh: bool) -> Asked:
        if isinstance(self.data, Fault):
            raise self.data
        return Asked(self.session.family, self.data, store, told.append, fresh)

    def _read(self, course: Course) -> Reading:
        return read(self.session.family, course.results, stored=course.stored)

    def _courses(self, course: Course, asked: Asked, ticket: Ticket) -> AsyncIterator[Course]:
        engines = self.engines
        job: Job[Step] = self.session.submit(
            "evaluate", lambda engine: measure_all(engine, engines, asked)
        )
        return follow_course(course, job, ticket, moved_on, self.clock)

    def _line(self, course: Course, reading: Reading) -> Updates:
        return {self.view.progress: course_line(course, reading)}

    def _shown(self, reading: Reading, course: Course) -> Updates:
        view, made = self.view, self.precisions
        panels = {
            view.panels[metric.key]: json_text(over_precision(reading, metric))
            for metric in reading.metrics
        }
        return panels | {
            view.question: question_card(reading, made.pairs, made.rates, made.published_leads),
            view.head: panels_head(reading),
            view.precisions: precision_list(reading, self._reasons(course)),
            view.recovery: recovery_card(reading, made.loaded_data),
        }

    def _reasons(self, course: Course) -> Offers:
        """What does not run here, and what failed in this run."""
        return {**(self.offering.known or {}), **course.reasons}

    def _ended(self, course: Course, reading: Reading, kept: Sequence[str]) -> Updates:
        """`kept` is what the store has to say."""
        told = answer_here(reading, self.precisions.rates)
        said = f"Every precision is measured. {told.short} {told.text}"
        if course.phase == "cancelled":
            said = "Cancelled."
        missing = "; ".join(f"{name}: {reason}" for name, reason in course.reasons.items())
        return {
            self.view.announce: f'<p class="sr" aria-live="polite">{esc(said)}</p>',
            self.view.notice: notice(" ".join(part for part in (missing, *kept) if part)),
            self.view.precisions: precision_list(reading, self._reasons(course)),
        }

    def _buttons(self, running: bool) -> Updates:
        return {
            self.view.run: gr.Button(interactive=not running),
            self.view.cancel: gr.Button(interactive=running),
        }
