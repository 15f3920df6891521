"""The questions, passages and texts that metrics ask about; read and checked, never changed.

The layout is MUSE's (metrics/inputs/layout.py), in a folder or on the Hub: `knowmem/{forget_qa,
forget_qa_icl,retain_qa,retain_qa_icl}`, `verbmem/forget` and `privleak/{forget,holdout}`; where
they are there, `knowmem/retain1_qa` (questions about the retain texts that unlearning rehearsed)
and `privleak/retain`.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path
from typing import Any, TypeVar

from loaders.family import Family, is_local
from loaders.faults import Fault
from metrics.inputs.folder import read_folder
from metrics.inputs.hub import read_hub
from metrics.inputs.layout import CHARACTERS, OPTIONAL, SETS, Table
from metrics.inputs.sheets import broken_character, parse_json


@dataclass(frozen=True)
class Passage:
    """The beginning of a passage of the forget set, and how it goes on."""

    id: str
    prompt: str
    reference: str


@dataclass(frozen=True)
class Question:
    """A question and the answer that the data gives.

    `paraphrase` is that answer in other words, `perturbed` are wrong answers of the same form;
    empty where the data has none.
    """

    id: str
    question: str
    answer: str
    paraphrase: str = ""
    perturbed: tuple[str, ...] = ()


@dataclass(frozen=True)
class Text:
    """A text to be scored; `split` is "forget", "holdout" or "retain"."""

    id: str
    split: str
    text: str


Row = TypeVar("Row", Passage, Question, Text)


@dataclass(frozen=True)
class Data:
    """One data set. `sha256` is of its files as they are, whatever the limit on rows.

    A data set of the Hub is hashed by its rows. `knowmem_rehearsed` and `privleak_retain` are
    empty where the data set lacks them.
    """

    verbmem: tuple[Passage, ...]
    knowmem_f: tuple[Question, ...]
    knowmem_r: tuple[Question, ...]
    shots_f: tuple[Question, ...]
    shots_r: tuple[Question, ...]
    privleak_forget: tuple[Text, ...]
    privleak_holdout: tuple[Text, ...]
    sha256: str
    knowmem_rehearsed: tuple[Question, ...] = ()
    privleak_retain: tuple[Text, ...] = ()

    def without(self, ids: Collection[str]) -> "Data":
        """The same data less the rows called `ids`, for a run that goes on where one stopped.

        In-context examples stay, and so does `sha256`: it is the same data set.
        """
        left_out = frozenset(ids)
        return replace(
            self,
            verbmem=_kept(self.verbmem, left_out),
            knowmem_f=_kept(self.knowmem_f, left_out),
            knowmem_r=_kept(self.knowmem_r, left_out),
            privleak_forget=_kept(self.privleak_forget, left_out),
            privleak_holdout=_kept(self.privleak_holdout, left_out),
            knowmem_rehearsed=_kept(self.knowmem_rehearsed, left_out),
            privleak_retain=_kept(self.privleak_retain, left_out),
        )


def load_data(family: Family, limit: int | None = None) -> Data:
    """The data of `family`, the first `limit` rows of each set (in-context examples: all).

    A Hub id is downloaded at the family's `data_revision`, or taken from the cache.
    Faults name the file, the row (counted from 0, as in ids), the column and the cure.
    """
    if limit is not None and limit < 1:
        raise Fault(f"The limit is {limit} rows; choose 1 or more.")
    if is_local(family.data):
        tables = read_folder(Path(family.data))
    else:
        tables = read_hub(family.data, family.data_revision)
    return Data(
        verbmem=_passages(tables["verbmem/forget"], limit),
        knowmem_f=_questions(tables, "forget_qa", limit),
        knowmem_r=_questions(tables, "retain_qa", limit),
        shots_f=_questions(tables, "forget_qa_icl", None),
        shots_r=_questions(tables, "retain_qa_icl", None),
        privleak_forget=_texts(tables, "forget", limit),
        privleak_holdout=_texts(tables, "holdout", limit),
        sha256=_hash(tables),
        knowmem_rehearsed=_questions(tables, "retain1_qa", limit),
        privleak_retain=_texts(tables, "retain", limit),
    )


def _kept(rows: tuple[Row, ...], left_out: frozenset[str]) -> tuple[Row, ...]:
    return tuple(row for row in rows if row.id not in left_out)


def _passages(table: Table, limit: int | None) -> tuple[Passage, ...]:
    rows = _rows(table, ("prompt", "gt"))[:limit]
    return tuple(Passage(f"verbmem-{i}", row["prompt"], row["gt"]) for i, row in enumerate(rows))


def _questions(tables: dict[str, Table], split: str, limit: int | None) -> tuple[Question, ...]:
    if (table := tables.get(f"knowmem/{split}")) is None:
        return ()
    rows = _rows(table, ("question", "answer"))[:limit]
    return tuple(_question(table.source, split, number, row) for number, row in enumerate(rows))


def _question(source: str, split: str, number: int, row: dict[str, Any]) -> Question:
    return Question(
        f"{split}-{number}",
        row["question"],
        row["answer"],
        _paraphrase(source, number, row.get("paraphrased_answer")),
        _perturbed(source, number, row.get("perturbed_answers")),
    )


def _paraphrase(source: str, number: int, value: Any) -> str:
    if value is None or value == "":
        return ""
    return _text(source, number, "paraphrased_answer", value)


def _perturbed(source: str, number: int, value: Any) -> tuple[str, ...]:
    """A list of wrong answers; in a CSV cell, the JSON of one."""
    if value is None or value == "":
        return ()
    try:
        answers = parse_json(value) if isinstance(value, str) else value
    except ValueError:
        answers = None
    if not isinstance(answers, list):
        raise Fault(
            f"{source}, row {number}: 'perturbed_answers' is {_shown(value)}; "
            'put a list of texts there (in CSV as ["one", "two"]) or leave it empty.'
        )
    return tuple(_text(source, number, "perturbed_answers", answer) for answer in answers)


def _texts(tables: dict[str, Table], split: str, limit: int | None) -> tuple[Text, ...]:
    """MUSE's own files are lists of plain texts, the Hub's have a column."""
    if (table := tables.get(f"privleak/{split}")) is None:
        return ()
    named = tuple({"text": row} if isinstance(row, str) else row for row in table.rows)
    rows = _rows(replace(table, rows=named), ("text",))[:limit]
    return tuple(Text(f"privleak_{split}-{i}", split, row["text"]) for i, row in enumerate(rows))


def _rows(table: Table, columns: Sequence[str]) -> list[dict[str, Any]]:
    """All rows, whatever the limit, so that a fault is found before a long run is asked for."""
    for number, row in enumerate(table.rows):
        _check(table.source, number, row, columns)
    return list(table.rows)


def _check(source: str, number: int, row: Any, columns: Sequence[str]) -> None:
    if not isinstance(row, dict):
        raise Fault(f"{source}, row {number} is {_shown(row)}; it needs {' and '.join(columns)}.")
    for column in columns:
        if column not in row:
            raise Fault(f"{source}, row {number} has no {column!r}; add it or remove the row.")
        _text(source, number, column, row[column])


def _text(source: str, number: int, column: str, value: Any) -> str:
    """`value`, if it is a text that a tokenizer takes and not out of all bounds."""
    where = f"{source}, row {number}: {column!r}"
    if not isinstance(value, str) or not value.strip():
        raise Fault(f"{where} is {_shown(value)}; put text there or remove the row.")
    if len(value) > CHARACTERS:
        raise Fault(
            f"{where} has {len(value):,} characters; {CHARACTERS:,} is the most, so cut it."
        )
    if broken := broken_character(value):
        raise Fault(f"{where} has {broken}; write the character whole.")
    return value


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 40 else text[:37] + "..."


def _hash(tables: dict[str, Table]) -> str:
    """Of the needed tables first, so that a data set without optional ones keeps its hash."""
    digest = sha256()
    for name in (*SETS, *OPTIONAL):
        if name in tables:
            digest.update(f"{name}\0".encode())
            digest.update(tables[name].digest)
    return digest.hexdigest()
