"""What a repository of the Hub holds at one commit, and which of its files a model needs.

Asks the Hub one question; downloads nothing.
"""

import re
from dataclasses import dataclass
from typing import Literal

from huggingface_hub import HfApi

from loaders.family import ADAPTER_FILES
from loaders.faults import Fault
from loaders.hub.refusals import FAILURES, Asked, as_fault

Kind = Literal["model", "dataset"]
SECONDS = 10.0  # that the Hub may take for its answer
SHARD = re.compile(r"model-(\d{5})-of-(\d{5})\.safetensors")
SINGLE = "model.safetensors"
INDEX = "model.safetensors.index.json"
CONFIGS = ("config.json", "generation_config.json")
READING = re.compile(r"[\w.-]+\.(json|model|txt|jinja|tiktoken)")  # what tokenizers are made of
READERS = ("tokenizer.json", "tokenizer.model", "vocab.json", "vocab.txt")  # any of which is one
OTHERS = re.compile(r".*\.(bin|pth?|msgpack|h5|gguf|onnx)")


@dataclass(frozen=True)
class File:
    """A file of a repository. `sha256` is empty for a small one, which is not known by it."""

    name: str
    bytes: int
    sha256: str = ""


@dataclass(frozen=True)
class Listing:
    """A repository at `commit`, which `revision` was when it was asked for."""

    repo: str
    revision: str
    commit: str
    files: tuple[File, ...]
    is_gated: bool = False

    @property
    def asked(self) -> Asked:
        """What to call it in a sentence."""
        return Asked(self.repo, self.revision)


def list_files(repo: str, revision: str, kind: Kind = "model") -> Listing:
    """All files of a repository; raises what the client raises (see refusals.FAILURES)."""
    ask = HfApi().model_info if kind == "model" else HfApi().dataset_info
    info = ask(repo, revision=revision or None, files_metadata=True, timeout=SECONDS)
    files = tuple(
        File(one.rfilename, one.size or 0, one.lfs.sha256 if one.lfs else "")
        for one in info.siblings or ()
    )
    return Listing(repo, revision or "main", info.sha or revision, files, bool(info.gated))


def look_up(repo: str, revision: str, kind: Kind = "model") -> Listing:
    """`list_files` whose failures are a Fault."""
    try:
        return list_files(repo, revision, kind)
    except FAILURES as error:
        raise as_fault(Asked(repo, revision or "main"), error) from error


def weight_files(listing: Listing) -> tuple[File, ...]:
    """The config and the weights of a whole model; a Fault where they are not there or not all."""
    shards = [file for file in listing.files if SHARD.fullmatch(file.name)]
    single = [file for file in listing.files if file.name == SINGLE]
    if shards:
        _require_all(listing, shards)
    elif not single:
        raise Fault(_no_weights(listing))
    beside = [file for file in listing.files if file.name in (*CONFIGS, INDEX)]
    if not any(file.name == "config.json" for file in beside):
        raise Fault(f"{listing.repo} has no config.json at {listing.commit[:8]}; it is no model.")
    return (*beside, *(shards or single))


def adapter_files(listing: Listing) -> tuple[File, ...]:
    """What is put on a base model; a Fault where it is not there."""
    found = tuple(file for file in listing.files if file.name in ADAPTER_FILES)
    if len(found) < len(ADAPTER_FILES):
        raise Fault(f"{listing.repo} has no {' and '.join(ADAPTER_FILES)} at {listing.commit[:8]}.")
    return found


def tokenizer_files(listing: Listing) -> tuple[File, ...]:
    """Everything at the top that a tokenizer may be made of; a Fault where there is none."""
    found = tuple(file for file in listing.files if READING.fullmatch(file.name))
    if not any(file.name in READERS for file in found):
        raise Fault(
            f"{listing.repo} has no tokenizer at {listing.commit[:8]}; name one that has in "
            "'tokenizer'."
        )
    return tuple(file for file in found if not file.name.endswith(".index.json"))


def _require_all(listing: Listing, shards: list[File]) -> None:
    """A Fault for the first shard that is missing: names say which one of how many each is."""
    names = {file.name for file in shards}
    counts = {int(match[2]) for file in shards if (match := SHARD.fullmatch(file.name))}
    for count in counts:
        for number in range(1, count + 1):
            if (name := f"model-{number:05}-of-{count:05}.safetensors") not in names:
                raise Fault(f"{listing.repo} has no {name} at {listing.commit[:8]}.")


def _no_weights(listing: Listing) -> str:
    other = next((file.name for file in listing.files if OTHERS.fullmatch(file.name)), "")
    there = f"; what it has is {other}, which may run code when it is read" if other else ""
    return f"{listing.repo} has no .safetensors weights at {listing.commit[:8]}{there}."
