"""What a Hub of one's own holds, and what goes wrong there; serves nothing."""

import io
import re
from dataclasses import dataclass, field
from hashlib import sha1, sha256
from typing import Any

import pandas

LARGE = (".safetensors",)  # kept outside git, and given out by another server


@dataclass(frozen=True)
class Repo:
    """Commit to file to content, the newest commit last. `refusal` is the Hub's error code."""

    commits: dict[str, dict[str, bytes]] = field(default_factory=dict)
    refusal: str = ""
    cut: bool = False
    gated: bool = False

    def commit_of(self, revision: str) -> str:
        """The commit that a revision is; "main" is the newest. Empty for one that is not there."""
        commit = next(reversed(self.commits), "") if revision == "main" else revision
        return commit if commit in self.commits else ""


@dataclass
class Trouble:
    """What goes wrong with requests whose path matches `where`, so many `times`.

    `status` with the Hub's error `code` and a `wait` in seconds; or a body that is `cut` after so
    many bytes, ends `short` of what was promised elsewhere, or is `damaged` at its beginning. With
    `pause` it is only slow: seconds for every 64 kB.
    """

    where: str
    times: int = 10**9
    status: int = 0
    code: str = ""
    wait: int = 0
    cut: int = 0
    short: int = 0
    damaged: bool = False
    pause: float = 0.0

    def strikes(self, path: str) -> bool:
        """Whether this request goes wrong; counts it if so."""
        if self.times <= 0 or not re.search(self.where, path):
            return False
        self.times -= 1
        return True


@dataclass(frozen=True)
class Seen:
    """A request as it came."""

    method: str
    path: str
    range: str
    token: str


@dataclass
class Hub:
    """Data sets and models by their ids, what goes wrong, and what was asked."""

    repos: dict[str, Repo]
    troubles: list[Trouble] = field(default_factory=list)
    seen: list[Seen] = field(default_factory=list)

    def trouble(self, path: str) -> Trouble | None:
        """What goes wrong with a request, if anything does."""
        return next((one for one in self.troubles if one.strikes(path)), None)


def etag(name: str, content: bytes) -> str:
    """What a file's content is known by: its SHA-256 if it is large, as on the Hub."""
    return (sha256 if name.endswith(LARGE) else sha1)(content).hexdigest()


def sibling(name: str, content: bytes) -> dict[str, Any]:
    """A file as it stands in a model's info."""
    size, known = len(content), etag(name, content)
    lfs = {"sha256": known, "size": size, "pointerSize": 134} if name.endswith(LARGE) else None
    return {"rfilename": name, "size": size, "blobId": known[:40]} | ({"lfs": lfs} if lfs else {})


def as_files(tables: dict[str, list[Any]]) -> dict[str, bytes]:
    """Tables as they lie on the Hub: a parquet file for each, and a card that names the configs."""
    files = {}
    for name, rows in tables.items():
        named = [{"text": row} if isinstance(row, str) else row for row in rows]
        buffer = io.BytesIO()
        pandas.DataFrame(named).to_parquet(buffer)
        files[f"{name}-00000-of-00001.parquet"] = buffer.getvalue()
    return files | {"README.md": _card(tables).encode()}


def _card(tables: dict[str, list[Any]]) -> str:
    lines = ["---", "configs:"]
    for config in dict.fromkeys(name.split("/")[0] for name in tables):
        lines += [f"- config_name: {config}", "  data_files:"]
        for name in tables:
            if name.startswith(f"{config}/"):
                lines += [f"  - split: {name.split('/')[1]}", f"    path: {name}-*"]
    return "\n".join([*lines, "---", ""])
