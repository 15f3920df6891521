"""What happens on the Results page: listing, picking, comparing, exporting, deleting, importing."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import gradio as gr

from dashboard.escape import esc
from dashboard.panes import notice, status_line
from dashboard.results.downloads import Downloads
from dashboard.results.pair import pair_card
from dashboard.results.records import call, records_table
from dashboard.results.shelves import Shelf, Shelves
from dashboard.results.view import ANY, NOTHING, ResultsView
from loaders.family import Family
from loaders.faults import Fault
from metrics.export import find_format
from metrics.export.rows import Rows
from metrics.peer import Claim, from_peer
from metrics.reading.pairing import Pair, compare_pair, find_retrained
from metrics.store import Filter, Store, Stored
from metrics.store.faces import faces_of
from metrics.store.shelf import find_record, list_records, with_samples

Updates = dict[Any, Any]
Picked = tuple[str, ...]
MOST_BYTES = 64 * 1024 * 1024


@dataclass(frozen=True)
class Seen:
    """What a visitor looks at: the records that the filters take, of all there are."""

    shown: tuple[Stored, ...]
    known: tuple[Stored, ...]

    def picked(self, ids: Sequence[str]) -> tuple[Stored, ...]:
        """Those of the shown that are ticked, in the order of the list."""
        return tuple(one for one in self.shown if one.id in ids)


def read_since(text: str) -> str | None:
    """The beginning of a date as stored dates are written; None for an empty text."""
    if not text.strip():
        return None
    try:
        datetime.fromisoformat(text.strip())
    except ValueError as error:
        raise Fault(f"Since is {text.strip()!r}; write a date like 2026-11-24.") from error
    return text.strip().replace(" ", "T")


def read_filter(values: Sequence[str | None]) -> Filter:
    """The filters of the page; a Fault for a date that is none."""
    family, model, precision, profile, since = ((value or ANY) for value in values)
    return Filter(
        family=family or None,
        model=model or None,
        precision=precision or None,
        profile=profile or None,
        since=read_since(since),
    )


@dataclass(frozen=True)
class Records:
    """The events of the Results page; every one of them works on the visitor's own store."""

    family: Family
    view: ResultsView
    shelves: Shelves
    downloads: Downloads

    def show(
        self,
        picked: Picked,
        family: str,
        model: str,
        precision: str,
        profile: str,
        since: str,
        request: gr.Request,
    ) -> Updates:
        """The list anew: the tab was opened, or a filter changed."""
        try:
            shelf = self._shelf(request)
            seen = _look(shelf.store, (family, model, precision, profile, since))
        except Fault as fault:
            return {self.view.notice: notice(str(fault))}
        return self._listed(seen, picked) | {self.view.notice: notice(shelf.fault)}

    def pick(self, event: gr.EventData, request: gr.Request) -> Updates:
        """Other boxes are ticked."""
        ids = tuple(str(event.ids).split())
        try:
            known = list_records(self._shelf(request).store)
        except Fault as fault:
            return {self.view.notice: notice(str(fault))}
        return self._chosen(tuple(one for one in known if one.id in ids))

    async def compare(self, picked: Picked, request: gr.Request) -> AsyncIterator[Updates]:
        """The two records that are ticked, side by side; the tests take a second or two."""
        view = self.view
        yield {view.notice: status_line("Comparing …"), view.compare: gr.Button(interactive=False)}
        try:
            shelf = await asyncio.to_thread(self._shelf, request)
            card = await asyncio.to_thread(_compared, shelf.store, picked)
            yield {view.pair: card, view.notice: ""}
        except Fault as fault:
            yield {view.notice: notice(str(fault))}
        yield {view.compare: gr.Button(interactive=True)}

    def exporter(self, name: str) -> Callable[[Picked, bool, gr.Request], Updates]:
        """What a button of that format does: the file, which the browser takes away."""

        def export(picked: Picked, samples: bool, request: gr.Request) -> Updates:
            try:
                store = self._shelf(request).store
                found = [find_record(store, one) for one in picked]
                rows: Rows = "samples" if samples else "numbers"
                visitor = str(request.session_hash)
                path = self.downloads.write(visitor, find_format(name), found, rows)
            except Fault as fault:
                return {self.view.file: None, self.view.notice: notice(str(fault))}
            return {self.view.file: str(path), self.view.notice: ""}

        return export

    def ask(self, picked: Picked, request: gr.Request) -> Updates:
        """Whether the ticked records are really to be deleted."""
        try:
            own, recorded = self._own(picked, request)
        except Fault as fault:
            return {self.view.notice: notice(str(fault))}
        names = ", ".join(call(one) for one in own)
        stays = f" {_count(len(recorded))} recorded and stay{'s' * (len(recorded) == 1)}."
        said = f"Delete {names} for good?{stays if recorded else ''}"
        question = f"<p>{esc(said)}</p>"
        return {self.view.question: gr.Row(visible=True), self.view.asked: question}

    def keep(self) -> Updates:
        """Nothing is deleted."""
        return {self.view.question: gr.Row(visible=False)}

    def delete(
        self,
        picked: Picked,
        family: str,
        model: str,
        precision: str,
        profile: str,
        since: str,
        request: gr.Request,
    ) -> Updates:
        """Delete the ticked records, those that are one's own."""
        closed = {self.view.question: gr.Row(visible=False)}
        try:
            store = self._shelf(request).store
            own, _ = self._own(picked, request)
            for one in own:
                store.delete(one.id)
            seen = _look(store, (family, model, precision, profile, since))
        except Fault as fault:
            return closed | {self.view.notice: notice(str(fault))}
        said = f"Deleted: {', '.join(call(one) for one in own)}."
        return closed | self._listed(seen, ()) | {self.view.notice: status_line(said)}

    def bring(
        self, file: str, model: str | None, held: str, picked: Picked, request: gr.Request
    ) -> Updates:
        """A file of open-unlearning becomes a record of its own; all records are shown then."""
        try:
            store = self._shelf(request).store
            results = from_peer(_text(Path(file)), self.family, Claim(model or "", held))
            ids = store.save(results, faces_of(self.family))
            seen = _look(store, (ANY,) * 5)
        except Fault as fault:
            return {self.view.notice: notice(str(fault))}
        said = status_line(f"Imported as {', '.join(ids)}.")
        return self._listed(seen, (*picked, *ids), reset=True) | {self.view.notice: said}

    def leave(self, request: gr.Request) -> None:
        """The visitor is gone, and so is their file."""
        self.downloads.leave(str(request.session_hash))

    def _shelf(self, request: gr.Request) -> Shelf:
        return self.shelves.open(str(request.session_hash))

    def _own(self, picked: Picked, request: gr.Request) -> tuple[list[Stored], list[Stored]]:
        known = [one for one in list_records(self._shelf(request).store) if one.id in picked]
        own = [one for one in known if not one.read_only]
        recorded = [one for one in known if one.read_only]
        if not own:
            raise Fault(
                f"{_count(len(recorded))} recorded and cannot be deleted."
                if recorded
                else "Nothing is selected; tick records in the list."
            )
        return own, recorded

    def _listed(self, seen: Seen, picked: Sequence[str], reset: bool = False) -> Updates:
        """The list, what there is to filter by, and what is ticked; `reset` clears the filters."""
        chosen, (*dropdowns, since) = seen.picked(picked), self.view.filters
        updates: Updates = {since: ANY} if reset else {}
        for dropdown, choices in zip(dropdowns, _choices(seen.known), strict=True):
            kept = gr.Dropdown(choices=choices)
            updates[dropdown] = gr.Dropdown(choices=choices, value=ANY) if reset else kept
        shown = records_table(seen.shown, [one.id for one in chosen])
        return updates | {self.view.records: shown} | self._chosen(chosen)

    def _chosen(self, chosen: Sequence[Stored]) -> Updates:
        view = self.view
        buttons = {button: gr.Button(interactive=bool(chosen)) for button in view.exports.values()}
        names = ", ".join(call(one) for one in chosen)
        return buttons | {
            view.picked: tuple(one.id for one in chosen),
            view.selected: f"<p><b>{len(chosen)} selected</b> {esc(names)}</p>"
            if chosen
            else NOTHING,
            view.compare: gr.Button(interactive=len(chosen) == 2),
            view.delete: gr.Button(interactive=any(not one.read_only for one in chosen)),
            view.question: gr.Row(visible=False),
        }


