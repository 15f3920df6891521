"""How much memory a device has left, as the system says it at this moment; allocates none."""

import gc
from pathlib import Path

import psutil
import torch

from loaders.together.residency import GIB, Room

WORK = GIB  # of a GPU: logits of a scoring pass in fp32, activations, a weight dequantized
CGROUP = Path("/sys/fs/cgroup")


def look_at_room(device: str) -> Room:
    """The memory of `device`, one that is here.

    On a CPU nothing is set apart: the system gives way where a GPU fails.
    """
    if device != "cpu":
        release(device)  # what torch keeps for itself would count as taken
    if device.startswith("cuda"):
        return Room(device, torch.cuda.mem_get_info(device)[0], WORK)
    if device == "mps":
        left = torch.mps.recommended_max_memory() - torch.mps.driver_allocated_memory()
        return Room(device, left, WORK)
    return Room(device, min(psutil.virtual_memory().available, _left_to_container()))


def _left_to_container() -> int:
    """What a container's limit leaves; the machine's own memory says nothing of it."""
    try:
        most = int((CGROUP / "memory.max").read_text(encoding="ascii"))
        taken = int((CGROUP / "memory.current").read_text(encoding="ascii"))
        lines = (CGROUP / "memory.stat").read_text(encoding="ascii").splitlines()
    except (OSError, ValueError):  # no container, or one without a limit: "max"
        return 2**63
    idle = next((int(line.split()[1]) for line in lines if line.startswith("inactive_file ")), 0)
    return max(0, most - taken + idle)  # read files are given up when memory is needed


def release(device: str) -> None:
    """Give what nobody refers to any more back to the device."""
    gc.collect()  # a model's hooks, and the buffers of its slots, refer to each other in circles
    if device.startswith("cuda"):
        with torch.cuda.device(device):
            torch.cuda.empty_cache()
    elif device == "mps":
        torch.mps.empty_cache()
