"""A GPU that is lent for one call at a time, as ZeroGPU does, behind the protocol of a model."""

import os

VARIABLE = "SPACES_ZERO_GPU"


def is_lending() -> bool:
    """Whether the machine lends its GPU, by the variable that it says so in."""
    return os.getenv(VARIABLE, "").lower() in ("1", "t", "true")
