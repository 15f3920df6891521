"""What calls what: one line per event; it does nothing itself."""

from typing import Any

import gradio as gr
from gradio.events import api

from dashboard.about import About
from dashboard.api import Endpoints
from dashboard.compare import Compare
from dashboard.facts import Facts
from dashboard.layout import CompareView, View
from dashboard.loading import Loading
from dashboard.measuring import Measuring
from dashboard.precision.actions import Offering, Remeasuring
from dashboard.precision.view import Precisions, PrecisionView
from dashboard.results.actions import Records
from dashboard.results.downloads import Downloads
from dashboard.results.shelves import Shelves
from dashboard.results.view import TAKE, ResultsView
from dashboard.standin import StandIn
from dashboard.trajectory.actions import Following
from dashboard.trajectory.measure import Trajectory
from dashboard.trajectory.view import TrajectoryView
from loaders.family import Family
from loaders.faults import Fault
from loaders.session import Session
from metrics.inputs.data import Data
from metrics.results import Results

# Runs of several visitors wait in the session's own line, which tells them their place.
STREAM: dict[str, Any] = {
    "show_progress": "hidden",
    "api_visibility": "private",
    "concurrency_limit": None,
}
AT_ONCE: dict[str, Any] = {"show_progress": "hidden", "api_visibility": "private", "queue": False}
# A browser may still show the rows of another scenario, which Gradio would refuse.
AS_SENT: dict[str, Any] = {"preprocess": False}


def wire(
    session: Session,
    data: Data | Fault,
    facts: Facts,
    view: View,
    shelves: Shelves,
    page: gr.Blocks,
    stand_in: StandIn | None = None,
    recorded: Results | Fault | None = None,
) -> None:
    """Connect every component. Call it inside the same `gr.Blocks`."""
    page.load(facts.badges, None, view.badges, **STREAM)
    compare = Compare(session, data, facts, view.compare, {}, stand_in)
    again = _wire_compare(compare, Loading(session, facts, view.compare), page)
    _wire_cards(About(session, facts, view.compare.cards), view.compare, page, again)
    on = Measuring(session, data, facts, view.metrics, shelves, {}, stand_in, recorded)
    _wire_metrics(on, page)
    endpoints = Endpoints(session, data, shelves)
    api(endpoints.compare, api_name="compare", concurrency_limit=None)
    api(endpoints.status, api_name="status", queue=False)
    api(endpoints.load_again, api_name="load_again", queue=False)
    api(endpoints.evaluate, api_name="evaluate", concurrency_limit=None)


def _wire_compare(on: Compare, loading: Loading, page: gr.Blocks) -> Any:
    """The event that is over when what had failed has been tried again."""
    view = on.view
    numbers = view.numbers
    panes = list(view.panes.values())
    picked = [view.prompt, view.truth, view.notice]
    asked = [view.scenario, view.row, view.prompt, *numbers, view.own]
    ran = [*panes, view.chart, view.words, view.truth, view.notice, view.announce]
    ran += [view.run, view.stop, view.answered]
    told = [*panes, view.again]

    chosen = [view.row, view.upload, numbers[0], *picked]
    view.scenario.input(on.pick_scenario, [view.scenario, view.own], chosen, **AT_ONCE)
    view.row.input(on.pick_row, [view.scenario, view.row, view.own], picked, **AT_ONCE, **AS_SENT)
    brought = [view.own, view.row, view.notice]
    view.upload.upload(on.bring, [view.upload, view.own], brought, **AT_ONCE)
    edited = [view.scenario, view.row, view.prompt, view.own]
    latest = {"trigger_mode": "always_last", **AT_ONCE, **AS_SENT}
    view.prompt.input(on.edit, edited, view.truth, **latest)
    for number in numbers:
        number.change(on.describe_sampling, numbers, [view.sampling, view.notice], **AT_ONCE)
    coming = page.load(loading.load, None, told, **STREAM)
    running = view.run.click(on.run, asked, ran, cancels=[coming], **STREAM, **AS_SENT)
    running.then(loading.watch, view.answered, told, **STREAM)
    view.stop.click(on.stop, None, None, **AT_ONCE)
    return view.again.click(loading.again, None, told, **STREAM)


def _wire_cards(on: About, view: CompareView, page: gr.Blocks, again: Any) -> None:
    cards = list(view.cards.values())
    page.load(on.load, None, cards, **STREAM)
    again.then(on.load, None, cards, **STREAM)
    for model, card in view.cards.items():
        view.panes[model].click(on.opener(model), card, card, **AT_ONCE)


