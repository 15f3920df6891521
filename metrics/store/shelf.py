"""A store and the results that are shipped, looked through together; nothing shipped is changed."""

from collections.abc import Sequence

from loaders.faults import Fault
from metrics.store.records import Filter, Stored
from metrics.store.shipped import read_shipped
from metrics.store.store import EVERYTHING, Store


def list_records(store: Store, wanted: Filter = EVERYTHING) -> tuple[Stored, ...]:
    """The wanted records, the newest first, those of the store without their samples."""
    shipped = tuple(one for one in read_shipped() if wanted.takes(one))
    found = (*store.list(wanted), *shipped)
    return tuple(sorted(found, key=lambda one: one.created, reverse=True))


def find_record(store: Store, name: str) -> Stored:
    """The one record whose id begins with `name`, with its samples; a Fault otherwise."""
    found = [one for one in list_records(store) if one.id.startswith(name)]
    if len(found) > 1:
        raise Fault(f"{len(found)} records have an id that begins with {name!r}; write more of it.")
    if not found:
        raise Fault(
            f"There is no record {name!r}; `python -m metrics results list` shows those there are."
        )
    return found[0] if found[0].read_only else store.get(name)


def with_samples(store: Store, stored: Sequence[Stored]) -> tuple[Stored, ...]:
    """The same records in full."""
    return tuple(one if one.read_only else store.get(one.id) for one in stored)
