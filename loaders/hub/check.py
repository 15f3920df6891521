"""`python -m loaders check FAMILY`: whether a family is all there and will fit, before any of it
is downloaded; it only looks."""

import argparse
from collections.abc import Callable, Sequence

from huggingface_hub.constants import HF_HUB_CACHE

from loaders.choices import PRECISIONS, require_device_name
from loaders.family import load_family
from loaders.hub.disk import SPARE, free_bytes
from loaders.hub.stock import Item, take_stock
from loaders.sizes import say_size

FITS, DOES_NOT = 0, 1
Say = Callable[[str], None]


def add_flags(parser: argparse.ArgumentParser) -> None:
    """The options, each with what it takes."""
    add = parser.add_argument
    add("family", metavar="FAMILY", help="a family's name or its FILE.toml")
    add("--device", default="auto", help="auto | cpu | mps | cuda | cuda:N (default: auto)")
    add(
        "--precision",
        default="nf4",
        choices=PRECISIONS,
        help="the one that has to fit (default: nf4); the others are looked at as well",
    )
    add("--context", type=int, metavar="TOKENS", help="the most tokens of prompt and answer")
    add("--force", action="store_true", help="take models for granted that are too large")


def run(options: argparse.Namespace) -> int:
    """0 if all is there and fits, 1 if something is missing or does not; raises Fault where it
    cannot be found out."""
    family = load_family(options.family)
    require_device_name(options.device)
    print(f"{family.title} ({family.name})\n")
    items = take_stock(family)
    problems = say_items(items, print) + say_disk(items, free_bytes(), print)
    problems += _say_memory(options, items, print)
    if problems:
        print(f"\n{problems} of these will not work as it is.")
        return DOES_NOT
    print("\nAll of it is there, and fits.")
    return FITS


def say_items(items: Sequence[Item], say: Say) -> int:
    """A line for each thing, and how many of them have a problem."""
    width = max(len(item.name) for item in items)
    for item in items:
        say(f"{'!' if item.problem else ' '} {item.name:{width}}  {item.place}{_sizes(item)}")
        if said := item.problem or item.remark:
            say(f"  {'':{width}}  {said}")
    return sum(bool(item.problem) for item in items)


def _sizes(item: Item) -> str:
    if not item.files:
        return ""
    files = "1 file" if item.files == 1 else f"{item.files} files"
    return f": {files}, {say_size(item.bytes)}" + _left(item)


def _left(item: Item) -> str:
    if "folder" in item.place or item.name == "data":
        return ""
    return f", {say_size(item.missing)} to download" if item.missing else ", here already"


def say_disk(items: Sequence[Item], free: int, say: Say) -> int:
    """Whether all downloads fit at once; 1 if they do not."""
    wanted = sum(item.missing for item in items)
    full = bool(wanted) and wanted + SPARE > free
    say(
        f"\n{'!' if full else ' '} disk of {HF_HUB_CACHE}: {say_size(wanted)} to download, "
        f"{say_size(free)} free"
    )
    if full:
        say(
            "  Free some, set HF_HOME to a larger disk, or quantize one model at a time: python -m "
            "loaders prequantize --delete-source."
        )
    return int(full)


def _say_memory(options: argparse.Namespace, items: Sequence[Item], say: Say) -> int:
    """A line for each precision; 1 if the one that was asked for does not fit."""
    from loaders.hub.fitting import fit, look_at_rooms, say_fit  # imports torch
    from loaders.together.residency import say_memory

    family, rooms = load_family(options.family), look_at_rooms(options.device)
    largest = max((item.largest for item in items), default=0)
    free = ", ".join(f"{say_memory(room.free)} free on {room.device}" for room in rooms)
    say(
        f"\n  memory: {free}; while a model is read, at most its largest file beside that, "
        f"{say_size(largest)}"
    )
    wrong = 0
    for found in fit(family, rooms, options.context, options.force):
        asked = found.precision == options.precision
        wrong += asked and not found.fits
        say(f"{' ' if found.fits else '!'} {found.precision:5} {say_fit(found)}")
    return wrong
