"""The repositories of the Hub that a model is made of: its weights, its adapter, its tokenizer.

Pure but for a look at what is kept; downloads nothing.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Literal

from safetensors import SafetensorError

from loaders.family import ModelSpec, is_local
from loaders.faults import Fault
from loaders.hub.commits import forget
from loaders.hub.kept import has_adapter, has_model, has_tokenizer, remove_damaged, snapshot
from loaders.hub.listing import File, Listing, adapter_files, tokenizer_files, weight_files
from loaders.hub.refusals import Asked

Part = Literal["model", "adapter", "tokenizer"]
HERE: Mapping[Part, Callable[[str, str], bool]] = {
    "model": has_model,
    "adapter": has_adapter,
    "tokenizer": has_tokenizer,
}
NEEDED: Mapping[Part, Callable[[Listing], tuple[File, ...]]] = {
    "model": weight_files,
    "adapter": adapter_files,
    "tokenizer": tokenizer_files,
}


@dataclass(frozen=True)
class Place:
    """A repository of the Hub and what is to be had of it."""

    repo: str
    revision: str
    part: Part

    @property
    def asked(self) -> Asked:
        """What to call it in a sentence."""
        return Asked(self.repo, self.revision or "main")


def places_of(spec: ModelSpec) -> list[Place]:
    """All of a model that is on the Hub; nothing where all of it is in folders or at a server."""
    if spec.is_served:
        return []
    own = spec.tokenizer == spec.repo and not spec.tokenizer_revision
    places = [
        Place(spec.repo, spec.revision, "model"),
        Place(spec.adapter, spec.adapter_revision, "adapter"),
        Place(spec.tokenizer, spec.revision if own else spec.tokenizer_revision, "tokenizer"),
    ]
    return [place for place in places if place.repo and not is_local(place.repo)]


def needed(place: Place, listing: Listing) -> tuple[File, ...]:
    """The files that have to be here; a Fault where the repository has not all of them."""
    return NEEDED[place.part](listing)


def is_here(place: Place, commit: str) -> bool:
    """Whether nothing of it has to be downloaded."""
    return HERE[place.part](place.repo, commit)


def pinned(spec: ModelSpec, commits: Mapping[Place, str]) -> ModelSpec:
    """The same model at the commits that its repositories are at."""
    at = {place.part: commit for place, commit in commits.items()}
    return replace(
        spec,
        revision=at.get("model", spec.revision),
        adapter_revision=at.get("adapter", spec.adapter_revision),
        tokenizer_revision=at.get("tokenizer", spec.tokenizer_revision),
    )


def in_folders(spec: ModelSpec) -> ModelSpec:
    """A model that is `pinned` and here, as folders: reading it asks the Hub nothing more."""
    places = {place.part: str(snapshot(place.repo, place.revision)) for place in places_of(spec)}
    return replace(
        spec,
        repo=places.get("model", spec.repo),
        adapter=places.get("adapter", spec.adapter),
        tokenizer=places.get("tokenizer", spec.tokenizer),
    )


def explained(spec: ModelSpec, fault: Fault) -> Fault:
    """What was wrong with the folders of a `pinned` model, with the Hub's names for them.

    Weights that cannot be read are compared with their hashes: what is damaged here is removed, so
    that it is downloaded anew.
    """
    text, places = str(fault), places_of(spec)
    for place in places:
        text = text.replace(str(snapshot(place.repo, place.revision)), place.repo)
    weights = [place for place in places if place.part != "tokenizer"]
    if weights and isinstance(fault.__cause__, SafetensorError):
        text = " ".join(_damage(place) for place in weights)
    return Fault(text)


def forget_branches(spec: ModelSpec) -> None:
    """Where a model failed, its branches are looked up anew: they may have moved since."""
    for place in places_of(spec):
        forget(place.repo, place.revision)


def _damage(place: Place) -> str:
    removed = remove_damaged(place.repo, place.revision)
    if removed:
        return (
            f"{' and '.join(removed)} of {place.repo} was damaged on this disk and is removed; try "
            "again to download it anew."
        )
    return (
        f"The weights of {place.repo} @ {place.revision[:8]} are published damaged: they are what "
        "the Hub says, and no safetensors. Tell whoever published them, or name another 'revision'."
    )