def _wire_metrics(on: Measuring, page: gr.Blocks) -> None:
    view = on.view
    drawn = [view.board, view.progress, view.table, view.bars, view.scatter, view.sure]
    drawn += [view.more, view.further, *view.curves.values()]
    ran = [*drawn, view.notice, view.announce, view.run, view.cancel]

    loading = page.load(on.load, view.extent, drawn, **STREAM)
    view.extent.input(on.pick, [view.extent, view.board], drawn, **AT_ONCE)
    view.run.click(on.run, [view.extent, view.fresh], ran, cancels=[loading], **STREAM)
    view.cancel.click(on.cancel, None, None, **AT_ONCE)
    for table in (view.table, view.further):
        table.click(on.open_samples, view.board, view.samples, **AT_ONCE)
    view.samples.click(on.close_samples, None, view.samples, **AT_ONCE)
    page.unload(on.leave)


def wire_precision(
    session: Session,
    data: Data | Fault,
    precisions: Precisions,
    view: PrecisionView,
    shelves: Shelves,
    page: gr.Blocks,
) -> None:
    """Connect the Precision page; where nothing can be measured nothing on it changes."""
    if (engines := precisions.engines) is None:
        return
    offering = Offering(session, engines)
    on = Remeasuring(session, data, precisions, engines, view, offering, shelves, {})
    ran = [view.progress, view.question, view.head, view.precisions, *view.panels.values()]
    ran += [view.recovery, view.notice, view.announce, view.run, view.cancel]

    page.load(on.offers, None, view.precisions, **STREAM)
    view.run.click(on.run, view.fresh, ran, **STREAM)
    view.cancel.click(on.cancel, None, None, **AT_ONCE)


def wire_trajectory(
    session: Session,
    data: Data | Fault,
    trajectory: Trajectory,
    view: TrajectoryView,
    shelves: Shelves,
    page: gr.Blocks,
) -> None:
    """Connect the Trajectory page."""
    on = Following(session, data, trajectory, view, shelves, {})
    ran = [view.reading, view.progress, view.question, view.head, *view.panels.values()]
    picked = [view.about, view.another, view.table]
    ran += [*picked, view.notice, view.announce, view.run, view.cancel, view.other]

    view.run.click(on.run, view.other, ran, **STREAM)
    view.cancel.click(on.cancel, None, None, **AT_ONCE)
    view.other.input(on.pick, [view.other, view.reading], picked, **AT_ONCE)
    view.table.click(on.open_samples, view.reading, view.samples, **AT_ONCE)
    view.samples.click(on.close_samples, None, view.samples, **AT_ONCE)
    page.unload(on.cancel)


def wire_results(family: Family, shelves: Shelves, view: ResultsView, page: gr.Blocks) -> None:
    """Connect the Results page."""
    on = Records(family, view, shelves, Downloads())
    bar = [view.picked, view.selected, view.compare, view.delete, view.question, view.notice]
    bar += view.exports.values()
    listed = [view.records, *view.filters, *bar]
    looked = [view.picked, *view.filters]

    view.tab.select(on.show, looked, listed, **AT_ONCE)
    *dropdowns, since = view.filters
    asking = [dropdown.input for dropdown in dropdowns] + [since.submit, since.blur]
    for asked in asking:
        asked(on.show, looked, listed, trigger_mode="always_last", **AT_ONCE)
    view.records.click(on.pick, None, bar, trigger_mode="multiple", **AT_ONCE)
    view.compare.click(on.compare, view.picked, [view.pair, view.notice, view.compare], **STREAM)
    for name, button in view.exports.items():
        taken = [view.picked, view.samples]
        made = button.click(on.exporter(name), taken, [view.file, view.notice], **AT_ONCE)
        made.success(None, view.file, None, js=TAKE, **AT_ONCE)
    view.delete.click(on.ask, view.picked, [view.question, view.asked, view.notice], **AT_ONCE)
    view.keep.click(on.keep, None, view.question, **AT_ONCE)
    view.really.click(on.delete, looked, listed, **AT_ONCE)
    brought = [view.upload, view.model, view.precision, view.picked]
    view.upload.upload(on.bring, brought, listed, **AT_ONCE)
    page.unload(on.leave)
