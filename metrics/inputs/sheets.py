"""CSV and JSON Lines as rows; never says which columns a row must have."""

import csv
import io
import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from loaders.faults import Fault

DELIMITERS = ",;\t"


@dataclass(frozen=True)
class Sheet:
    """A CSV file: the names in its header, and each row below it by those names.

    A row with fewer cells than the header lacks the last ones.
    """

    columns: tuple[str, ...]
    rows: tuple[dict[str, str], ...]


def decode(source: str, content: bytes) -> str:
    """UTF-8 text, with or without a byte order mark; a Fault names the line that is neither."""
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        byte = error.object[error.start]
        raise Fault(
            f"{source}, line {line} has the byte {byte:#04x}, which is not UTF-8; "
            "save the file as UTF-8."
        ) from error
    if "\0" in text:
        line = text.count("\n", 0, text.index("\0")) + 1
        raise Fault(f"{source}, line {line} has a NUL byte; save the file as UTF-8 text.")
    return text


def parse_json(text: str) -> Any:
    """JSON as Python reads it; a ValueError for whatever is none, too deep or too long a number."""
    try:
        return json.loads(text)
    except RecursionError as error:
        raise ValueError("it is nested too deeply") from error


def broken_character(text: str) -> str | None:
    """The first lone surrogate, which JSON can spell and no UTF-8 can hold, as JSON spells it."""
    try:
        text.encode("utf-8")
    except UnicodeEncodeError as error:
        return f"half a character (\\u{ord(text[error.start]):04x})"
    return None


def parse_lines(source: str, content: bytes) -> list[Any]:
    """The values of JSON Lines, empty lines left out; a Fault names the line, counted from 1."""
    values = []
    for number, line in enumerate(decode(source, content).split("\n"), 1):
        if not line.strip():
            continue
        try:
            values.append(parse_json(line))
        except ValueError as error:
            raise Fault(f"{source}, line {number} is not JSON: {_place(error)}.") from error
    return values


def _place(error: ValueError) -> str:
    """What Python's parser says, less its own count of lines, which is 1 for every line."""
    if isinstance(error, json.JSONDecodeError):
        return f"{error.msg} at character {error.colno}"
    return str(error)


def parse_csv(source: str, content: bytes, first: int) -> Sheet:
    """A CSV file with a header, its delimiter one of DELIMITERS; empty lines are left out.

    Faults count the rows below the header from `first`.
    """
    text = decode(source, content)
    records = _records(source, text, _delimiter(text), first)
    header = [name.strip() for name in next(records, [])]
    for name, times in Counter(filter(None, header)).items():
        if times > 1:
            raise Fault(f"{source} has {times} columns called {name!r}; keep one of them.")
    rows = []
    for number, cells in enumerate(records, first):
        if len(cells) > len(header):
            raise Fault(
                f"{source}, row {number} has {len(cells)} cells and the header {len(header)}; "
                "put double quotes around a cell that holds the delimiter."
            )
        rows.append(dict(zip(header, cells, strict=False)))
    return Sheet(tuple(header), tuple(rows))


def _delimiter(text: str) -> str:
    """The one that the header has most of; a comma where it has none."""
    header = text.lstrip("\r\n").partition("\n")[0]
    return max(DELIMITERS, key=header.count)


def _records(source: str, text: str, delimiter: str, first: int) -> Iterator[list[str]]:
    """Header and rows. Strict: an open quote would swallow all that comes after it."""
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    number = first - 1
    while True:
        where = "the header" if number < first else f"row {number}"
        try:
            cells = next(reader, None)
        except csv.Error as error:
            raise Fault(f"{source}, {where} {_reason(error)}") from error
        if cells is None:
            return
        if cells:
            yield cells
            number += 1


def _reason(error: csv.Error) -> str:
    if "field limit" in str(error):
        limit = csv.field_size_limit()
        return f"has a cell of more than {limit:,} characters; cut it, or close its double quote."
    return "has a double quote that is not closed or, inside a cell, not written twice; mend it."
