"""Tries settings of unlearning methods, as many of each; `metrics/rule.py` picks among them.

Every method is given 24 runs, each measured at three lengths: the learning rate is constant, so a
run of 60 steps is a run of 20 and one of 40 on its way. NPO and SimNPO are what is compared; the
others take them apart: NPO on token means with its reference kept, SimNPO on the token sum,
gradient ascent with and without the retain term, and the loss of MUSE's released code. Plain
gradient ascent has nothing to set but the learning rate and is given six runs. A setting
that is taken is run again with two more seeds of the row order. Trains no base.
"""

import multiprocessing
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass, replace
from itertools import product
from pathlib import Path

from metrics.rule import mark
from metrics.trials import Trial, read_trials, write_trials
from unlearning.recipe import UNLEARN
from unlearning.runs import Run, follow, make_trial, measure
from unlearning.trainer import Objective, TrainConfig

PROCESSES = 2
STEPS = (20, 40, 60)
SEEDS = (0, 1, 2)  # of the row order; the first is the one that the rule looks at
LR = (1e-3, 2e-3)
RETAIN_WEIGHT = (0.1, 1.0, 10.0, 100.0)


@dataclass(frozen=True)
class Grid:
    """The settings of one method, every combination a run. `beta` is (None,) where it has none."""

    objective: Objective
    lr: tuple[float, ...] = LR
    beta: tuple[float | None, ...] = (None,)
    retain_weight: tuple[float, ...] = RETAIN_WEIGHT
    seeds: tuple[int, ...] = SEEDS[:1]


GRIDS = {
    "npo": Grid("npo", beta=(0.001, 0.003, 0.01)),
    "simnpo": Grid("simnpo", beta=(0.35, 0.7, 2.5)),
    "npo_mean": Grid("npo_mean", beta=(0.5, 1.5, 5.0)),
    "simnpo_sum": Grid("simnpo_sum", beta=(0.0007, 0.0014, 0.005)),
    "graddiff": Grid("graddiff", lr=(1e-4, 2e-4, 5e-4, 1e-3, 2e-3, 4e-3)),
    "ascent": Grid("graddiff", lr=(2e-5, 5e-5, 1e-4, 2e-4, 5e-4, 1e-3), retain_weight=(0.0,)),
    "npo_logits": Grid("npo_logits", beta=(0.03, 0.1, 0.3)),
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
    """The grid of one method."""
    grid = GRIDS[method]
    return [
        Run(method, _configure(grid.objective, lr, beta, weight, max(STEPS)), beta, seed)
        for lr, beta, weight, seed in product(grid.lr, grid.beta, grid.retain_weight, grid.seeds)
    ]


def list_seeds(trials: Sequence[Trial]) -> list[Run]:
    """The other seeds of the settings that the rule takes."""
    return [
        Run(
            trial.method,
            _configure(
                GRIDS[trial.method].objective,
                trial.lr or 0.0,
                trial.beta,
                trial.retain_weight or 0.0,
                max(STEPS),
            ),
            trial.beta,
            seed,
        )
        for trial in mark(trials)
        if trial.shipped_as
        for seed in SEEDS[1:]
    ]


def measure_bases(out: Path) -> list[Trial]:
    """The two models that every trial is set against."""
    return [
        make_trial(key, None, 0, measure(key, out / "models" / key, out, "selection"))
        for key in ("original", "retrained")
    ]


def _try_runs(out: Path, plans: Sequence[Run], known: list[Trial], path: Path) -> list[Trial]:
    done = {(t.method, t.lr, t.beta, t.retain_weight, t.seed) for t in known}
    left = [
        p
        for p in plans
        if (p.method, p.config.lr, p.beta, p.config.retain_weight, p.seed) not in done
    ]
    spawn = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(PROCESSES, mp_context=spawn) as pool:
        running = [pool.submit(_try_run, plan, out) for plan in left]
        for count, finished in enumerate(as_completed(running), 1):
            known = known + finished.result()
            write_trials(known, path)
            print(f"{count}/{len(left)}", known[-1], flush=True)
    return known


def _try_run(plan: Run, out: Path) -> list[Trial]:
    return list(follow(plan, out, "selection", STEPS))


def _configure(
    objective: Objective, lr: float, beta: float | None, weight: float, steps: int
) -> TrainConfig:
    settings = replace(UNLEARN, objective=objective, lr=lr, retain_weight=weight, steps=steps)
    return settings if beta is None else replace(settings, beta=beta)
