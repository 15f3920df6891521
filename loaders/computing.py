"""What quantized weights are computed in on a device, by name; torch is asked for no CPU of Linux.

Stored numbers depend on it, and what is stored has to come without torch.
"""

import sys
from pathlib import Path

from loaders.choices import QUANTIZED

CPU = Path("/proc/cpuinfo")
NATIVE = "avx512_bf16"  # the flag of a CPU that multiplies bf16, as Linux calls it
KINDS = ("cpu", "cuda", "mps")
NAMES = {"torch.bfloat16": "bf16", "torch.float16": "fp16", "torch.float32": "fp32"}


def compute_name(precision: str, device: str) -> str:
    """The compute dtype of `precision` on `device`: bf16, fp16 or fp32.

    Empty for weights that are not quantized, which are computed in what they are held in, and for
    a device that is not of this machine.
    """
    if precision not in QUANTIZED or device.partition(":")[0] not in KINDS:
        return ""
    if device == "cpu" and sys.platform == "linux":
        return "bf16" if NATIVE in _flags() else "fp32"
    from loaders.device import compute_dtype  # imports torch

    return NAMES[str(compute_dtype(device))]


def _flags() -> frozenset[str]:
    """What the first CPU can do; nothing on kinds that have no such line."""
    lines = CPU.read_text(encoding="ascii", errors="replace").splitlines()
    flags = next((line for line in lines if line.startswith("flags")), "")
    return frozenset(flags.partition(":")[2].split())
