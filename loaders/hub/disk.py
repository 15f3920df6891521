"""Whether the disk has room for downloads that are going on at once; looks and never writes."""

import shutil
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from huggingface_hub.constants import HF_HUB_CACHE

from loaders.faults import Fault
from loaders.sizes import say_size

SPARE = 2**28  # bytes that are left free
Left = Callable[[], int]


class Disk:
    """The disk of the Hub's cache, and what the downloads that were let in have still to write."""

    def __init__(self, free: Callable[[], int] | None = None) -> None:
        self._free = free or free_bytes
        self._lock = threading.Lock()
        self._let_in: list[Left] = []

    @contextmanager
    def hold(self, what: str, left: Left) -> Iterator[None]:
        """Let a download in that has `left` bytes to write, which says less and less while it
        goes on; a Fault if that does not fit beside the others."""
        with self._lock:
            self._require(what, left())
            self._let_in.append(left)
        try:
            yield
        finally:
            with self._lock:
                self._let_in.remove(left)

    def _require(self, what: str, wanted: int) -> None:
        free, others = self._free(), sum(left() for left in self._let_in)
        if wanted and wanted + others + SPARE > free:
            raise Fault(_no_room(what, wanted, others, free))


def free_bytes() -> int:
    """What is free where the cache is, or will be."""
    cache = Path(HF_HUB_CACHE).absolute()
    there = next(path for path in (cache, *cache.parents) if path.exists())
    return shutil.disk_usage(there).free


def _no_room(what: str, wanted: int, others: int, free: int) -> str:
    beside = f", of which other downloads need {say_size(others)}" if others else ""
    return (
        f"{what} is {say_size(wanted)} to download, and the disk of {HF_HUB_CACHE} has "
        f"{say_size(free)} free{beside}; free some, set HF_HOME to a larger disk, or use "
        "prequantized checkpoints (python -m loaders prequantize)."
    )
