"""The store: records, numbers and rows in SQLite, each step of a run a transaction of its own.

Rows stay when their run has ended, so that another metric, seed or limit needs no model: about
13 MB for a model on 200 texts of 2,048 tokens, compressed.
"""

import sqlite3
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

from loaders.faults import Fault
from metrics.passes import Row
from metrics.results import Measurement, Results
from metrics.store.errors import as_faults
from metrics.store.faces import Face, find_face
from metrics.store.facts import make_number, read_facts, write_facts
from metrics.store.keys import ID, Key, finished_key
from metrics.store.packing import pack_row, pack_samples, unpack_row, write_number
from metrics.store.records import Filter, Number, Stored

RECORDS = """SELECT records.id, family, begun, facts,
    (SELECT COUNT(*) FROM rows WHERE rows.origin = records.origin) FROM records"""
EVERYTHING = Filter()


class Store:
    """One store, safe to use from any thread and beside other programs. See `open_file`.

    Every method raises Fault where the file cannot be read or written; what is stored already is
    never lost by it.
    """

    def __init__(self, connection: sqlite3.Connection, name: str, read_only: bool = False) -> None:
        self._connection = connection
        self._lock = threading.RLock()
        self.name = name
        self.read_only = read_only

    def close(self) -> None:
        """Let go of the file; nothing can be asked afterwards."""
        with self._lock:
            self._connection.close()

    def begin(self, key: Key, face: Face, scale: str, device: str) -> None:
        """Make a record without numbers, where there is none of that key."""
        facts = write_facts(key.record(scale), face, device, key.versions)
        with self._writing() as run:
            _insert(run, key, facts, now())

    def keep_number(self, record: str, metric: str, against: str, measured: Measurement) -> None:
        """The final number of one metric of the record with the full id `record`; `against` names
        what it is set against, "" for nothing. Fault where the record is gone."""
        with self._writing() as run:
            _insert_number(run, record, metric, against, now(), measured)

    def number(self, record: str, metric: str, against: str) -> Number | None:
        """The number that `keep_number` kept."""
        rows = self._read(
            "SELECT created, number, samples FROM numbers "
            "WHERE record = ? AND metric = ? AND against = ?",
            (record, metric, against),
        )
        return make_number(*rows[0]) if rows else None

    def keep_rows(self, origin: str, source: str, rows: Sequence[Row]) -> None:
        """Rows of one pass, those of one step in one transaction."""
        packed = [(origin, source, row.id, pack_row(row)) for row in rows]
        with self._writing() as run:
            run.executemany("INSERT OR REPLACE INTO rows VALUES (?, ?, ?, ?)", packed)

    def rows(self, origin: str, source: str) -> tuple[Row, ...]:
        """The rows of one pass that are kept, in no order."""
        found = self._read("SELECT row FROM rows WHERE origin = ? AND source = ?", (origin, source))
        return tuple(unpack_row(packed) for (packed,) in found)

    def row_ids(self, origin: str, source: str) -> frozenset[str]:
        """The ids of `rows`, without reading them."""
        found = self._read("SELECT id FROM rows WHERE origin = ? AND source = ?", (origin, source))
        return frozenset(name for (name,) in found)

    def find(self, key: Key) -> Stored | None:
        """The record of a key with its samples, where there is one."""
        found = self._read(f"{RECORDS} WHERE records.id = ?", (key.id,))
        return self._stored(found[0], samples=True) if found else None

    def get(self, name: str) -> Stored:
        """The one record whose id begins with `name`, with its samples; a Fault otherwise."""
        found = self._read(f"{RECORDS} WHERE records.id = ?", (self._full_id(name),))
        return self._stored(found[0], samples=True)

    def list(self, wanted: Filter = EVERYTHING) -> tuple[Stored, ...]:
        """The records that are wanted, newest first, without their samples."""
        found = (self._stored(row, samples=False) for row in self._read(RECORDS, ()))
        kept = (one for one in found if wanted.takes(one))
        return tuple(sorted(kept, key=lambda one: one.created, reverse=True))

    def save(self, results: Results, faces: Mapping[str, Face]) -> tuple[str, ...]:
        """Keep a whole run that was made elsewhere, all or nothing; the ids of its records.

        No run takes its numbers for its own: what they depend on is not all known.
        """
        keys = [(finished_key(results, record), record) for record in results.records]
        with self._writing() as run:
            for key, record in keys:
                face = find_face(record.model, faces)
                facts = write_facts(record, face, results.device, results.versions)
                _insert(run, key, facts, results.created)
                for metric, measured in record.metrics.items():
                    _insert_number(run, key.id, metric, "", results.created, measured)
        return tuple(key.id[:ID] for key, _ in keys)

    def delete(self, name: str) -> None:
        """Remove the one record whose id begins with `name`, and its rows where no other record
        comes of them."""
        full = self._full_id(name)
        with self._writing() as run:
            run.execute(
                "DELETE FROM rows WHERE origin = (SELECT origin FROM records WHERE id = ?) "
                "AND (SELECT COUNT(*) FROM records WHERE origin = rows.origin) = 1",
                (full,),
            )
            run.execute("DELETE FROM records WHERE id = ?", (full,))

    def _full_id(self, name: str) -> str:
        end = f"{name}g"  # after every hex digit
        found = self._read("SELECT id FROM records WHERE id >= ? AND id < ?", (name, end))
        if len(found) == 1:
            return str(found[0][0])
        raise Fault(
            f"{len(found)} records have an id that begins with {name!r}; write more of it."
            if found
            else f"There is no record {name!r} in {self.name[:1].lower()}{self.name[1:]}."
        )

    def _stored(self, row: Sequence[Any], samples: bool) -> Stored:
        record, family, begun, facts, rows = row
        found = self._read(
            f"SELECT metric, created, number{', samples' if samples else ''} FROM numbers "
            "WHERE record = ? ORDER BY created, rowid",
            (record,),
        )
        # Of numbers set against different references the newest stands for the metric.
        numbers = {metric: make_number(*rest) for metric, *rest in found}
        return read_facts(record, family, begun, facts, numbers, rows)

    def _read(self, statement: str, values: Sequence[str]) -> Sequence[Any]:
        with self._lock, as_faults(self.name):
            return self._connection.execute(statement, values).fetchall()

    @contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        """One transaction: all of it or nothing."""
        if self.read_only:
            raise Fault(f"{self.name} may only be read; set UNLEARNING_DATA to another folder.")
        with self._lock, as_faults(self.name):
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield self._connection
                self._connection.execute("COMMIT")
            except BaseException:
                if self._connection.in_transaction:
                    self._connection.execute("ROLLBACK")
                raise


def now() -> str:
    """The date of what is stored now: UTC, ISO 8601, to the second."""
    return datetime.now(UTC).isoformat(timespec="seconds")


def _insert(run: sqlite3.Connection, key: Key, facts: str, begun: str) -> None:
    values = (key.id, key.origin, key.family, key.model, key.precision, key.profile, begun, facts)
    run.execute("INSERT OR IGNORE INTO records VALUES (?, ?, ?, ?, ?, ?, ?, ?)", values)


def _insert_number(
    run: sqlite3.Connection,
    record: str,
    metric: str,
    against: str,
    created: str,
    measured: Measurement,
) -> None:
    packed = (write_number(measured), pack_samples(measured.samples))
    done = run.execute(
        "INSERT OR REPLACE INTO numbers SELECT id, ?, ?, ?, ?, ? FROM records WHERE id = ?",
        (metric, against, created, *packed, record),
    )
    if not done.rowcount:
        raise Fault(f"The record {record[:ID]} was deleted while its run went on.")
