"""The device a family runs on and what it computes in; the first file here that needs torch."""

import os

import torch

from loaders.choices import require_device_name
from loaders.faults import Fault


def require_device(name: str) -> str:
    """`auto`, `cpu`, `mps`, `cuda` or `cuda:N` as the device it means here; otherwise a Fault."""
    if require_device_name(name) == "auto":
        return "cuda" if torch.cuda.is_available() else "cpu"
    if name.startswith("cuda") and not torch.cuda.is_available():
        raise Fault(f"The device {name!r} was asked for, but torch sees no CUDA GPU; use cpu.")
    if name == "mps" and not torch.backends.mps.is_available():
        raise Fault("The device 'mps' was asked for, but torch sees no Apple GPU; use cpu.")
    return name


def compute_dtype(device: str) -> torch.dtype:
    """What the layers around 4-bit weights compute in.

    bf16 where the device multiplies it natively (CUDA from Ampere on, CPUs with AVX512-BF16),
    fp16 on older GPUs, fp32 on other CPUs, where bf16 is emulated and slow.
    """
    if device.startswith("cuda"):
        major, _ = torch.cuda.get_device_capability(device)
        return torch.bfloat16 if major >= 8 else torch.float16
    if device == "cpu":
        return torch.bfloat16 if torch.cpu._is_avx512_bf16_supported() else torch.float32
    return torch.float16


def share_cpu() -> None:
    """Let torch use half of the cores, at least one, and leave the rest to the page.

    A team of threads as large as the machine waits for its slowest member at every layer: with one
    other busy process, two threads on two cores were 30 times slower than one (LOG.md).
    """
    torch.set_num_threads(max(1, (os.cpu_count() or 1) // 2))
