"""The checkpoints of a shipped run on its way, in a folder as trainers leave them; never measured.

What trained the shipped model is run again from the original, so the last of them is that model.
"""

from collections.abc import Iterator
from copy import deepcopy
from dataclasses import replace
from pathlib import Path

import torch

from loaders.faults import Fault
from unlearning.checkpoints import load_model, save_checkpoint
from unlearning.layout import build_library
from unlearning.recipe import UNLEARNED, Job, cut_job_rows, describe_job
from unlearning.runs import LIBRARY_SEED
from unlearning.trainer import train


def find_job(key: str) -> Job:
    """The run that made the shipped model `key`; a Fault names those there are."""
    for job in UNLEARNED:
        if job.key == key:
            return job
    keys = ", ".join(job.key for job in UNLEARNED)
    raise Fault(f"No run made a model {key!r}; choose {keys}.")


def list_waypoints(job: Job, every: int) -> tuple[int, ...]:
    """The steps after which a run is saved; its last is among them."""
    last = job.config.steps
    return (*range(every, last, every), last)


def save_waypoints(job: Job, every: int, family: Path, out: Path) -> Iterator[Path]:
    """Run `job` again from the model in `family` that it starts from, and save it after every so
    many steps as `out`/step-N. Yields each folder when it is written.

    A Fault where `out` has such folders already: two runs would be read as one.
    """
    if found := next(iter(sorted(out.glob("step-*"))), None):
        raise Fault(f"{found} is there already; give --out a folder without checkpoints.")
    library, steps = build_library(LIBRARY_SEED), list_waypoints(job, every)
    torch.set_num_threads(1)  # as when the shipped model was made
    model, seconds = load_model(family / "models" / (job.start or job.key)), 0.0
    for event in train(job.config, model, cut_job_rows(job, library, LIBRARY_SEED)):
        seconds += event.seconds
        if event.step in steps:
            card = describe_job(job, library, LIBRARY_SEED, seconds)
            at_step = replace(card, title=f"{card.title}, step {event.step}", steps=event.step)
            folder = out / f"step-{event.step}"
            save_checkpoint(deepcopy(model), library.tokenizer, at_step, folder)
            yield folder
