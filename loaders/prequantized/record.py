"""What a prequantized checkpoint is and what it was made from, as JSON beside it; never checks."""

import hashlib
import json
import platform
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path

from pydantic import ConfigDict, TypeAdapter, ValidationError

from loaders.faults import Fault

NAME = "prequantized.json"
LIBRARIES = ("bitsandbytes", "torch", "transformers", "safetensors")


@dataclass(frozen=True)
class File:
    """A file of weights."""

    name: str
    bytes: int
    sha256: str


@dataclass(frozen=True)
class Record:
    """A checkpoint that was verified when this was written.

    `source` is a Hub id, pinned by `commit`, or the name of a folder, which has none; `licence` is
    the Hub's word for it, empty where none is stated. `probe` says what the verification ran.
    """

    __pydantic_config__ = ConfigDict(extra="forbid")

    label: str
    source: str
    commit: str
    licence: str
    source_files: tuple[File, ...]
    files: tuple[File, ...]
    dtype: str
    device: str
    probe: str
    versions: dict[str, str]
    created: str

    @property
    def is_from_hub(self) -> bool:
        """Whether the source is a repository that others can look at."""
        return bool(self.commit)

    @property
    def bytes(self) -> int:
        """What the written weights take."""
        return sum(file.bytes for file in self.files)


def hash_files(folder: Path) -> tuple[File, ...]:
    """Every .safetensors file of `folder` by its name; reads all of them."""
    files = []
    for path in sorted(folder.glob("*.safetensors")):
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        files.append(File(path.name, path.stat().st_size, digest))
    return tuple(files)


def library_versions() -> dict[str, str]:
    """What decides which bits are written, with Python's own."""
    return {"python": platform.python_version()} | {name: version(name) for name in LIBRARIES}


def write_record(folder: Path, record: Record) -> None:
    """Put `record` beside the weights it is about."""
    text = json.dumps(asdict(record), indent=1, ensure_ascii=False)
    (folder / NAME).write_text(f"{text}\n", encoding="utf-8")


def read_record(folder: Path) -> Record:
    """What `write_record` wrote; a Fault for a folder that holds anything else."""
    try:
        return TypeAdapter(Record).validate_json((folder / NAME).read_bytes())
    except (OSError, ValidationError) as error:
        raise Fault(
            f"{folder} is there already and holds no checkpoint of this kind (its {NAME} cannot "
            "be read); remove it or choose another --out."
        ) from error
