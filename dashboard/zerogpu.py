"""The session of a Space on ZeroGPU; what the visitor is told when no GPU is lent.

It owns no model: what lends the GPU and the engine are passed in.
"""

from typing import Any

import gradio as gr

from loaders.family import Family
from loaders.faults import Fault
from loaders.lent.engine import LentEngine, NoGpu
from loaders.lent.session import InlineSession
from loaders.protocol import Engine
from loaders.session import Watch, unwatched

# Titles of the errors that ZeroGPU raises (spaces 0.51); every other is of the work itself.
SPENT = ("ZeroGPU quota exceeded", "ZeroGPU pending credits exceeded", "ZeroGPU illegal duration")
NOT_FREE = ("ZeroGPU queue timeout", "ZeroGPU client error")
OURS = "ZeroGPU"


def lent_session(
    family: Family, engine: Engine, spaces: Any, watch: Watch = unwatched
) -> InlineSession:
    """A session over an engine whose models are loaded, run on GPUs that the package `spaces`
    lends. Call it before the page is served: the package looks then for what it may lend one."""
    return InlineSession(family, LentEngine(engine, spaces.GPU, read_error), watch)


def read_error(error: Exception) -> Fault | NoGpu | None:
    """What an error of ZeroGPU means, in a sentence; None for one that is not its."""
    if not isinstance(error, gr.Error) or not error.title.startswith(OURS):
        return None
    said = f"{error.message}".strip()
    if error.title in SPENT:
        return NoGpu(f"Your share of this Space's GPU is spent. {said}")
    if error.title in NOT_FREE:
        return NoGpu(f"No GPU of this Space became free. {said}")
    return Fault(f"The work on the Space's GPU was ended: {said}. Ask for less, or once more.")
