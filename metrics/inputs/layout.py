"""MUSE's layout: which tables a data set has, and how large they may be; never reads one.

`config/split` names a table, as on the Hub. Those of OPTIONAL may be missing.
"""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from loaders.faults import Fault

SETS = (
    "knowmem/forget_qa",
    "knowmem/forget_qa_icl",
    "knowmem/retain_qa",
    "knowmem/retain_qa_icl",
    "verbmem/forget",
    "privleak/forget",
    "privleak/holdout",
)
OPTIONAL = ("knowmem/retain1_qa", "privleak/retain")

# What MUSE called them until July 2024; read where the present name is missing.
OLD_NAMES = {
    "knowmem/retain_qa": "knowmem/retain2_qa",
    "knowmem/retain_qa_icl": "knowmem/retain2_qa_icl",
    "privleak/retain": "privleak/retain2",
}

ROWS = 100_000
CHARACTERS = 200_000


@dataclass(frozen=True)
class Table:
    """Rows as they were read. `source` is what a Fault calls the table.

    `digest` is the SHA-256 of the file; of the rows, as JSON, where there is no one file.
    """

    source: str
    rows: tuple[Any, ...]
    digest: bytes


def present_name(names: Collection[str], name: str) -> str | None:
    """What the table `name` is called among `names`, in MUSE's present or older naming."""
    called = (name, OLD_NAMES.get(name, name))
    return next((one for one in called if one in names), None)


def require_size(source: str, rows: int) -> None:
    """Fault for a table of no rows, or of more than ROWS."""
    if rows == 0:
        raise Fault(f"{source} holds no rows; it must be a list with at least one.")
    if rows > ROWS:
        raise Fault(f"{source} has {rows:,} rows; {ROWS:,} is the most, so cut it down.")
