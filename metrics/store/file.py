"""A store's file: opened, made, brought up to date; never what is in it.

WAL with `synchronous=NORMAL`: what was committed outlives the program, killed or not; a power cut
can cost the last steps and never the file. What is deleted makes the file smaller.
"""

import sqlite3
from pathlib import Path
from time import sleep

from loaders.faults import Fault
from metrics.store.errors import SECONDS, as_faults
from metrics.store.schema import VERSION, check_version, migrate
from metrics.store.store import Store


def open_file(path: Path, *, read_only: bool = False) -> Store:
    """The store in a file, made or brought up to date where it has to be.

    Fault for a file that is no store, a damaged one, one from a newer version, and one that cannot
    be opened.
    """
    name = f"The store {path}"
    with as_faults(name):
        connection = _connect(_address(path, read_only))
        try:
            if read_only:
                _require_current(connection, name)
            else:
                _prepare(connection)
                migrate(connection, name)
        except BaseException:
            connection.close()
            raise
    return Store(connection, name, read_only)


def open_private() -> Store:
    """A store in memory, for one visitor of a public page; it ends with them."""
    connection = _connect("file::memory:")
    migrate(connection, "The store in memory")
    return Store(connection, "The store of this session")


def _address(path: Path, read_only: bool) -> str:
    """A file that nobody writes has no log beside it, and where none can be made SQLite has to be
    told that it will stay so."""
    if not read_only:
        return f"{path.absolute().as_uri()}?mode=rwc"
    still = not path.with_name(f"{path.name}-wal").exists()
    return f"{path.absolute().as_uri()}?mode=ro{'&immutable=1' if still else ''}"


def _connect(address: str) -> sqlite3.Connection:
    connection = sqlite3.connect(
        address, uri=True, timeout=SECONDS, isolation_level=None, check_same_thread=False
    )
    connection.execute("PRAGMA foreign_keys = ON")
    return connection


def _prepare(connection: sqlite3.Connection) -> None:
    """SQLite does not wait where two programs turn to WAL at once; so ask again, as long as a
    write would wait."""
    connection.execute("PRAGMA auto_vacuum = FULL")
    for left in range(SECONDS * 20, -1, -1):
        try:
            connection.execute("PRAGMA journal_mode = WAL").fetchone()
            break
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode != sqlite3.SQLITE_BUSY or not left:
                raise
            sleep(0.05)
    connection.execute("PRAGMA synchronous = NORMAL")


def _require_current(connection: sqlite3.Connection, name: str) -> None:
    if check_version(connection, name) < VERSION:
        raise Fault(
            f"{name} is from an older version and may not be written, so it cannot be brought up "
            "to date; make it writable."
        )
