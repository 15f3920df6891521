"""Where a model lives: a folder or a pinned Hub repository, and how to name what is in it."""

import hashlib
from functools import lru_cache
from pathlib import Path

from loaders.family import ModelSpec, is_local


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
