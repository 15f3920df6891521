"""How each shipped model came to be: its metrics every few steps; never chooses and never ships.

Measured on the rows that are reported, in fp32, so that the last step is the shipped model's own
number. Step 0 is the original.
"""

import multiprocessing
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from pathlib import Path

from metrics.choosing.trials import Trial, write_trials
from unlearning.recipe import UNLEARNED, Job
from unlearning.runs import Run, follow, hash_base, make_trial, measure

EVERY = 5
PROCESSES = 2


def trace(out: Path, path: Path) -> None:
    """Write the trajectories of all unlearned models of `out` to `path`."""
    values = measure("original", _base(out), out, "data")
    start = make_trial("original", None, 0, values, hash_base("original", out))
    spawn = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(PROCESSES, mp_context=spawn) as pool:
        lines = pool.map(_trace_one, UNLEARNED, [out] * len(UNLEARNED))
        write_trials([trial for line in lines for trial in (_begin(start, line[0]), *line)], path)


def list_steps(job: Job) -> tuple[int, ...]:
    """The steps of a job that are measured; its last one is among them."""
    last = job.config.steps
    return (*range(EVERY, last, EVERY), last)


def _trace_one(job: Job, out: Path) -> list[Trial]:
    plan = Run(job.key, job.config, job.config.beta, 0, list_steps(job))
    return list(follow(plan, out, "data"))


def _begin(start: Trial, first: Trial) -> Trial:
    """The original as step 0 of the run that `first` belongs to."""
    return replace(
        start,
        method=first.method,
        lr=first.lr,
        beta=first.beta,
        retain_weight=first.retain_weight,
    )


def _base(out: Path) -> Path:
    return out / "models" / "original"
