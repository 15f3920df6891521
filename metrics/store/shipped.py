"""The results that come with the project's families, as records that are read and never changed."""

from functools import lru_cache
from pathlib import Path

from loaders.family import family_names, load_family
from loaders.faults import Fault
from metrics.files import read_text
from metrics.results import from_json
from metrics.store.faces import Face, faces_of
from metrics.store.records import Stored, as_stored


def read_shipped() -> tuple[Stored, ...]:
    """Every record that a family of the project ships, its source "recorded".

    Fault for a file that cannot be read.
    """
    named = [load_family(name).results for name in family_names()]
    return tuple(one for path in dict.fromkeys(named) if path for one in read_recorded(Path(path)))


@lru_cache(maxsize=8)
def read_recorded(path: Path) -> tuple[Stored, ...]:
    """Every record of one file of results, its source "recorded"."""
    results = from_json(read_text(path))
    return as_stored(results, _faces(results.family), "recorded")


def _faces(name: str) -> dict[str, Face]:
    """Those of a family that ships; none for another one."""
    try:
        return faces_of(load_family(name))
    except Fault:
        return {}
