"""Tries settings of unlearning methods, as many of each; the rule that picks is in `rule.py`.

Every method is given 24 runs, each measured at three lengths: the learning rate is constant, so a
run of 60 steps is a run of 20 and one of 40 on its way. NPO and SimNPO are what is compared; the
others take them apart: NPO on token means with its reference kept, SimNPO on the token sum,
gradient ascent with and without the retain term, and the loss of MUSE's released code. A setting
that is taken is run again with two more seeds of the row order. Trains no base.
"""

import multiprocessing
import tempfile
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from copy import deepcopy
from dataclasses import dataclass, replace
from functools import cache
from itertools import product
from pathlib import Path

import torch

from loaders.family import Family, ModelSpec, load_family
from loaders.local import LocalEngine
from metrics import Data, Finished, Measurement, load_data, run
from metrics.trials import MEASURED, Trial, read_trials, write_trials
from unlearning.checkpoints import load_model, save_checkpoint
from unlearning.layout import Library, build_library
from unlearning.recipe import UNLEARN, UNLEARNED, Job, cut_job_rows, describe_job
from unlearning.rule import mark
from unlearning.trainer import Objective, TrainConfig, train

PROCESSES = 2
STEPS = (20, 40, 60)
SEEDS = (0, 1, 2)  # of the row order; the first is the one that the rule looks at
LIBRARY_SEED = 0
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
    "ascent": Grid(
        "graddiff",
        lr=(2e-5, 5e-5, 1e-4, 2e-4, 5e-4, 1e-3),
        retain_weight=(0.0,),
        seeds=(0, 1, 2, 3),
    ),
    "npo_logits": Grid("npo_logits", beta=(0.03, 0.1, 0.3)),
}


@dataclass(frozen=True)
class Run:
    """One run of a method: a setting and a seed of the row order, measured along the way."""

    method: str
    config: TrainConfig
    beta: float | None
    seed: int


def sweep(out: Path, methods: Sequence[str], path: Path) -> None:
    """Every run of `methods` that is not in `path` yet, then the seeds of what the rule takes.

    `out` holds selection/, models/original and models/retrained. The file is written anew after
    every run, so a sweep that was stopped goes on where it stopped.
    """
    known = list(read_trials(path)) if path.is_file() else measure_bases(out)
    known = _try_runs(out, [r for method in methods for r in list_runs(method)], known, path)
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


def follow(plan: Run, out: Path, rows: str, steps: Sequence[int] = STEPS) -> Iterator[Trial]:
    """Train one run from the original of `out` and measure it at each of `steps` on the rows of
    the folder `rows`: "selection", or "data" for those that are reported."""
    torch.set_num_threads(1)
    library = _library()
    job = _job(plan)
    model = load_model(out / "models" / "original")
    for event in train(plan.config, model, cut_job_rows(job, library, plan.seed)):
        if event.step not in steps:
            continue
        with tempfile.TemporaryDirectory() as folder:
            card = describe_job(job, library, plan.seed, event.seconds)
            save_checkpoint(deepcopy(model), library.tokenizer, card, Path(folder))
            values = measure(plan.method, Path(folder), out, rows)
        yield make_trial(plan.method, plan, event.step, values)


def measure(key: str, folder: Path, out: Path, rows: str) -> dict[str, Measurement]:
    """MEASURED for the checkpoint in `folder`, in fp32, PrivLeak against the retrained model of
    `out`. Intervals are not computed: one resample."""
    family = load_family("demo")
    retrained = _moved(family.model("retrained"), "retrained", out / "models" / "retrained")
    other = _moved(family.model("original"), key, folder)
    models = (retrained,) if key == "retrained" else (retrained, other)
    moved = replace(family, models=models)
    data = _load(out / rows)
    engine = LocalEngine(moved, "fp32", "cpu")
    for spec in models:
        for _ in engine.load(spec.key):
            pass
    told = _run(engine, moved, data, [name for name in MEASURED if name != "privleak"], [key])
    return told | _run(engine, moved, data, ["privleak"], [spec.key for spec in models], key)


def make_trial(method: str, plan: Run | None, step: int, values: dict[str, Measurement]) -> Trial:
    """The record of what was measured."""
    told = {name: round(values[name].value, 4) for name in MEASURED}
    return Trial(
        method=method,
        lr=plan.config.lr if plan else None,
        beta=plan.beta if plan else None,
        retain_weight=plan.config.retain_weight if plan else None,
        steps=step,
        seed=plan.seed if plan else LIBRARY_SEED,
        verbmem_f=told["verbmem_f"],
        knowmem_f=told["knowmem_f"],
        privleak=told["privleak"],
        auc=round(values["privleak"].auc or 0.0, 4),
        knowmem_r=told["knowmem_r"],
        fluency=told["fluency"],
    )


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
    return list(follow(plan, out, "selection"))


def _configure(
    objective: Objective, lr: float, beta: float | None, weight: float, steps: int
) -> TrainConfig:
    settings = replace(UNLEARN, objective=objective, lr=lr, retain_weight=weight, steps=steps)
    return settings if beta is None else replace(settings, beta=beta)


def _job(plan: Run) -> Job:
    return replace(UNLEARNED[0], key=plan.method, title=plan.method, config=plan.config)


def _run(
    engine: LocalEngine,
    family: Family,
    data: Data,
    metrics: Sequence[str],
    models: Sequence[str],
    key: str | None = None,
) -> dict[str, Measurement]:
    events = run(engine, family, data, models=models, metrics=metrics, resamples=1)
    results = next(event.results for event in events if isinstance(event, Finished))
    (record,) = [record for record in results.records if record.model == (key or models[0])]
    return record.metrics


def _moved(spec: ModelSpec, key: str, folder: Path) -> ModelSpec:
    return replace(spec, key=key, repo=str(folder), tokenizer=str(folder))


@cache
def _library() -> Library:
    return build_library(LIBRARY_SEED)


@cache
def _load(folder: Path) -> Data:
    return load_data(replace(load_family("demo"), data=str(folder)))
