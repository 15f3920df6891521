"""Where a model lives: a folder or a pinned Hub repository, and how to name what is in it."""

import hashlib
from functools import lru_cache
from pathlib import Path

from loaders.family import ModelSpec, is_local

PROJECT = Path(__file__).parent.parent


def repo_name(spec: ModelSpec) -> str:
    """What to call the model's place in a result: its Hub id, or its folder.

    A folder inside the project is named from there, so that shipped results say nothing of the
    machine they were made on.
    """
    folder = Path(spec.repo)
    inside = is_local(spec.repo) and folder.is_relative_to(PROJECT)
    return folder.relative_to(PROJECT).as_posix() if inside else spec.repo


def revision(spec: ModelSpec) -> str:
    """What exactly was loaded: the Hub revision, or 'sha256:' and 12 digits of a folder's weights.

    Reads every byte of a folder's .safetensors files once per process.
    """
    return _weights_hash(Path(spec.repo)) if is_local(spec.repo) else spec.revision


@lru_cache(maxsize=64)
def _weights_hash(folder: Path) -> str:
    digest = hashlib.sha256()
    for path in sorted(folder.glob("*.safetensors")):
        with path.open("rb") as file:
            digest.update(hashlib.file_digest(file, "sha256").digest())
    return f"sha256:{digest.hexdigest()[:12]}"
