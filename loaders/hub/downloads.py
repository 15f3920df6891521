"""The files of models brought here, several models and several files of each at once.

Everything happens in threads of its own, which end with the program; nothing is loaded.
"""

import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TypeVar

from loaders.checkpoint import is_commit
from loaders.family import ModelSpec
from loaders.faults import Fault
from loaders.hub.commits import resolve
from loaders.hub.disk import Disk
from loaders.hub.kept import bytes_here, keep_commit, missing, order, snapshot
from loaders.hub.listing import File, Listing, list_files
from loaders.hub.places import Place, is_here, needed, pinned, places_of
from loaders.hub.progress import Meter, say_progress
from loaders.hub.refusals import FAILURES, as_fault
from loaders.hub.terminal import Terminal
from loaders.hub.transfer import PATIENCE, Patience, Stopped, fetch, persist
from loaders.sizes import say_size

T = TypeVar("T")
AT_ONCE = 3  # files of a model
LOOK_SECONDS = 0.5  # between two looks of the terminal
PACE_SECONDS = 0.01  # between two of an engine's


@dataclass(frozen=True)
class Piece:
    """A file to be brought, of which repository."""

    listing: Listing
    file: File


class Downloads:
    """The downloads of one program: they share a disk and a terminal."""

    def __init__(
        self,
        disk: Disk | None = None,
        terminal: Terminal | None = None,
        patience: Patience = PATIENCE,
    ) -> None:
        self.disk = disk or Disk()
        self.terminal = terminal or Terminal()
        self.patience = patience

    def begin(self, spec: ModelSpec) -> "Download":
        """Begin to bring what `spec` needs of the Hub, in the background."""
        download = Download(spec, self)
        download.start()
        return download


class Download:
    """The files of one model on their way."""

    def __init__(self, spec: ModelSpec, among: Downloads) -> None:
        self._spec = spec
        self._among = among
        self._stopped = threading.Event()
        self._ended = threading.Event()
        self._failures: list[Fault] = []
        self._meter: Meter | None = None
        self._pinned = spec

    def start(self) -> None:
        """Begin."""
        threading.Thread(target=self._run, name=f"download {self._spec.key}", daemon=True).start()

    def stop(self) -> None:
        """Nobody wants it any more: its threads end soon, and what has come is kept."""
        self._stopped.set()

    def wait(self, seconds: float) -> bool:
        """Until it has ended, but not longer; whether it has."""
        return self._ended.wait(seconds)

    @property
    def note(self) -> str:
        """Where it is, in words; empty while there is nothing to download."""
        return say_progress(self._meter.progress) if self._meter is not None else ""

    def result(self) -> ModelSpec:
        """The model with all its files here, its revisions pinned; a Fault says what went wrong."""
        if self._failures:
            raise self._failures[0]
        return self._pinned

    def _run(self) -> None:
        try:
            self._bring()
        except Stopped:
            self._failures.append(Fault("The download was stopped."))
        except Fault as fault:
            self._failures.append(fault)
        finally:
            self._among.terminal.show(self._spec.label, "")
            self._ended.set()

    def _bring(self) -> None:
        places = places_of(self._spec)
        commits = {
            place: self._ask(place, partial(resolve, place.repo, place.revision))
            for place in places
        }
        self._pinned = pinned(self._spec, commits)
        pieces: dict[Path, Piece] = {}
        for place, commit in commits.items():
            if not is_here(place, commit):
                pieces |= self._pieces(place, commit)
        if pieces:
            meter = self._meter = _meter(pieces.values())
            with self._among.disk.hold(self._spec.repo, lambda: _left(meter)):
                self._fetch_all(deque(pieces.values()), meter)
        for place, commit in commits.items():
            if not is_commit(place.revision):
                self._ask(place, partial(keep_commit, place.repo, place.asked.revision, commit))

    def _pieces(self, place: Place, commit: str) -> dict[Path, Piece]:
        """What of a place is not here, by where it goes, in the order in which it is brought."""
        listing = self._ask(place, partial(list_files, place.repo, commit))
        folder = snapshot(listing.repo, listing.commit)
        found = order(missing(listing, needed(place, listing)))
        return {folder / file.name: Piece(listing, file) for file in found}

    def _ask(self, place: Place, ask: Callable[[], T]) -> T:
        try:
            return persist(ask, self._stopped, self._among.patience)
        except FAILURES as error:
            raise as_fault(place.asked, error) from error

    def _fetch_all(self, line: deque[Piece], meter: Meter) -> None:
        """All pieces, AT_ONCE at a time; the first that fails ends the others."""
        threads = [
            threading.Thread(target=self._work, args=(line, meter), daemon=True)
            for _ in range(AT_ONCE)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            while thread.is_alive():
                thread.join(LOOK_SECONDS)
                self._among.terminal.show(self._spec.label, self.note)

    def _work(self, line: deque[Piece], meter: Meter) -> None:
        while line and not self._stopped.is_set():
            try:
                self._fetch(line.popleft(), meter)
            except (Stopped, IndexError):
                return
            except Fault as fault:
                self._failures.append(fault)
                self._stopped.set()

    def _fetch(self, piece: Piece, meter: Meter) -> None:
        file, started = piece.file, time.monotonic()
        try:
            fetch(piece.listing, file, meter, self._stopped, self._among.patience)
        except FAILURES as error:
            raise as_fault(piece.listing.asked, error) from error
        meter.end()
        if file.sha256:
            seconds = time.monotonic() - started
            self._among.terminal.tell(
                f"{piece.listing.repo}: {file.name}, {say_size(file.bytes)} in {seconds:.0f} s"
            )


def arriving(download: Download) -> Iterator[str]:
    """The notes of a download until it has ended, not faster than they can be read, without holding
    up other work; closing it stops the download."""
    last = time.monotonic()
    try:
        while not download.wait(max(0.0, last + PACE_SECONDS - time.monotonic())):
            last = time.monotonic()
            yield download.note
    finally:
        download.stop()


def _meter(pieces: Iterable[Piece]) -> Meter:
    found = list(pieces)
    here = sum(bytes_here(piece.listing.repo, piece.file) for piece in found)
    return Meter(len(found), sum(piece.file.bytes for piece in found), here)


def _left(meter: Meter) -> int:
    return meter.progress.of_bytes - meter.progress.bytes
