"""Where a model lives: a folder, a pinned Hub repository or a server, and how to name it."""

import hashlib
import re
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path

from loaders.family import ModelSpec, is_local

PROJECT = Path(__file__).parent.parent
COMMIT = re.compile(r"[0-9a-f]{40}")
SERVER = "server"  # the kind of device that every server is


def repo_name(spec: ModelSpec) -> str:
    """What to call the model's place in a result: its Hub id, its folder or its name at a server.

    A folder inside the project is named from there, so that shipped results say nothing of the
    machine they were made on.
    """
    if not spec.repo:
        return served_name(spec)
    return " + ".join(_place_name(place) for place in (spec.repo, spec.adapter) if place)


def revision(spec: ModelSpec) -> str:
    """What exactly was loaded: the commit on the Hub, or 'sha256:' and 12 digits of a folder's
    weights.

    Which commit a branch is, is asked for once per process; where nobody can say, it is the branch.
    With an adapter, its own comes after a plus. Reads every byte of a folder's .safetensors files
    once per process. Of a model at a server it is the name there and the server with its version,
    which is asked for once per process.
    """
    if spec.is_served:
        from loaders.remote.identity import served_revision  # imports an HTTP client

        return served_revision(spec)
    base = _revision(spec.repo, spec.revision)
    return f"{base} + {_revision(spec.adapter, spec.adapter_revision)}" if spec.adapter else base


def is_commit(revision: str) -> bool:
    """Whether a revision is a commit of the Hub, which names the same files forever."""
    return bool(COMMIT.fullmatch(revision))


def _revision(place: str, asked: str) -> str:
    if is_local(place):
        return _weights_hash(Path(place))
    if is_commit(asked):
        return asked
    from loaders.hub.commits import commit_or_revision  # imports an HTTP client

    return commit_or_revision(place, asked)


def shorten(revision: str) -> str:
    """A revision in a few signs, and an adapter's beside it; of a model at a server, the server."""
    if " @ " in revision:
        return revision.rpartition(" @ ")[2]
    return " + ".join(part.removeprefix("sha256:")[:8] for part in revision.split(" + "))


def served_name(spec: ModelSpec) -> str:
    """What a model is called at its server; of a folder there, the last part alone, as the rest
    says something of that machine."""
    name = spec.served_model.rstrip("/")
    return name.rpartition("/")[2] if name.startswith(("/", "~", ".")) else name


def device_of(spec: ModelSpec, device: str) -> str:
    """Where a model runs whose family runs on `device`: there, or at a server."""
    return SERVER if spec.is_served else device


def devices(specs: Sequence[ModelSpec], device: str) -> str:
    """Where models run whose family runs on `device`: "cpu", "server" or "cpu + server"."""
    return " + ".join(sorted({device_of(spec, device) for spec in specs})) or device


def _place_name(place: str) -> str:
    folder = Path(place)
    inside = is_local(place) and folder.is_relative_to(PROJECT)
    return folder.relative_to(PROJECT).as_posix() if inside else place


@lru_cache(maxsize=64)
def _weights_hash(folder: Path) -> str:
    """Of an adapter its settings count too: the same weights at another scale are another model."""
    digest = hashlib.sha256()
    for path in sorted([*folder.glob("*.safetensors"), *folder.glob("adapter_config.json")]):
        with path.open("rb") as file:
            digest.update(hashlib.file_digest(file, "sha256").digest())
    return f"sha256:{digest.hexdigest()[:12]}"
