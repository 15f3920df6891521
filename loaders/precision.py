"""The precisions a model can be loaded in, by name; what they mean to torch is for `local`."""

from loaders.faults import Fault

PRECISIONS = ("nf4", "fp4", "int8", "bf16", "fp32")


def require_precision(name: str) -> str:
    """`name` itself if it is one of PRECISIONS; otherwise a Fault that lists them."""
    if name not in PRECISIONS:
        raise Fault(f"The precision {name!r} is unknown; choose one of {', '.join(PRECISIONS)}.")
    return name
