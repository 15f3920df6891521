"""What happens on the Metrics page: a run of the suite, its end, and the samples behind a cell."""

import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, replace
from typing import Any

import gradio as gr

from dashboard.board import Board, CellKey, updated
from dashboard.escape import json_text
from dashboard.facts import Facts
from dashboard.figures import bars, scatter
from dashboard.layout import MetricsView
from dashboard.panes import notice
from dashboard.run import Ticket, Tickets, follow, wait_settled
from dashboard.samples import drill_down
from dashboard.tables import metrics_table, progress
from loaders.faults import Fault
from loaders.session import Job, Session
from metrics.data import Data
from metrics.events import Event
from metrics.registry import HEADLINE, find_metric
from metrics.suite import run as run_suite

Updates = dict[Any, Any]


@dataclass(frozen=True)
class Measuring:
    """The events of the Metrics page. `tickets` holds the running run of each visitor."""

    session: Session
    data: Data | Fault
    facts: Facts
    view: MetricsView
    tickets: Tickets
    clock: Callable[[], float] = time.perf_counter

    async def run(self, request: gr.Request) -> AsyncIterator[Updates]:
        """The whole suite; numbers stay when it is cancelled."""
        ticket = Ticket()
        visitor = str(request.session_hash)
        self.tickets[visitor] = ticket
        board = Board("waiting")
        try:
            yield self._shown(board) | self._buttons(running=True) | {self.view.notice: ""}
            async for newer in self._boards(board, ticket):
                board = newer
                yield self._shown(board)
            if board.phase != "finished":
                board = replace(board, phase="cancelled")
            said = (
                f"The metrics run has {board.phase}" if board.phase == "finished" else "Cancelled"
            )
            yield self._shown(board) | self._buttons(running=False) | self._announced(said)
        except Fault as fault:
            board = replace(board, phase="failed")
            failed = {self.view.notice: notice(str(fault))}
            yield self._shown(board) | self._buttons(running=False) | failed
        finally:
            ticket.stop()
            self.tickets.pop(visitor, None)

    def cancel(self, request: gr.Request) -> None:
        """End this visitor's run."""
        if (ticket := self.tickets.get(str(request.session_hash))) is not None:
            ticket.stop()

    def open_samples(self, board: Board, event: gr.EventData) -> str:
        """The samples behind the cell that was pressed."""
        key = CellKey(str(event.model), str(event.metric))
        if board.measurement(key.model, key.metric) is None:
            return ""
        return drill_down(self.session.family, find_metric(key.metric), board, key)

    def close_samples(self) -> str:
        """Put the samples away."""
        return ""

    async def _boards(self, board: Board, ticket: Ticket) -> AsyncIterator[Board]:
        if isinstance(self.data, Fault):
            raise self.data
        data, family = self.data, self.session.family
        await wait_settled(self.session, ticket)
        if ticket.stopped:
            return
        started = self.clock()
        job: Job[Event] = self.session.submit(
            "evaluate", lambda engine: run_suite(engine, family, data)
        )
        async for batch in follow(job, ticket):
            before = board
            if batch.ahead:
                board, started = replace(board, ahead=batch.ahead), self.clock()
            for event in batch.events:
                board = updated(board, event)
            if board != before:
                board = replace(board, seconds=self.clock() - started)
                yield board

    def _shown(self, board: Board) -> Updates:
        family = self.session.family
        forget, utility = find_metric("verbmem_f"), find_metric("knowmem_r")
        return {
            self.view.board: board,
            self.view.progress: progress(family, HEADLINE, board),
            self.view.table: metrics_table(self.facts.provenance, HEADLINE, board),
            self.view.bars: json_text(bars(family, board, HEADLINE)),
            self.view.scatter: json_text(scatter(family, board, forget, utility)),
        }

    def _announced(self, text: str) -> Updates:
        return {self.view.announce: f'<p class="sr" aria-live="polite">{text}.</p>'}

    def _buttons(self, running: bool) -> Updates:
        return {
            self.view.run: gr.Button(interactive=not running),
            self.view.cancel: gr.Button(interactive=running),
        }
