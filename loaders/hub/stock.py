"""What a family is made of, where it is and what of it is missing; asks, and downloads nothing."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from huggingface_hub import get_hf_file_metadata, hf_hub_url

from loaders.checkpoint import is_commit, repo_name
from loaders.family import Family, ModelSpec, is_local
from loaders.faults import Fault
from loaders.hub.kept import bytes_here, missing
from loaders.hub.listing import Listing, look_up
from loaders.hub.places import Place, needed, places_of
from loaders.hub.refusals import FAILURES, Unreachable, as_fault

AT_ONCE = 8  # questions


@dataclass(frozen=True)
class Item:
    """One thing that a family needs. `missing` are bytes to be downloaded, `largest` the bytes of
    its largest file; `problem` says why it cannot be used, `remark` what is to be known of it."""

    name: str
    place: str
    files: int = 0
    bytes: int = 0
    missing: int = 0
    largest: int = 0
    problem: str = ""
    remark: str = ""


def take_stock(family: Family) -> tuple[Item, ...]:
    """Models, tokenizers and data of a family, each once; raises Unreachable where there is no
    Hub to be asked."""
    asked: dict[object, Callable[[], Item]] = {}
    for spec in family.models:
        for place in places_of(spec):
            name = spec.key if place.part == "model" else place.part
            asked.setdefault(place, partial(_of_place, name, place))
        if not places_of(spec):
            asked[spec.key] = partial(_of_folder, spec)
    asked["data"] = partial(_of_data, family)
    with ThreadPoolExecutor(AT_ONCE) as pool:
        return tuple(pool.map(lambda ask: ask(), asked.values()))


def _of_place(name: str, place: Place) -> Item:
    item = Item(name, f"{place.repo} @ {_short(place.asked.revision)}")
    try:
        listing = look_up(place.repo, place.revision)
        files = needed(place, listing)
        _require_access(listing, files[0].name)
    except Unreachable:
        raise
    except Fault as fault:
        return replace(item, problem=str(fault))
    left = sum(file.bytes - bytes_here(place.repo, file) for file in missing(listing, files))
    sizes = [file.bytes for file in files]
    counted = replace(item, files=len(files), bytes=sum(sizes), missing=left, largest=max(sizes))
    return replace(counted, remark=_unpinned(place.revision, listing.commit))


def _require_access(listing: Listing, name: str) -> None:
    """A Fault where the files cannot be had: of a gated repository the listing can."""
    try:
        get_hf_file_metadata(hf_hub_url(listing.repo, name, revision=listing.commit))
    except FAILURES as error:
        raise as_fault(listing.asked, error) from error


def _of_folder(spec: ModelSpec) -> Item:
    if spec.is_served:
        return Item(spec.key, repo_name(spec), remark="run by a server, which is not asked here")
    sizes = [path.stat().st_size for path in Path(spec.repo).glob("*.safetensors")]
    place = f"{repo_name(spec)}, a folder of this machine"
    return Item(spec.key, place, len(sizes), sum(sizes), largest=max(sizes, default=0))


def _of_data(family: Family) -> Item:
    if is_local(family.data):
        there = Path(family.data).is_dir()
        problem = "" if there else f"The folder {family.data} of the data does not exist."
        return Item("data", f"{family.data}, a folder of this machine", problem=problem)
    revision = family.data_revision or "main"
    item = Item("data", f"{family.data} @ {_short(revision)}")
    try:
        listing = look_up(family.data, revision, "dataset")
    except Unreachable:
        raise
    except Fault as fault:
        return replace(item, problem=str(fault))
    size = sum(file.bytes for file in listing.files)
    remark = _unpinned(family.data_revision, listing.commit)
    return replace(item, files=len(listing.files), bytes=size, remark=remark)


def _unpinned(revision: str, commit: str) -> str:
    if is_commit(revision):
        return ""
    return f"not pinned: {revision or 'main'} is {commit} now, and may be another tomorrow"


def _short(revision: str) -> str:
    return revision[:8] if is_commit(revision) else revision