def _look(store: Store, values: Sequence[str | None]) -> Seen:
    wanted, known = read_filter(values), list_records(store)
    return Seen(tuple(one for one in known if wanted.takes(one)), known)


def _compared(store: Store, picked: Picked) -> str:
    if len(picked) != 2:
        raise Fault(f"{len(picked)} records are selected; tick two.")
    one, other = (find_record(store, name) for name in picked)
    known = find_retrained(one, other, list_records(store, Filter(family=one.family)))
    retrained = None if known is None else with_samples(store, [known])[0]
    pair = Pair(one, other, retrained)
    return pair_card(pair, compare_pair(pair))


def _choices(known: Sequence[Stored]) -> list[list[tuple[str, str]]]:
    """What there is to filter by: families, models, precisions, profiles."""
    values = (
        [one.family for one in known],
        [one.record.model for one in known],
        [one.record.precision for one in known],
        [one.record.profile for one in known],
    )
    return [[("any", ANY), *((value, value) for value in sorted(set(found)))] for found in values]


def _text(path: Path) -> str:
    """An uploaded file as text, within reason."""
    if (size := path.stat().st_size) > MOST_BYTES:
        raise Fault(
            f"{path.name} has {size / 1024**2:.0f} MiB; {MOST_BYTES // 1024**2} is the most."
        )
    try:
        return path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise Fault(f"{path.name} is no UTF-8 text; choose a MUSE_EVAL.json.") from error


def _count(number: int) -> str:
    return "1 record is" if number == 1 else f"{number} records are"
