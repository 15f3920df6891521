"""Data of as many rows as are asked for; where the data ends it begins again, with new ids."""

from collections.abc import Sequence
from dataclasses import replace
from typing import TypeVar

from metrics import Data, Passage, Question, Text

Row = TypeVar("Row", Passage, Question, Text)


def of_length(data: Data, rows: int) -> Data:
    """`data` with `rows` rows in each set; the examples before questions stay as they are."""
    return replace(
        data,
        verbmem=_repeated(data.verbmem, rows),
        knowmem_f=_repeated(data.knowmem_f, rows),
        knowmem_r=_repeated(data.knowmem_r, rows),
        privleak_forget=_repeated(data.privleak_forget, rows),
        privleak_holdout=_repeated(data.privleak_holdout, rows),
    )


def _repeated(rows: Sequence[Row], count: int) -> tuple[Row, ...]:
    found = []
    for number in range(count):
        turn, place = divmod(number, len(rows))
        row = rows[place]
        found.append(replace(row, id=f"{row.id}+{turn}") if turn else row)
    return tuple(found)
