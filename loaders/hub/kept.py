"""What of the Hub is kept on this machine, in the cache that all its programs share.

Looks at names and sizes; the one thing it removes is a file that is not what its name says.
"""

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path

from huggingface_hub.constants import HF_HUB_CACHE
from huggingface_hub.file_download import repo_folder_name

from loaders.family import ADAPTER_FILES
from loaders.hub.listing import INDEX, READERS, SINGLE, File, Listing

PART = ".incomplete"  # of a file that has come in part


def folder_of(repo: str) -> Path:
    """Where all commits of a model are kept."""
    return Path(HF_HUB_CACHE) / repo_folder_name(repo_id=repo, repo_type="model")


def snapshot(repo: str, commit: str) -> Path:
    """Where the files of one commit are found under their names."""
    return folder_of(repo) / "snapshots" / commit


def blob(repo: str, sha256: str) -> Path:
    """Where the content of a large file is kept, under its hash."""
    return folder_of(repo) / "blobs" / sha256


def part(repo: str, sha256: str) -> Path:
    """Where it is kept until it has come whole."""
    return folder_of(repo) / "blobs" / f"{sha256}{PART}"


def kept_commit(repo: str, revision: str) -> str:
    """The commit that a branch or tag was when it was last downloaded; empty if it never was."""
    try:
        return (folder_of(repo) / "refs" / revision).read_text(encoding="ascii").strip()
    except (OSError, ValueError):
        return ""


def keep_commit(repo: str, revision: str, commit: str) -> None:
    """Note which commit a branch or tag was, for when the Hub cannot be asked."""
    path = folder_of(repo) / "refs" / revision
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(commit, encoding="ascii")


def has_model(repo: str, commit: str) -> bool:
    """Whether the config and all weights of a commit are here, as its own index names them."""
    folder = snapshot(repo, commit)
    if not (folder / "config.json").is_file():
        return False
    try:
        index = json.loads((folder / INDEX).read_text(encoding="utf-8"))
        names = set(index["weight_map"].values())
    except (OSError, ValueError, KeyError):
        names = {SINGLE}
    return all((folder / name).is_file() for name in names)


def has_adapter(repo: str, commit: str) -> bool:
    """Whether an adapter of that commit is here."""
    return all((snapshot(repo, commit) / name).is_file() for name in ADAPTER_FILES)


def has_tokenizer(repo: str, commit: str) -> bool:
    """Whether a tokenizer of that commit is here; what it is made of comes last (see `order`)."""
    return any((snapshot(repo, commit) / name).is_file() for name in READERS)


def missing(listing: Listing, files: Sequence[File]) -> tuple[File, ...]:
    """Those of `files` that are not here yet."""
    folder = snapshot(listing.repo, listing.commit)
    return tuple(file for file in files if not (folder / file.name).is_file())


def order(files: Sequence[File]) -> tuple[File, ...]:
    """`files` as they are to be downloaded: what shows that something is here whole comes after
    all that belongs to it, and small files before large ones."""
    return tuple(sorted(files, key=lambda file: (bool(file.sha256), file.name in READERS)))


def bytes_here(repo: str, file: File) -> int:
    """How much of a file has come, whole or in part; 0 for a small one."""
    if not file.sha256:
        return 0
    for path in (blob(repo, file.sha256), part(repo, file.sha256)):
        if path.is_file():
            return min(path.stat().st_size, file.bytes)
    return 0


def remove_damaged(repo: str, commit: str) -> list[str]:
    """Remove the weights of a commit whose content is not what their hash says; their names.

    Reads every byte of them.
    """
    removed = []
    for path in sorted(snapshot(repo, commit).glob("*.safetensors")):
        content = path.resolve()
        if len(content.name) == 64 and _hash(content) != content.name:
            path.unlink()
            content.unlink(missing_ok=True)
            removed.append(path.name)
    return removed


def _hash(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
