"""Tries settings of unlearning methods, as many of each; metrics/choosing/rule.py picks.

Every method is given 24 runs, measured at three lengths (the learning rate is constant, so a run of
60 steps is a run of 20 and one of 40 on its way), and 8 more beyond the edge that the best of them
lay on: smaller steps and longer runs, or another β. That is 96 trials each.

NPO and SimNPO are what is compared. The others take them apart: NPO on token means with its
reference kept, SimNPO on the token sum, gradient ascent with the retain term and without, and the
loss of MUSE's released code.

A setting that is taken is run again with two more seeds of the row order. Trains no base.
"""

import multiprocessing
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass, replace
from itertools import product
from pathlib import Path

from metrics.choosing.rule import mark
from metrics.choosing.trials import Trial, read_trials, write_trials
from unlearning.recipe import UNLEARN
from unlearning.runs import Run, follow, hash_base, make_trial, measure
from unlearning.trainer import Objective

PROCESSES = 2
LENGTHS = (20, 40, 60)
LONGER = (80, 100, 120)
SEEDS = (0, 1, 2)  # of the row order; the first is the one that the rule looks at
RETAIN_WEIGHT = (0.1, 1.0, 10.0, 100.0)


@dataclass(frozen=True)
class Grid:
    """Settings of one method, every combination a run. `beta` is (None,) where it has none."""

    objective: Objective
    lr: tuple[float, ...] = (1e-3,)
    beta: tuple[float | None, ...] = (None,)
    retain_weight: tuple[float, ...] = RETAIN_WEIGHT
    lengths: tuple[int, ...] = LENGTHS


# Gradient ascent has nothing else to set.
ASCENT_LR = (
    *(2e-5, 5e-5, 1e-4, 2e-4, 5e-4, 1e-3),
    *(1e-5, 1.2e-5, 1.5e-5, 1.8e-5, 2.2e-5, 2.7e-5, 3.3e-5, 3.9e-5, 4.7e-5, 5.6e-5, 6.8e-5),
    *(8.2e-5, 1.2e-4, 1.5e-4, 1.8e-4, 2.2e-4, 2.7e-4, 3.3e-4, 3.9e-4, 4.7e-4, 5.6e-4, 6.8e-4),
    *(8.2e-4, 1.2e-3, 1.5e-3, 1.8e-3),
)
# The last lines of a method are its 8 runs beyond the edge that the best of the first 24 lay on.
GRIDS = {
    "npo": (
        Grid("npo", lr=(1e-3, 2e-3), beta=(0.001, 0.003, 0.01)),
        Grid("npo", beta=(0.003,), lengths=LONGER),
        Grid("npo", lr=(5e-4,), beta=(0.003,), lengths=(40, 80, 120)),
    ),
    "simnpo": (
        Grid("simnpo", lr=(1e-3, 2e-3), beta=(0.35, 0.7, 2.5)),
        Grid("simnpo", beta=(0.7,), lengths=LONGER),
        Grid("simnpo", lr=(5e-4,), beta=(0.7,), lengths=(40, 80, 120)),
    ),
    "npo_mean": (
        Grid("npo_mean", lr=(1e-3, 2e-3), beta=(0.5, 1.5, 5.0)),
        Grid("npo_mean", lr=(1e-3, 2e-3), beta=(0.15,)),
    ),
    "simnpo_sum": (
        Grid("simnpo_sum", lr=(1e-3, 2e-3), beta=(0.0007, 0.0014, 0.005)),
        Grid("simnpo_sum", beta=(0.0014,), lengths=LONGER),
        Grid("simnpo_sum", lr=(5e-4,), beta=(0.0014,), lengths=(40, 80, 120)),
    ),
    "npo_logits": (
        Grid("npo_logits", lr=(1e-3, 2e-3), beta=(0.03, 0.1, 0.3)),
        Grid("npo_logits", lr=(1e-3, 2e-3), beta=(1.0,)),
    ),
    "graddiff": (
        Grid("graddiff", lr=(5e-5, 1e-4, 2e-4, 5e-4, 1e-3, 2e-3)),
        Grid("graddiff", lr=(5e-4,), lengths=LONGER),
        Grid("graddiff", lr=(2e-4,), lengths=(80, 100, 120)),
    ),
    "ascent": (Grid("graddiff", lr=ASCENT_LR, retain_weight=(0.0,)),),
}


def sweep(out: Path, methods: Sequence[str], path: Path) -> None:
    """Every run of `methods` that is not in `path` yet; with all of them, the seeds of what the
    rule takes follow.

    `out` holds selection/, models/original and models/retrained. The file is written anew after
    every run, so a sweep that was stopped goes on where it stopped.
    """
    known = list(read_trials(path)) if path.is_file() else measure_bases(out)
    known = _try_runs(out, [r for method in methods for r in list_runs(method)], known, path)
    if set(methods) == set(GRIDS):
        known = _try_runs(out, list_seeds(known), known, path)
    write_trials(mark(known), path)


def list_runs(method: str) -> list[Run]:
    """The grids of one method."""
    return [
        _plan(method, grid.objective, setting, SEEDS[0], grid.lengths)
        for grid in GRIDS[method]
        for setting in product(grid.lr, grid.beta, grid.retain_weight)
    ]


def list_seeds(trials: Sequence[Trial]) -> list[Run]:
    """The other seeds of the settings that the rule takes."""
    return [
        _plan(
            taken.method,
            GRIDS[taken.method][0].objective,
            (taken.lr or 0.0, taken.beta, taken.retain_weight or 0.0),
            seed,
            (taken.steps,),
        )
        for taken in mark(trials)
        if taken.shipped_as
        for seed in SEEDS[1:]
    ]


def measure_bases(out: Path) -> list[Trial]:
    """The two models that every trial is set against."""
    return [
        make_trial(
            key,
            None,
            0,
            measure(key, out / "models" / key, out, "selection"),
            hash_base(key, out),
        )
        for key in ("original", "retrained")
    ]


def _plan(
    method: str,
    objective: Objective,
    setting: tuple[float, float | None, float],
    seed: int,
    lengths: tuple[int, ...],
) -> Run:
    """A run of learning rate, β and λ in that order."""
    lr, beta, weight = setting
    config = replace(UNLEARN, objective=objective, lr=lr, retain_weight=weight, steps=max(lengths))
    return Run(method, config if beta is None else replace(config, beta=beta), beta, seed, lengths)


def _try_runs(out: Path, plans: Sequence[Run], known: list[Trial], path: Path) -> list[Trial]:
    done = {(trial.setting, trial.seed) for trial in known}
    left = [plan for plan in plans if not all(key in done for key in _keys(plan))]
    spawn = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(PROCESSES, mp_context=spawn) as pool:
        running = [pool.submit(_try_run, plan, out) for plan in left]
        for count, finished in enumerate(as_completed(running), 1):
            known = known + finished.result()
            write_trials(known, path)
            print(f"{count}/{len(left)}", known[-1], flush=True)
    return known


def _keys(plan: Run) -> list[tuple[object, int]]:
    """What the trials of a run will be known by."""
    config = plan.config
    return [
        ((plan.method, config.lr, plan.beta, config.retain_weight, length), plan.seed)
        for length in plan.lengths
    ]


def _try_run(plan: Run, out: Path) -> list[Trial]:
    return list(follow(plan, out, "selection"))
