"""Whether the disks have room for what is to be written; looks and never writes."""

import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from loaders.faults import Fault
from loaders.sizes import say_size

SPARE = 1.02  # what is written beside the weights, and a little air


@dataclass(frozen=True)
class Need:
    """So many bytes in `folder`, for `what`."""

    folder: Path
    bytes: int
    what: str


def require_room(needs: Sequence[Need], free: Callable[[Path], int] | None = None) -> None:
    """A Fault if what is needed on one disk, by all of `needs` together, is not free there."""
    disks: dict[int, list[Need]] = {}
    for need in needs:
        disks.setdefault(_existing(need.folder).stat().st_dev, []).append(need)
    for found in disks.values():
        folder = _existing(found[0].folder)
        left = (free or _free)(folder)
        if left < SPARE * sum(need.bytes for need in found):
            wanted = " and ".join(f"{say_size(need.bytes)} for {need.what}" for need in found)
            raise Fault(
                f"The disk of {folder} has {say_size(left)} free, and {wanted} are needed; free "
                "some, or choose another --out."
            )


def _free(folder: Path) -> int:
    return shutil.disk_usage(folder).free


def _existing(folder: Path) -> Path:
    """`folder` or the nearest of its parents that is there."""
    return next(path for path in (folder, *folder.absolute().parents) if path.exists())
