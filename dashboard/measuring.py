"""What happens on the Metrics page: a run of the suite, its end, and the samples behind a cell."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import gradio as gr

from dashboard.board import Board, CellKey, updated
from dashboard.escape import json_text
from dashboard.facts import Facts
from dashboard.figures import bars, scatter
from dashboard.metrics_page import MetricsView
from dashboard.order import Order, measure
from dashboard.panes import notice
from dashboard.recorded import recorded_board
from dashboard.results.roc import ATTACKS, roc_figure
from dashboard.results.shelves import Shelves
from dashboard.results.verdicts import compare_all, sure_card
from dashboard.run import LOOK_SECONDS, Ticket, Tickets, is_settled
from dashboard.samples import drill_down
from dashboard.standin import StandIn, said
from dashboard.tables import further_tables, metrics_table, progress
from loaders.family import Family
from loaders.faults import Fault
from loaders.lent.engine import NoGpu
from loaders.session import Session
from metrics.inputs.data import Data
from metrics.metric import Metric
from metrics.registry import HEADLINE, choose, find_metric
from metrics.results import Results

Updates = dict[Any, Any]


@dataclass(frozen=True)
class Measuring:
    """The events of the Metrics page. `tickets` holds the running run of each visitor; where no
    GPU is lent, `stand_in` is measured; what is `recorded` stands there until somebody measures.
    """

    session: Session
    data: Data | Fault
    facts: Facts
    view: MetricsView
    shelves: Shelves
    tickets: Tickets
    stand_in: StandIn | None = None
    recorded: Results | Fault | None = None
    clock: Callable[[], float] = time.perf_counter

    async def load(self, extent: str) -> AsyncIterator[Updates]:
        """What is recorded of these very models, as soon as it is known which they are."""
        while not self.facts.is_complete:
            await asyncio.sleep(LOOK_SECONDS)
        try:
            board = recorded_board(self.recorded, self.facts.provenance, self.data)
        except Fault:  # the engine could not be opened, which every pane says
            board = Board()
        yield self.pick(extent, board)

    def pick(self, extent: str, board: Board) -> Updates:
        """Other metrics are wanted: of recorded ones what there is, and nothing else changes."""
        if not board.recorded:
            return {self.view.more: gr.skip()}
        return self._recorded(extent, board)

    async def run(self, extent: str, fresh: bool, request: gr.Request) -> AsyncIterator[Updates]:
        """The headline or the whole suite, stored numbers first; numbers stay when it is
        cancelled."""
        visitor, ticket = str(request.session_hash), Ticket()
        shelf = await asyncio.to_thread(self.shelves.open, visitor)
        order = Order(self.data, _chosen(extent), shelf, bool(fresh))
        self.tickets[visitor] = ticket
        try:
            yield self._begun(order, Board("waiting"))
            async for updates in self._run(order, ticket):
                yield updates
        finally:
            ticket.stop()
            self.tickets.pop(visitor, None)

    def cancel(self, request: gr.Request) -> None:
        """End this visitor's run."""
        if (ticket := self.tickets.get(str(request.session_hash))) is not None:
            ticket.stop()

    def leave(self, request: gr.Request) -> None:
        """The visitor is gone: end the run, and forget what is only kept for the visit."""
        self.cancel(request)
        self.shelves.leave(str(request.session_hash))

    def open_samples(self, board: Board, event: gr.EventData) -> str:
        """The samples behind the cell that was pressed."""
        key = CellKey(str(event.model), str(event.metric))
        if board.measurement(key.model, key.metric) is None:
            return ""
        return drill_down(self._measured(board), find_metric(key.metric), board, key)

    def close_samples(self) -> str:
        """Put the samples away."""
        return ""

    async def _run(self, order: Order, ticket: Ticket) -> AsyncIterator[Updates]:
        board = Board("waiting")
        try:
            async for newer in self._boards(board, order, ticket):
                board = newer
                yield self._shown(order, board)
            if board.results is not None:
                board = await self._tested(order, board, board.results)
            board = replace(board, phase="finished" if board.results else "cancelled")
            yield self._shown(order, board) | self._buttons(running=False) | self._announced(board)
        except NoGpu as refused:
            if self.stand_in is None or board.measurements:
                yield self._failed(order, board, f"{refused} What had been measured stands.")
                return
            async for updates in self._run_stand_in(refused, self.stand_in, order, ticket):
                yield updates
        except Fault as fault:
            yield self._failed(order, board, str(fault))

    def _failed(self, order: Order, board: Board, why: str) -> Updates:
        shown = self._shown(order, replace(board, phase="failed"))
        return shown | self._buttons(running=False) | {self.view.notice: notice(why)}

    def _run_stand_in(
        self, refused: NoGpu, other: StandIn, order: Order, ticket: Ticket
    ) -> AsyncIterator[Updates]:
        """The same run of the stand-in, which is named as long as its numbers are shown."""
        theirs = replace(self, session=other.session, data=other.data, facts=other.facts)
        told = [said(refused, other.session.family)]
        return replace(theirs, stand_in=None)._run(
            replace(order, data=other.data, told=told), ticket
        )

    async def _boards(self, board: Board, order: Order, ticket: Ticket) -> AsyncIterator[Board]:
        started = self.clock()
        async for batch in measure(self.session, order, ticket):
            before = board
            if batch.ahead or not is_settled(self.session):
                board, started = replace(board, ahead=batch.ahead), self.clock()
            for event in batch.events:
                board = updated(board, event)
            if board != before:
                board = replace(board, seconds=self.clock() - started)
                yield board

    async def _tested(self, order: Order, board: Board, results: Results) -> Board:
        """With what the tests say of the differences; the page goes on meanwhile."""
        found = await asyncio.to_thread(compare_all, self.session.family, results, order.metrics)
        return replace(board, comparisons=found)

    def _measured(self, board: Board) -> Family:
        """The family whose numbers a board holds: the page's own, or the stand-in's."""
        if (other := self.stand_in) is None or board.results is None:
            return self.session.family
        theirs = other.session.family
        return theirs if board.results.family == theirs.name else self.session.family

    def _begun(self, order: Order, board: Board) -> Updates:
        shown = self._shown(order, board) | self._buttons(running=True)
        return shown | {self.view.more: gr.Column(visible=order.is_whole)}

    def _recorded(self, extent: str, board: Board) -> Updates:
        metrics = _chosen(extent)
        rest = {metric.key for metric in metrics} - {metric.key for metric in HEADLINE}
        is_more = any(key.metric in rest for key in board.measurements)
        return self._drawn(metrics, board) | {self.view.more: gr.Column(visible=is_more)}

    def _shown(self, order: Order, board: Board) -> Updates:
        return self._drawn(order.metrics, board) | {self.view.notice: notice(order.notice)}

    def _drawn(self, metrics: Sequence[Metric], board: Board) -> Updates:
        view, family, provenance = self.view, self.session.family, self.facts.provenance
        forget, utility = find_metric("verbmem_f"), find_metric("knowmem_r")
        shown = {
            view.board: board,
            view.progress: progress(family, metrics, board),
            view.table: metrics_table(provenance, HEADLINE, board),
            view.bars: json_text(bars(family, board, HEADLINE)),
            view.scatter: json_text(scatter(family, board, forget, utility)),
            view.sure: sure_card(family, metrics, board),
        }
        if len(metrics) == len(HEADLINE):
            return shown
        curves = {view.curves[m.key]: json_text(roc_figure(family, board, m)) for m in ATTACKS}
        return shown | curves | {view.further: further_tables(provenance, metrics, board)}

    def _announced(self, board: Board) -> Updates:
        said = "The metrics run has finished" if board.phase == "finished" else "Cancelled"
        return {self.view.announce: f'<p class="sr" aria-live="polite">{said}.</p>'}

    def _buttons(self, running: bool) -> Updates:
        return {
            self.view.run: gr.Button(interactive=not running),
            self.view.cancel: gr.Button(interactive=running),
        }


def _chosen(extent: str) -> tuple[Metric, ...]:
    return choose(None if extent == "headline" else [extent])
