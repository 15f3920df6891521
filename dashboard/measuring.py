"""What happens on the Metrics page: a run of the suite, its end, and the samples behind a cell."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import gradio as gr

from dashboard.board import Board, CellKey, updated
from dashboard.escape import json_text
from dashboard.facts import Facts
from dashboard.figures import bars, scatter
from dashboard.metrics_page import MetricsView
from dashboard.panes import notice
from dashboard.results.roc import ATTACKS, roc_figure
from dashboard.results.shelves import Shelf, Shelves
from dashboard.results.verdicts import compare_all, sure_card
from dashboard.run import Ticket, Tickets, follow, is_settled, wait_settled
from dashboard.samples import drill_down
from dashboard.tables import further_tables, metrics_table, progress
from loaders.checkpoint import revision
from loaders.choices import FULL_PRECISION
from loaders.family import Family
from loaders.faults import Fault
from loaders.protocol import Engine
from loaders.session import Job, Session
from metrics.events import Event
from metrics.inputs.data import Data
from metrics.metric import Metric
from metrics.registry import HEADLINE, choose, find_metric
from metrics.results import Results
from metrics.store import Filter, Store, as_results
from metrics.store.shelf import list_records, with_samples
from metrics.stored import OpenModels, Wanted, run_stored

Updates = dict[Any, Any]


class StillLoading(Fault):
    """Raised where a model is needed before all are ready; what is stored has come by then."""


@dataclass(frozen=True)
class Run:
    """One run of one visitor: what is asked for, where it is kept, and what `told` said of that."""

    metrics: tuple[Metric, ...]
    fresh: bool
    shelf: Shelf
    ticket: Ticket = field(default_factory=Ticket)
    told: list[str] = field(default_factory=list)

    @property
    def is_whole(self) -> bool:
        """Whether more than the headline is wanted."""
        return len(self.metrics) > len(HEADLINE)

    @property
    def notice(self) -> str:
        """What the store has to say."""
        return " ".join(said for said in (self.shelf.fault, *self.told) if said)


@dataclass(frozen=True)
class Measuring:
    """The events of the Metrics page. `tickets` holds the running run of each visitor."""

    session: Session
    data: Data | Fault
    facts: Facts
    view: MetricsView
    shelves: Shelves
    tickets: Tickets
    clock: Callable[[], float] = time.perf_counter

    async def run(self, extent: str, fresh: bool, request: gr.Request) -> AsyncIterator[Updates]:
        """The headline or the whole suite, stored numbers first; numbers stay when it is
        cancelled."""
        visitor, board = str(request.session_hash), Board("waiting")
        shelf = await asyncio.to_thread(self.shelves.open, visitor)
        run = Run(choose(None if extent == "headline" else [extent]), bool(fresh), shelf)
        self.tickets[visitor] = run.ticket
        try:
            yield self._begun(run, board)
            async for newer in self._boards(board, run):
                board = newer
                yield self._shown(run, board)
            if board.results is not None:
                board = await self._tested(run, board, board.results)
            board = replace(board, phase="finished" if board.results else "cancelled")
            yield self._shown(run, board) | self._buttons(running=False) | self._announced(board)
        except Fault as fault:
            board = replace(board, phase="failed")
            failed = {self.view.notice: notice(str(fault))}
            yield self._shown(run, board) | self._buttons(running=False) | failed
        finally:
            run.ticket.stop()
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
        return drill_down(self.session.family, find_metric(key.metric), board, key)

    def close_samples(self) -> str:
        """Put the samples away."""
        return ""

    async def _boards(self, board: Board, run: Run) -> AsyncIterator[Board]:
        """What is stored at once, while models may still be loading; the rest when they are not."""
        started = self.clock()
        if not run.fresh and not is_settled(self.session):
            try:
                async for newer in self._followed(board, run, refuse, started):
                    board = newer
                    yield board
            except StillLoading:
                pass
            if board.results is not None:
                return
        await wait_settled(self.session, run.ticket)
        if run.ticket.stopped:
            return
        async for newer in self._followed(board, run, None, self.clock()):
            yield newer

    async def _followed(
        self, board: Board, run: Run, models: OpenModels | None, started: float
    ) -> AsyncIterator[Board]:
        job: Job[Event] = self.session.submit("evaluate", self._work(run, models))
        async for batch in follow(job, run.ticket):
            before = board
            if batch.ahead:
                board, started = replace(board, ahead=batch.ahead), self.clock()
            for event in batch.events:
                board = updated(board, event)
            if board != before:
                board = replace(board, seconds=self.clock() - started)
                yield board

    def _work(
        self, run: Run, models: OpenModels | None
    ) -> Callable[[Engine], Iterator[Event | None]]:
        if isinstance(self.data, Fault):
            raise self.data
        data, family = self.data, self.session.family

        def work(engine: Engine) -> Iterator[Event | None]:
            wanted = Wanted(
                family,
                data,
                engine.precision,
                engine.device,
                metrics=[metric.key for metric in run.metrics],
                full=find_full(run.shelf.store, family, data),
                fresh=run.fresh,
            )
            yield from run_stored(
                run.shelf.store, models or (lambda _: engine), wanted, run.told.append
            )

        return work

    async def _tested(self, run: Run, board: Board, results: Results) -> Board:
        """With what the tests say of the differences; the page goes on meanwhile."""
        found = await asyncio.to_thread(compare_all, self.session.family, results, run.metrics)
        return replace(board, comparisons=found)

    def _begun(self, run: Run, board: Board) -> Updates:
        shown = self._shown(run, board) | self._buttons(running=True)
        return shown | {self.view.more: gr.Column(visible=run.is_whole)}

    def _shown(self, run: Run, board: Board) -> Updates:
        view, family, provenance = self.view, self.session.family, self.facts.provenance
        forget, utility = find_metric("verbmem_f"), find_metric("knowmem_r")
        shown = {
            view.board: board,
            view.notice: notice(run.notice),
            view.progress: progress(family, run.metrics, board),
            view.table: metrics_table(provenance, HEADLINE, board),
            view.bars: json_text(bars(family, board, HEADLINE)),
            view.scatter: json_text(scatter(family, board, forget, utility)),
            view.sure: sure_card(family, run.metrics, board),
        }
        if not run.is_whole:
            return shown
        curves = {view.curves[m.key]: json_text(roc_figure(family, board, m)) for m in ATTACKS}
        return shown | curves | {view.further: further_tables(provenance, run.metrics, board)}

    def _announced(self, board: Board) -> Updates:
        said = "The metrics run has finished" if board.phase == "finished" else "Cancelled"
        return {self.view.announce: f'<p class="sr" aria-live="polite">{said}.</p>'}

    def _buttons(self, running: bool) -> Updates:
        return {
            self.view.run: gr.Button(interactive=not running),
            self.view.cancel: gr.Button(interactive=running),
        }


def refuse(models: Sequence[str]) -> Engine:
    """Stands where models are opened as long as they are being loaded."""
    raise StillLoading("The models are still being loaded.")


def find_full(store: Store, family: Family, data: Data) -> Results | None:
    """The retrained model's very weights at full precision on the same data, stored or shipped:
    PrivLeak is set against them as well. None where there are none or the store does not work."""
    spec = family.retrained
    if spec is None:
        return None
    try:
        found = list_records(store, Filter(model=spec.key, precision=FULL_PRECISION))
        wanted = (revision(spec), data.sha256)
        known = [one for one in found if (one.record.revision, one.record.data_sha256) == wanted]
        measured = [one for one in known if one.record.metrics]
        return as_results(with_samples(store, measured[:1])) if measured else None
    except Fault:
        return None
