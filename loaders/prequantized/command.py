"""`python -m loaders prequantize`: one model after the other; what it does lies in the others."""

import argparse
import time
from collections.abc import Callable
from pathlib import Path

from huggingface_hub.constants import HF_HUB_CACHE

from loaders.faults import Fault
from loaders.prequantized.family_file import Place, family_text
from loaders.prequantized.plan import Plan, make_plan
from loaders.prequantized.record import NAME, Record, hash_files, read_record
from loaders.prequantized.source import Source, find_source, remove_source, source_name
from loaders.prequantized.upload import push, require_token
from loaders.sizes import say_size

FOLDERS, HUB = "family.toml", "family-hub.toml"

Say = Callable[[str], None]


def run(options: argparse.Namespace) -> int:
    """The exit status, 0; raises Fault at the first model that cannot be done.

    Those before it are kept, and the same command goes on from there.
    """
    prequantize(make_plan(options), lambda text: print(text, flush=True))
    return 0


def prequantize(plan: Plan, say: Say) -> None:
    """Every model of `plan`, and families that point at what is there after each."""
    token = require_token() if plan.push_to else ""
    pushed: dict[str, Place] = {}
    sources = {spec.key: find_source(spec) for spec in plan.models}
    for key, source in sources.items():
        folder = plan.out / key
        record = _kept(source, folder, say) or _made(plan, source, folder, say)
        _write_family(plan, FOLDERS, _places(plan))
        if plan.push_to:
            repo = plan.hub_id(source.spec)
            commit = push(folder, repo, token, plan.is_public)
            pushed[key] = Place(repo, commit)
            say(f"{key}: pushed to {repo} @ {commit[:8]}.")
            _write_family(plan, HUB, pushed)
        if plan.deletes_source and not _needed_later(source, key, sources):
            say(f"{key}: {remove_source(source)}")
        say(f"{key}: {say_size(record.bytes)} in {folder}.")
    say(f"Use it with: python app.py --family {plan.out / FOLDERS}")


def _kept(source: Source, folder: Path, say: Say) -> Record | None:
    """The record of what an earlier run made of the same source, if it is there and whole."""
    if not folder.exists():
        return None
    record = read_record(folder)
    if (record.source, record.commit) != (source.name, source.commit):
        raise Fault(
            f"{folder} holds {record.source} @ {record.commit or 'a folder'} already, and not "
            f"{source.name} @ {source.commit or 'a folder'}; remove it or choose another --out."
        )
    if hash_files(folder) != record.files:
        raise Fault(f"{folder} is damaged: its files are not those in its {NAME}; remove it.")
    say(f"{source.spec.key}: made and verified before, {record.created}.")
    return record


def _made(plan: Plan, source: Source, folder: Path, say: Say) -> Record:
    from loaders.device import require_device  # imports torch
    from loaders.prequantized.making import expected_bytes, make
    from loaders.prequantized.room import Need, require_room

    key, started = source.spec.key, time.perf_counter()
    needs = [Need(plan.out, expected_bytes(source), f"{key} in nf4")]
    if source.missing_bytes:
        needs.append(Need(Path(HF_HUB_CACHE), source.missing_bytes, f"the download of {key}"))
    require_room(needs)
    say(f"{key}: quantizing {source.name}, {say_size(needs[0].bytes)} when done …")
    record = make(source, folder, require_device(plan.device))
    seconds = time.perf_counter() - started
    say(f"{key}: written in {seconds:.0f} s; {record.probe}: bit-equal when loaded again.")
    return record


def _needed_later(source: Source, key: str, sources: dict[str, Source]) -> bool:
    """Whether a model after this one is made from the same weights."""
    keys = list(sources)
    later = (sources[other] for other in keys[keys.index(key) + 1 :])
    same = (source.spec.repo, source.commit)
    return any((other.spec.repo, other.commit) == same for other in later)


def _places(plan: Plan) -> dict[str, Place]:
    """All models of the family that are there, those of earlier runs too."""
    return {
        spec.key: Place(f"./{spec.key}")
        for spec in plan.family.models
        if (plan.out / spec.key / NAME).is_file()
        and read_record(plan.out / spec.key).source == source_name(spec)
    }


def _write_family(plan: Plan, name: str, places: dict[str, Place]) -> None:
    try:
        (plan.out / name).write_text(family_text(plan.file, places), encoding="utf-8")
    except OSError as error:
        raise Fault(f"{plan.out / name} cannot be written: {error}.") from error
