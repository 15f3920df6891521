"""The TOML of a family whose models are prequantized, from that of its source; quantizes nothing.

What is not prequantized yet stays as it was, and is quantized when it is loaded.
"""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import tomlkit

from loaders.family import is_local

HEAD = "# Made by `python -m loaders prequantize` from the family {name}.\n"
OWN = ("repo", "revision", "tokenizer", "tokenizer_revision")


@dataclass(frozen=True)
class Place:
    """Where a prequantized model is: a folder from the TOML's own, or a Hub id and its commit."""

    repo: str
    revision: str = ""


def family_text(source: Path, places: Mapping[str, Place]) -> str:
    """The family in the file `source` with the models in `places`, by key, where they are now.

    Its recorded results are left out: they were measured on what the family was made from.
    """
    raw = tomllib.loads(source.read_text(encoding="utf-8"))
    head = HEAD.format(name=raw["name"])
    raw |= {"name": f"{raw['name']}-nf4", "title": f"{raw['title']}, prequantized"}
    raw.pop("results", None)
    if "sweep" in raw:
        raw["sweep"] = _absolute(source, raw["sweep"])
    raw["data"] = _moved(source, raw["data"])
    raw["models"] = [_row(source, row, places.get(row["key"])) for row in raw["models"]]
    return head + tomlkit.dumps(raw)


def _row(source: Path, row: Mapping[str, Any], place: Place | None) -> dict[str, Any]:
    """A model's row; its tokenizer was written beside its weights."""
    moved = {key: value for key, value in row.items() if place is None or key not in OWN}
    for key in ("repo", "tokenizer", "adapter"):
        if key in moved:
            moved[key] = _moved(source, moved[key])
    if place is not None:
        moved |= {"repo": place.repo} | ({"revision": place.revision} if place.revision else {})
    if file := moved.get("card", {}).get("file"):
        moved["card"] = {**moved["card"], "file": _absolute(source, file)}
    # Tables have to come last.
    return dict(sorted(moved.items(), key=lambda item: isinstance(item[1], dict)))


def _moved(source: Path, place: str) -> str:
    """A folder as it is found from anywhere; a Hub id is that already."""
    return _absolute(source, place) if is_local(place) else place


def _absolute(source: Path, place: str) -> str:
    return str((source.parent / Path(place).expanduser()).resolve())
