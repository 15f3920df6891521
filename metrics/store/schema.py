"""The tables of the store and how an older file becomes a newer one; never what is in them.

`PRAGMA user_version` is the number of migrations that a file has been through.
"""

import sqlite3

from loaders.faults import Fault

FIRST = (
    """CREATE TABLE records (
        id TEXT PRIMARY KEY,
        origin TEXT NOT NULL,
        family TEXT NOT NULL,
        model TEXT NOT NULL,
        precision TEXT NOT NULL,
        profile TEXT NOT NULL,
        begun TEXT NOT NULL,
        facts TEXT NOT NULL
    )""",
    "CREATE INDEX records_by_origin ON records (origin)",
    """CREATE TABLE numbers (
        record TEXT NOT NULL REFERENCES records (id) ON DELETE CASCADE,
        metric TEXT NOT NULL,
        created TEXT NOT NULL,
        number TEXT NOT NULL,
        samples BLOB NOT NULL,
        PRIMARY KEY (record, metric)
    )""",
    """CREATE TABLE rows (
        origin TEXT NOT NULL,
        source TEXT NOT NULL,
        id TEXT NOT NULL,
        row BLOB NOT NULL,
        PRIMARY KEY (origin, source, id)
    )""",
)
# A number that is set against a reference is another number against another reference. What older
# ones were set against was not kept: they are shown, and measured anew where they are asked for.
AGAINST = (
    """CREATE TABLE numbers_2 (
        record TEXT NOT NULL REFERENCES records (id) ON DELETE CASCADE,
        metric TEXT NOT NULL,
        against TEXT NOT NULL,
        created TEXT NOT NULL,
        number TEXT NOT NULL,
        samples BLOB NOT NULL,
        PRIMARY KEY (record, metric, against)
    )""",
    """INSERT INTO numbers_2 (record, metric, against, created, number, samples)
        SELECT record, metric,
            CASE WHEN json_extract(number, '$.reference') IS NULL THEN '' ELSE 'not kept' END,
            created, number, samples
        FROM numbers""",
    "DROP TABLE numbers",
    "ALTER TABLE numbers_2 RENAME TO numbers",
)
MIGRATIONS = (FIRST, AGAINST)
VERSION = len(MIGRATIONS)


def migrate(connection: sqlite3.Connection, name: str) -> None:
    """Bring the file to VERSION, all of it or nothing. Fault for one that is from a newer one.

    `connection` is in autocommit mode; two processes that open one file migrate it once.
    """
    if check_version(connection, name) == VERSION:
        return
    connection.execute("BEGIN IMMEDIATE")
    try:
        for number in range(check_version(connection, name), VERSION):
            for statement in MIGRATIONS[number]:
                connection.execute(statement)
            connection.execute(f"PRAGMA user_version = {number + 1}")
    except BaseException:
        connection.execute("ROLLBACK")
        raise
    connection.execute("COMMIT")


def check_version(connection: sqlite3.Connection, name: str) -> int:
    """The version of the file; a Fault for one that this program does not know."""
    found = int(connection.execute("PRAGMA user_version").fetchone()[0])
    if found > VERSION:
        raise Fault(
            f"{name} has version {found}, and this program knows versions up to {VERSION}: update "
            "it, or set UNLEARNING_DATA to another folder."
        )
    return found
