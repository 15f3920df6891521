"""What a user may choose by name: precisions and devices; what they mean to torch is elsewhere."""

import re
from dataclasses import dataclass
from typing import Literal

from loaders.faults import Fault

FULL_PRECISION = "fp32"
PRECISIONS = ("nf4", "fp4", "int8", "bf16", "fp32")
QUANTIZED = ("nf4", "fp4", "int8")
DEVICE = re.compile(r"auto|cpu|mps|cuda(:\d+)?")

OLDEST_CUDA = 6.0  # what bitsandbytes asks of an NVIDIA GPU
OLDEST_MACOS = 14  # what it, and bf16, ask of an Apple GPU


@dataclass(frozen=True)
class Hardware:
    """What of a device decides which precisions run on it, and what is computed in.

    `capability` is a CUDA GPU's compute capability, `macos` the version of an Apple system, None
    on others; `has_avx2` is of interest on x86 CPUs alone, `has_bf16` says of a CPU whether it
    multiplies bf16 natively.
    """

    kind: Literal["cpu", "cuda", "mps"]
    has_bitsandbytes: bool = True
    has_avx2: bool = True
    capability: float | None = None
    macos: int | None = None
    has_bf16: bool = False


@dataclass(frozen=True)
class Place:
    """Where models are to run, as a user says it.

    `context` is the most tokens of a prompt and its answer together, None for what there is room
    for; with `force` models are tried that are too large for the device.
    """

    device: str = "auto"
    context: int | None = None
    force: bool = False


def require_precision(name: str) -> str:
    """`name` itself if it is one of PRECISIONS; otherwise a Fault that lists them."""
    if name not in PRECISIONS:
        raise Fault(f"The precision {name!r} is unknown; choose one of {', '.join(PRECISIONS)}.")
    return name


def require_device_name(name: str) -> str:
    """`name` itself if it names a device; whether this machine has it is for `device` to say."""
    if not DEVICE.fullmatch(name):
        raise Fault(f"The device {name!r} is unknown; choose auto, cpu, mps, cuda or cuda:N.")
    return name


def require_context(tokens: int | None) -> int | None:
    """`tokens` itself if a context can have as many, or None for what there is room for."""
    if tokens is not None and tokens < 1:
        raise Fault(f"The context is {tokens} tokens; choose 1 or more.")
    return tokens


def why_unavailable(precision: str, hardware: Hardware) -> str | None:
    """Why `precision` does not run on `hardware`, as half a sentence; None where it runs.

    The bounds are those of bitsandbytes 0.50 (its README, "Accelerator support"). bf16 runs on
    every CPU and CUDA GPU, on those without native bf16 slowly.
    """
    old_macos = hardware.kind == "mps" and (hardware.macos or 0) < OLDEST_MACOS
    if precision == "bf16" and old_macos:
        return f"an Apple GPU computes in it from macOS {OLDEST_MACOS} on"
    if precision not in QUANTIZED:
        return None
    if not hardware.has_bitsandbytes:
        return "it needs bitsandbytes, which is not installed"
    if old_macos:
        return f"bitsandbytes needs macOS {OLDEST_MACOS} or newer on an Apple GPU"
    if hardware.kind == "cpu" and not hardware.has_avx2:
        return "bitsandbytes needs AVX2 on a CPU of this kind"
    if hardware.capability is not None and hardware.capability < OLDEST_CUDA:
        return (
            f"bitsandbytes needs a GPU of compute capability {OLDEST_CUDA} or newer, and this one "
            f"has {hardware.capability}"
        )
    return None
