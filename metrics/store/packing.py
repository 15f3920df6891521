"""Rows and samples as compressed JSON and back; never where they are kept.

Compressed: a prompt of ten examples is the same in every row but for its end.
"""

import json
import zlib
from collections.abc import Sequence
from dataclasses import asdict, fields, replace
from typing import Any

from pydantic import TypeAdapter, ValidationError

from loaders.faults import Fault
from metrics.passes import Likelihoods, Options, Output, Row
from metrics.results import AnySample, Measurement

KINDS: dict[str, TypeAdapter[Any]] = {
    kind.__name__: TypeAdapter(kind) for kind in (Output, Likelihoods, Options)
}
SAMPLES = TypeAdapter(tuple[AnySample, ...])
NUMBER = TypeAdapter(Measurement)


def pack_row(row: Row) -> bytes:
    """One row, its kind beside it. Python's JSON: a log-prob that is NaN stays one."""
    values = {field.name: getattr(row, field.name) for field in fields(row)}
    return _packed([type(row).__name__, values])


def unpack_row(packed: bytes) -> Row:
    """What `pack_row` made; a Fault for anything else."""
    kind, values = _unpacked(packed)
    row: Row = _checked(KINDS[kind], values)
    return row


def pack_samples(samples: Sequence[AnySample]) -> bytes:
    """The samples behind a number."""
    return _packed([asdict(sample) for sample in samples])


def unpack_samples(packed: bytes) -> tuple[AnySample, ...]:
    """What `pack_samples` made; a Fault for anything else."""
    samples: tuple[AnySample, ...] = _checked(SAMPLES, _unpacked(packed))
    return samples


def write_number(measurement: Measurement) -> str:
    """A measurement without its samples, as JSON."""
    values = asdict(replace(measurement, samples=()))
    return json.dumps({name: value for name, value in values.items() if value is not None})


def read_number(text: str, samples: tuple[AnySample, ...] = ()) -> Measurement:
    """What `write_number` wrote, with `samples` in place."""
    number: Measurement = _checked(NUMBER, json.loads(text))
    return replace(number, samples=samples)


def _packed(value: Any) -> bytes:
    return zlib.compress(json.dumps(value, separators=(",", ":")).encode("ascii"))


def _unpacked(packed: bytes) -> Any:
    try:
        return json.loads(zlib.decompress(packed))
    except (zlib.error, ValueError) as error:
        raise Fault(f"A stored row cannot be read: {error}.") from error


def _checked(kind: TypeAdapter[Any], value: Any) -> Any:
    try:
        return kind.validate_python(value)
    except ValidationError as error:
        raise Fault(f"A stored row is not as expected: {error.errors()[0]['msg']}.") from error
