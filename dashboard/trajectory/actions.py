"""What happens on the Trajectory page: a run over all checkpoints, and one more metric picked."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any

import gradio as gr

from dashboard.board import Board, CellKey
from dashboard.course import follow_course
from dashboard.escape import esc, json_text
from dashboard.order import find_full
from dashboard.panes import notice
from dashboard.results.shelves import Shelf, Shelves
from dashboard.run import Ticket, Tickets
from dashboard.samples import drill_down
from dashboard.trajectory.course import Course, moved_on
from dashboard.trajectory.figure import over_steps
from dashboard.trajectory.measure import Asked, Step, Trajectory, measure_all
from dashboard.trajectory.reading import Reading, read
from dashboard.trajectory.tables import (
    course_line,
    curves_head,
    other_about,
    question_card,
    steps_table,
)
from dashboard.trajectory.view import TrajectoryView
from dashboard.trajectory.words import answer_cost, answer_forgotten
from loaders.faults import Fault
from loaders.protocol import Engine
from loaders.session import Job, Session
from metrics.formulas.phrasing import PHRASING
from metrics.inputs.data import Data
from metrics.metric import Metric
from metrics.registry import HEADLINE, find_metric

Updates = dict[Any, Any]


@dataclass(frozen=True)
class Run:
    """One run of one visitor: what is asked for, where it is kept, and what `told` said of that."""

    metrics: tuple[Metric, ...]
    shelf: Shelf
    ticket: Ticket = field(default_factory=Ticket)
    told: list[str] = field(default_factory=list)

    @property
    def notice(self) -> str:
        """What the store has to say."""
        return " ".join(said for said in (self.shelf.fault, *self.told) if said)


@dataclass(frozen=True)
class Following:
    """The events of the Trajectory page. `tickets` holds the running run of each visitor."""

    session: Session
    data: Data | Fault
    trajectory: Trajectory
    view: TrajectoryView
    shelves: Shelves
    tickets: Tickets
    clock: Callable[[], float] = time.perf_counter

    async def run(self, other: str, request: gr.Request) -> AsyncIterator[Updates]:
        """The headline and one more metric of every model; numbers stay when it is cancelled."""
        visitor, course = str(request.session_hash), Course("waiting")
        run = Run(_chosen(other), await asyncio.to_thread(self.shelves.open, visitor))
        reading = Reading(self.trajectory.family, run.metrics)
        self.tickets[visitor] = run.ticket
        try:
            yield self._line(course, reading) | self._buttons(True) | {self.view.notice: ""}
            async for newer in self._courses(course, run):
                course = newer
                if not _brings_numbers(course, reading):
                    yield self._line(course, reading)
                    continue
                reading = await asyncio.to_thread(self._read, course, run, reading)
                yield self._shown(course, reading)
            course = replace(course, phase="cancelled" if run.ticket.stopped else "finished")
            yield self._line(course, reading) | self._ended(course, reading, run)
        except Fault as fault:
            course = replace(course, phase="failed")
            failed = {self.view.notice: notice(str(fault))}
            yield self._line(course, reading) | self._buttons(False) | failed
        finally:
            run.ticket.stop()
            self.tickets.pop(visitor, None)

    def cancel(self, request: gr.Request) -> None:
        """End this visitor's run; what is measured stays."""
        if (ticket := self.tickets.get(str(request.session_hash))) is not None:
            ticket.stop()

    def pick(self, other: str, known: Reading) -> Updates:
        """One more metric: what has come of it is shown, and the next run measures it."""
        reading = replace(known, metrics=_chosen(other))
        return self._another(reading) | {self.view.table: steps_table(reading)}

    def open_samples(self, known: Reading, event: gr.EventData) -> str:
        """The samples behind the number that was pressed, beside the references'."""
        key = CellKey(str(event.model), str(event.metric))
        if key not in known.numbers:
            return ""
        models = known.family.models
        beside = tuple(spec for spec in models if spec.step is None or spec.key == key.model)
        family, board = replace(known.family, models=beside), Board(measurements=known.numbers)
        return drill_down(family, find_metric(key.metric), board, key)

    def close_samples(self) -> str:
        """Put the samples away."""
        return ""

    def _courses(self, course: Course, run: Run) -> AsyncIterator[Course]:
        job: Job[Step] = self.session.submit("evaluate", self._work(run))
        return follow_course(course, job, run.ticket, moved_on, self.clock)

    def _work(self, run: Run) -> Callable[[Engine], Iterator[Step | None]]:
        if isinstance(self.data, Fault):
            raise self.data
        data, trajectory, store = self.data, self.trajectory, run.shelf.store
        keys = [metric.key for metric in (*run.metrics, PHRASING)]  # of VerbMem's own answers

        def work(engine: Engine) -> Iterator[Step | None]:
            full = find_full(store, trajectory.family, data)
            asked = Asked(data, keys, store, run.told.append, full)
            yield from measure_all(engine, trajectory, asked)

        return work

    def _read(self, course: Course, run: Run, before: Reading) -> Reading:
        return read(self.trajectory.family, course, run.metrics, before)

    def _line(self, course: Course, reading: Reading) -> Updates:
        return {self.view.progress: course_line(course, reading)}

    def _shown(self, course: Course, reading: Reading) -> Updates:
        view = self.view
        panels = {
            view.panels[metric.key]: json_text(over_steps(reading, metric)) for metric in HEADLINE
        }
        words = {
            view.reading: reading,
            view.question: question_card(reading),
            view.head: curves_head(reading),
            view.table: steps_table(reading),
        }
        return self._line(course, reading) | panels | words | self._another(reading)

    def _another(self, reading: Reading) -> Updates:
        rest = [metric for metric in reading.metrics if metric not in HEADLINE]
        other = rest[0] if rest else None
        return {
            self.view.about: other_about(other),
            self.view.another: json_text(over_steps(reading, other)),
        }

    def _ended(self, course: Course, reading: Reading, run: Run) -> Updates:
        answers = (answer_forgotten(reading), answer_cost(reading))
        said = "Every checkpoint is measured. " + " ".join(answer.short for answer in answers)
        if course.phase == "cancelled":
            said = "Cancelled."
        return self._buttons(False) | {
            self.view.announce: f'<p class="sr" aria-live="polite">{esc(said)}</p>',
            self.view.notice: notice(run.notice),
        }

    def _buttons(self, running: bool) -> Updates:
        return {
            self.view.run: gr.Button(interactive=not running),
            self.view.cancel: gr.Button(interactive=running),
            self.view.other: gr.Dropdown(interactive=not running),
        }


def _brings_numbers(course: Course, reading: Reading) -> bool:
    """Whether a number, a dash or the end of a model has come since."""
    news = (course.finals, reading.numbers), (course.board.reasons, reading.reasons)
    return any(len(new) != len(old) for new, old in (*news, (course.records, reading.records)))


def _chosen(other: str) -> tuple[Metric, ...]:
    """The headline, and the one more that is picked."""
    return (*HEADLINE, *((find_metric(other),) if other else ()))
