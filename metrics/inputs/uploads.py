"""A visitor's own prompts, from a CSV or JSON Lines file; never kept and never sent anywhere.

Rows are counted as a person counts them: row 1 is the first below the header of a CSV, and the
first line of a JSON Lines file. Empty lines are left out and not counted.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import PurePath
from typing import Any

from loaders.faults import Fault
from metrics.inputs.sheets import broken_character, parse_csv, parse_lines

BYTES = 2 * 1024 * 1024
ROWS = 500
CHARACTERS = 8_000


@dataclass(frozen=True)
class Prompt:
    """A prompt and the answer that it is scored against; without one it is only answered.

    `id` is "row-1" for the first row.
    """

    id: str
    prompt: str
    reference: str | None


def read_prompts(name: str, content: bytes) -> tuple[Prompt, ...]:
    """The prompts of an uploaded file called `name`: a column prompt and, if wanted, reference.

    Other columns are left alone, and so is the text of a cell, spaces at its ends included.
    Faults name the file, the row, the column and the cure.
    """
    name = PurePath(name).name
    if len(content) > BYTES:
        raise Fault(
            f"{name} has {len(content) / 1024**2:.1f} MiB; {BYTES // 1024**2} MiB is the most, "
            "so split the file."
        )
    rows = _rows(name, content) if content.strip() else []
    if not rows:
        raise Fault(f"{name} has no rows; write a prompt into it.")
    if len(rows) > ROWS:
        raise Fault(f"{name} has {len(rows):,} rows; {ROWS} is the most, so split the file.")
    return tuple(_prompt(name, number, row) for number, row in enumerate(rows, 1))


def _rows(name: str, content: bytes) -> Sequence[Any]:
    ending = PurePath(name).suffix.lower()
    if ending == ".jsonl":
        return parse_lines(name, content)
    if ending != ".csv":
        raise Fault(f"{name} is neither .csv nor .jsonl; save it as one of them.")
    sheet = parse_csv(name, content, first=1)
    _check_names(f"{name}, the header", sheet.columns)
    return [{column: row.get(column, "") for column in sheet.columns} for row in sheet.rows]


def _prompt(name: str, number: int, row: Any) -> Prompt:
    where = f"{name}, row {number}"
    if not isinstance(row, dict):
        raise Fault(
            f'{where} is {_shown(row)}; write it as {{"prompt": "...", "reference": "..."}}.'
        )
    _check_names(where, tuple(row))
    prompt = _cell(where, "prompt", row["prompt"])
    if prompt is None:
        raise Fault(f"{where}, column 'prompt' is empty; write a prompt or remove the row.")
    return Prompt(f"row-{number}", prompt, _cell(where, "reference", row.get("reference")))


def _check_names(where: str, names: Sequence[str]) -> None:
    """A reference that is misspelt would not be scored, and nobody would know why."""
    if "prompt" not in names:
        near = _nearest("prompt", names)
        meant = f" (did you mean {near!r}?)" if near else ""
        raise Fault(f"{where} has no column 'prompt'{meant}; a column of that name is needed.")
    if "reference" not in names and (near := _nearest("reference", names)):
        raise Fault(f"{where} has a column {near!r}; name it 'reference' or leave it out.")


def _nearest(name: str, names: Sequence[str]) -> str | None:
    spelt = {other.strip().lower(): other for other in names}
    match = get_close_matches(name, list(spelt), n=1, cutoff=0.75)
    return spelt[match[0]] if match else None


def _cell(where: str, column: str, value: Any) -> str | None:
    """The text of a cell, None for an empty one."""
    where = f"{where}, column {column!r}"
    if value is None:
        return None
    if not isinstance(value, str):
        raise Fault(f"{where} is {_shown(value)} and no text; put it into double quotes.")
    if len(value) > CHARACTERS:
        raise Fault(
            f"{where} has {len(value):,} characters; {CHARACTERS:,} is the most, so cut it."
        )
    if broken := broken_character(value):
        raise Fault(f"{where} has {broken}; write the character whole.")
    return value if value.strip() else None


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 40 else text[:37] + "..."
