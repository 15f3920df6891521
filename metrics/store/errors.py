"""What SQLite's errors mean for whoever stores results, as sentences; bugs of ours pass through."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

from loaders.faults import Fault

SECONDS = 10  # that a write waits for another program
ELSEWHERE = "or set UNLEARNING_DATA to another folder"
HELD = (
    f"{{name}} has been held by another program for {SECONDS} seconds; nothing that is stored is "
    f"lost. Try again when it has ended, {ELSEWHERE}."
)
BARRED = f"{{name}} cannot be written ({{error}}); make it writable, {ELSEWHERE}."
DAMAGED = (
    "{name} is damaged ({error}); move the file away, and a new store is begun in its place, "
    f"{ELSEWHERE}."
)
SENTENCES = {
    sqlite3.SQLITE_FULL: (
        "The disk is full: {name} could not take what came last; nothing that is stored is lost. "
        f"Free some space, {ELSEWHERE}."
    ),
    sqlite3.SQLITE_BUSY: HELD,
    sqlite3.SQLITE_LOCKED: HELD,
    sqlite3.SQLITE_READONLY: BARRED,
    sqlite3.SQLITE_PERM: BARRED,
    sqlite3.SQLITE_CANTOPEN: BARRED,
    sqlite3.SQLITE_IOERR: (
        "{name} could not be read or written ({error}); nothing that is stored is lost. Look "
        f"after its disk, {ELSEWHERE}."
    ),
    sqlite3.SQLITE_CORRUPT: DAMAGED,
    sqlite3.SQLITE_NOTADB: DAMAGED,
}


@contextmanager
def as_faults(name: str) -> Iterator[None]:
    """Turn what can go wrong with a file into a Fault that calls it `name`."""
    try:
        yield
    except sqlite3.Error as error:
        code = getattr(error, "sqlite_errorcode", None)
        sentence = SENTENCES.get(code & 0xFF) if code is not None else None
        if sentence is None:
            raise
        raise Fault(sentence.format(name=name, error=error)) from error
