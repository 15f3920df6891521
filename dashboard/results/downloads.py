"""Files that a visitor takes away, in a folder of their own; never what is in them."""

import shutil
import tempfile
import weakref
from collections.abc import Sequence
from pathlib import Path

from loaders.faults import Fault
from metrics.export import Format
from metrics.export.rows import Rows
from metrics.store import Stored


class Downloads:
    """The last file of each visitor; the others are deleted, and all of them with the page."""

    def __init__(self) -> None:
        self._folder = Path(tempfile.mkdtemp(prefix="unlearning-downloads-"))
        self._closing = weakref.finalize(self, shutil.rmtree, self._folder, ignore_errors=True)
        self._last: dict[str, Path] = {}

    def write(self, visitor: str, form: Format, stored: Sequence[Stored], rows: Rows) -> Path:
        """The records as a file of that format. Fault where it cannot be made or written."""
        content = form.write(stored, rows)
        self.leave(visitor)
        try:
            folder = Path(tempfile.mkdtemp(dir=self._folder))
            self._last[visitor] = folder
            path = folder / f"{_name(stored)}{form.suffix}"
            path.write_bytes(content)
        except OSError as error:
            raise Fault(f"The file could not be written: {error.strerror}.") from error
        return path

    def leave(self, visitor: str) -> None:
        """Delete the visitor's file."""
        if (folder := self._last.pop(visitor, None)) is not None:
            shutil.rmtree(folder, ignore_errors=True)

    def close(self) -> None:
        """Delete all of them."""
        self._closing()


def _name(stored: Sequence[Stored]) -> str:
    """ "results-1a2b3c4d5e6f" of one record, "results-4-records" of several."""
    return f"results-{stored[0].id}" if len(stored) == 1 else f"results-{len(stored)}-records"
