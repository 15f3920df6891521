"""Where a user's store is on this machine; never what is in it."""

import os
from pathlib import Path

from platformdirs import user_data_path

from loaders.faults import Fault
from metrics.store.file import open_file
from metrics.store.store import Store

VARIABLE = "UNLEARNING_DATA"
PROGRAM = "unlearning-side-by-side"
FILE = "results.sqlite"


def data_folder() -> Path:
    """The folder that UNLEARNING_DATA names, else the system's own for a program's data."""
    named = os.environ.get(VARIABLE, "").strip()
    return Path(named).expanduser() if named else user_data_path(PROGRAM, appauthor=False)


def store_path() -> Path:
    """The file of the user's store, whether it is there or not."""
    return data_folder() / FILE


def open_store(path: Path | None = None) -> Store:
    """The user's store, or the one at `path`; made, or brought up to date, where it has to be.

    One that may not be written is opened to be read. Fault for a folder that cannot be made, a
    file that is no store or a damaged one, and one from a newer version.
    """
    file = path or store_path()
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise Fault(
            f"The folder {file.parent} for results cannot be made ({error.strerror}); set "
            f"{VARIABLE} to one that can be written."
        ) from error
    read_only = file.exists() and not (os.access(file, os.W_OK) and os.access(file.parent, os.W_OK))
    return open_file(file, read_only=read_only)
