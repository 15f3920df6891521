"""The device a family runs on and what it computes in; the first file here that needs torch."""

import platform
from importlib.util import find_spec

import torch

from loaders.checkpoint import SERVER
from loaders.choices import PRECISIONS, Hardware, require_device_name, why_unavailable
from loaders.faults import Fault

X86 = ("x86_64", "AMD64")
AMPERE = 8.0  # the compute capability from which NVIDIA GPUs multiply bf16


def require_device(name: str) -> str:
    """`auto`, `cpu`, `mps`, `cuda` or `cuda:N` as the device it means here; otherwise a Fault."""
    if require_device_name(name) == "auto":
        return "cuda" if torch.cuda.is_available() else "cpu"
    if name.startswith("cuda") and not torch.cuda.is_available():
        raise Fault(f"The device {name!r} was asked for, but torch sees no CUDA GPU; use cpu.")
    if name == "mps" and not torch.backends.mps.is_available():
        raise Fault("The device 'mps' was asked for, but torch sees no Apple GPU; use cpu.")
    return name


def require_devices(name: str) -> tuple[str, ...]:
    """The devices that models are spread over: all GPUs for `auto` where there are several, else
    the one that `require_device` gives."""
    count = torch.cuda.device_count() if require_device_name(name) == "auto" else 0
    if count > 1:
        return tuple(f"cuda:{number}" for number in range(count))
    return (require_device(name),)


def available_precisions(device: str) -> dict[str, str | None]:
    """Each precision with why it does not run on `device`, None where it runs.

    Of a server nothing is known before it is asked: a model says itself what it is served in.
    """
    if device == SERVER:
        return dict.fromkeys(PRECISIONS)
    hardware = look_at(require_device(device))
    return {precision: why_unavailable(precision, hardware) for precision in PRECISIONS}


def require_available(precision: str, device: str) -> str:
    """`precision` itself if it runs on `device`; otherwise a Fault that says why, and what runs."""
    available = available_precisions(device)
    if (reason := available[precision]) is not None:
        others = ", ".join(name for name, why in available.items() if why is None)
        raise Fault(f"{precision} does not run on this {device}: {reason}. Choose from {others}.")
    return precision


def look_at(device: str) -> Hardware:
    """What of `device`, one that is here, decides which precisions run on it."""
    has_bitsandbytes = find_spec("bitsandbytes") is not None
    if device.startswith("cuda"):
        major, minor = torch.cuda.get_device_capability(device)
        return Hardware("cuda", has_bitsandbytes, capability=major + minor / 10)
    if device == "mps":
        macos = platform.mac_ver()[0].split(".")[0]
        return Hardware("mps", has_bitsandbytes, macos=int(macos) if macos else None)
    has_avx2 = platform.machine() not in X86 or torch.backends.cpu.get_cpu_capability() != "DEFAULT"
    has_bf16 = bool(torch.cpu._is_avx512_bf16_supported())
    return Hardware("cpu", has_bitsandbytes, has_avx2, has_bf16=has_bf16)


def compute_dtype(device: str) -> torch.dtype:
    """What the layers around 4-bit weights compute in on `device`, one that is here."""
    return dtype_on(look_at(device))


def dtype_on(hardware: Hardware) -> torch.dtype:
    """bf16 where it is multiplied natively: on CUDA from Ampere on, on CPUs with AVX512-BF16.

    fp16 on other GPUs (on Turing bitsandbytes has fast kernels for it alone), fp32 on other CPUs,
    where bf16 is emulated and slow.
    """
    if hardware.kind == "cpu":
        return torch.bfloat16 if hardware.has_bf16 else torch.float32
    return torch.bfloat16 if (hardware.capability or 0) >= AMPERE else torch.float16
