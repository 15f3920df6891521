"""The questions, passages and texts that metrics ask about; read and checked, never changed.

The layout is MUSE's: `knowmem/{forget_qa,forget_qa_icl,retain_qa,retain_qa_icl}`,
`verbmem/forget` and `privleak/{forget,holdout}`, each a `.json` list or the Hub's `.parquet`.
`privleak/retain` enters no headline number and is not read.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

from loaders.family import Family, is_local
from loaders.faults import Fault

SETS = (
    "knowmem/forget_qa",
    "knowmem/forget_qa_icl",
    "knowmem/retain_qa",
    "knowmem/retain_qa_icl",
    "verbmem/forget",
    "privleak/forget",
    "privleak/holdout",
)


@dataclass(frozen=True)
class Passage:
    """The beginning of a passage of the forget set, and how it goes on."""

    id: str
    prompt: str
    reference: str


@dataclass(frozen=True)
class Question:
    """A question and the answer that the data gives."""

    id: str
    question: str
    answer: str


@dataclass(frozen=True)
class Text:
    """A text to be scored; `split` is "forget" or "holdout"."""

    id: str
    split: str
    text: str


@dataclass(frozen=True)
class Data:
    """One data set. `sha256` is of the files as they are, whatever the limit on rows."""

    verbmem: tuple[Passage, ...]
    knowmem_f: tuple[Question, ...]
    knowmem_r: tuple[Question, ...]
    shots_f: tuple[Question, ...]
    shots_r: tuple[Question, ...]
    privleak_forget: tuple[Text, ...]
    privleak_holdout: tuple[Text, ...]
    sha256: str


def load_data(family: Family, limit: int | None = None) -> Data:
    """The data of `family`, the first `limit` rows of each set (in-context examples: all).

    A Hub id is downloaded at the family's `data_revision`, or taken from the Hub's cache.
    Faults name the file, the row (counted from 0, as in ids), the column and the cure.
    """
    if limit is not None and limit < 1:
        raise Fault(f"The limit is {limit} rows; choose 1 or more.")
    folder = Path(family.data) if is_local(family.data) else _download(family)
    files = {name: _file(folder, name) for name in SETS}
    passages = tuple(
        Passage(f"verbmem-{i}", row["prompt"], row["gt"])
        for i, row in enumerate(_rows(files["verbmem/forget"], ("prompt", "gt"))[:limit])
    )
    return Data(
        verbmem=passages,
        knowmem_f=_questions(files["knowmem/forget_qa"], "forget_qa", limit),
        knowmem_r=_questions(files["knowmem/retain_qa"], "retain_qa", limit),
        shots_f=_questions(files["knowmem/forget_qa_icl"], "forget_qa_icl", None),
        shots_r=_questions(files["knowmem/retain_qa_icl"], "retain_qa_icl", None),
        privleak_forget=_texts(files["privleak/forget"], "forget", limit),
        privleak_holdout=_texts(files["privleak/holdout"], "holdout", limit),
        sha256=_hash(files),
    )


def _download(family: Family) -> Path:
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HfHubHTTPError

    try:
        path = snapshot_download(
            family.data,
            repo_type="dataset",
            revision=family.data_revision or None,
            allow_patterns=[f"{name}{end}" for name in SETS for end in ("-*.parquet", ".json")],
        )
    except (HfHubHTTPError, OSError, ValueError) as error:
        reason = str(error).strip().splitlines()[0]
        raise Fault(
            f"The data set {family.data} could not be downloaded: {reason} "
            "Check the name, the revision and the network, or give a folder."
        ) from error
    return Path(path)


def _file(folder: Path, name: str) -> Path:
    if not folder.is_dir():
        raise Fault(f"The data folder {folder} does not exist; set 'data' in the family's file.")
    path = folder / f"{name}.json"
    found = [path] if path.is_file() else sorted(folder.glob(f"{name}-*.parquet"))
    if not found:
        raise Fault(f"{path} is missing; a MUSE data folder has it (or a .parquet of that name).")
    if len(found) > 1:
        raise Fault(f"{folder / name} is in {len(found)} parquet files; put it into one.")
    return found[0]


def _questions(path: Path, name: str, limit: int | None) -> tuple[Question, ...]:
    rows = _rows(path, ("question", "answer"))[:limit]
    return tuple(Question(f"{name}-{i}", r["question"], r["answer"]) for i, r in enumerate(rows))


def _texts(path: Path, split: str, limit: int | None) -> tuple[Text, ...]:
    rows = _rows(path, ("text",))[:limit]
    return tuple(Text(f"privleak_{split}-{i}", split, row["text"]) for i, row in enumerate(rows))


def _rows(path: Path, columns: Sequence[str]) -> list[dict[str, str]]:
    raw = _parquet(path) if path.suffix == ".parquet" else _json(path)
    if not isinstance(raw, list) or not raw:
        raise Fault(f"{path} holds no rows; it must be a list with at least one.")
    if columns == ("text",):
        raw = [{"text": row} if isinstance(row, str) else row for row in raw]
    return [_checked(path, number, row, columns) for number, row in enumerate(raw)]


def _json(path: Path) -> Any:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise Fault(f"{path} is not JSON: {error}.") from error


def _parquet(path: Path) -> Any:
    import pandas

    try:
        return pandas.read_parquet(path).to_dict("records")
    except (OSError, ValueError) as error:
        raise Fault(f"{path} is not readable as parquet: {error}.") from error


def _checked(path: Path, number: int, row: Any, columns: Sequence[str]) -> dict[str, str]:
    if not isinstance(row, dict):
        raise Fault(f"{path}, row {number} is {_shown(row)}; it needs {' and '.join(columns)}.")
    for column in columns:
        if column not in row:
            raise Fault(f"{path}, row {number} has no {column!r}; add it or remove the row.")
        value = row[column]
        if not isinstance(value, str) or not value.strip():
            raise Fault(
                f"{path}, row {number}: {column!r} is {_shown(value)}; "
                "put text there or remove the row."
            )
    return {column: row[column] for column in columns}


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 40 else text[:37] + "..."


def _hash(files: dict[str, Path]) -> str:
    digest = sha256()
    for name in SETS:
        digest.update(f"{name}\0".encode())
        digest.update(sha256(files[name].read_bytes()).digest())
    return digest.hexdigest()
