"""What a user may choose by name: precisions and devices; what they mean to torch is elsewhere."""

import re

from loaders.faults import Fault

FULL_PRECISION = "fp32"
PRECISIONS = ("nf4", "fp4", "int8", "bf16", "fp32")
DEVICE = re.compile(r"auto|cpu|mps|cuda(:\d+)?")


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
