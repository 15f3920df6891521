"""The results that come with the project, as records that can be read and never changed."""

from functools import lru_cache
from pathlib import Path

from loaders.family import load_family
from loaders.faults import Fault
from metrics.results import from_json
from metrics.store.faces import Face, faces_of
from metrics.store.records import Stored, as_stored

SHIPPED = Path(__file__).parents[2] / "assets" / "demo" / "results.json"


@lru_cache(maxsize=4)
def read_shipped(path: Path = SHIPPED) -> tuple[Stored, ...]:
    """Every record of the file, its source "recorded"; none where there is no such file.

    Fault for a file that cannot be read.
    """
    if not path.is_file():
        return ()
    try:
        results = from_json(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise Fault(f"The shipped results in {path} could not be read: {error}.") from error
    return as_stored(results, _faces(results.family), "recorded")


def _faces(name: str) -> dict[str, Face]:
    """Those of a family that ships; none for another one."""
    try:
        return faces_of(load_family(name))
    except Fault:
        return {}
