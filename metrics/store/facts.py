"""What stands beside the numbers of a record, as JSON and back; no SQL."""

import json
from collections.abc import Mapping
from dataclasses import asdict, replace

from pydantic import TypeAdapter

from metrics.results import Record
from metrics.store.faces import Face
from metrics.store.keys import ID
from metrics.store.packing import read_number, unpack_samples
from metrics.store.records import Number, Stored

RECORD = TypeAdapter(Record)


def write_facts(record: Record, face: Face, device: str, versions: Mapping[str, str]) -> str:
    """All of a record but its metrics."""
    bare = asdict(replace(record, metrics={}))
    facts = {"record": bare, "face": asdict(face), "device": device, "versions": dict(versions)}
    return json.dumps(facts)


def read_facts(
    name: str, family: str, begun: str, text: str, numbers: Mapping[str, Number], rows: int
) -> Stored:
    """The record called `name` in full, of what `write_facts` wrote and its numbers."""
    facts = json.loads(text)
    measured = {metric: number.measurement for metric, number in numbers.items()}
    dates = {metric: number.created for metric, number in numbers.items()}
    return Stored(
        id=name[:ID],
        family=family,
        device=facts["device"],
        versions=facts["versions"],
        created=max(dates.values(), default=begun),
        face=Face(**facts["face"]),
        record=replace(RECORD.validate_python(facts["record"]), metrics=measured),
        dates=dates,
        rows=rows,
    )


def make_number(created: str, text: str, samples: bytes | None = None) -> Number:
    """A number of its columns, without its samples where they were not asked for."""
    known = unpack_samples(samples) if samples is not None else ()
    return Number(read_number(text, known), created)
