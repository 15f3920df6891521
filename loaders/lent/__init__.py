"""A GPU that is lent for one call at a time, as ZeroGPU does, behind the protocol of a model."""

import os
from importlib import import_module
from typing import Any

from loaders.faults import Fault

VARIABLE = "SPACES_ZERO_GPU"


def is_lending() -> bool:
    """Whether the machine lends its GPU, by the variable that it says so in."""
    return os.getenv(VARIABLE, "").lower() in ("1", "t", "true")


def import_lender() -> Any:
    """The package that lends the GPU, on a machine that does; None elsewhere.

    Call it before torch and bitsandbytes are imported, which look for a GPU when they are.
    """
    if not is_lending():
        return None
    # Until a GPU is lent, the package only plays one, to the thread that imports it.
    os.environ.setdefault("HF_DEACTIVATE_ASYNC_LOAD", "1")
    try:
        return import_module("spaces")
    except ImportError as error:
        raise Fault(
            f"{VARIABLE} says that GPUs are lent here, but the package 'spaces', which lends them, "
            "is not installed; install it, or unset the variable."
        ) from error
