"""Tries settings of NPO and SimNPO, as many of each, and picks by a rule; trains no base.

The rule, written down before the runs of this sweep; the grid was drawn up after trial runs on
earlier base models had been seen (LOG.md). Measured on the even rows of each set, in fp32:

1. a setting *qualifies* if its VerbMem and its KnowMem on the forget set are at most 5 points above
   the retrained model's, and its fluency is at least 80 % of the retrained model's: it has
   forgotten down to the level of never having read the book, and it still writes;
2. among those, the highest KnowMem on the retain set (retain2, which the retain term never sees)
   is shipped;
3. if none qualifies, the one that is nearest in VerbMem and KnowMem is shipped, and said to be
   "collapsed" or "not forgotten".

λ = 1, the published weight of the retain term. All rows are reported by the metrics command, odd
ones included: half of what stands there has taken no part in the choice.
"""

import csv
import multiprocessing
import tempfile
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from copy import deepcopy
from dataclasses import asdict, dataclass, fields, replace
from itertools import product
from pathlib import Path

import torch

from loaders.family import Family, ModelSpec, load_family
from loaders.local import LocalEngine
from metrics import Data, Finished, load_data, run
from unlearning.checkpoints import load_model, save_checkpoint
from unlearning.layout import build_library
from unlearning.recipe import UNLEARNED, Job, cut_job_rows, describe_job
from unlearning.trainer import TrainConfig, train

MEASURED = ("verbmem_f", "knowmem_f", "knowmem_r", "fluency")
ABOVE_RETRAINED = 5.0
FLUENCY_SHARE = 0.8
LR = (2.5e-4, 5e-4, 1e-3)
STEPS = (20, 40, 60)
BETA = {"npo": (0.01, 0.03), "simnpo": (0.7, 2.5)}

Values = dict[str, float]


@dataclass(frozen=True)
class Trial:
    """One setting of one method and what it gave on the selection rows."""

    method: str
    lr: float
    beta: float
    steps: int
    retain_weight: float
    seed: int
    verbmem_f: float
    knowmem_f: float
    knowmem_r: float
    fluency: float
    qualifies: bool = False
    chosen: bool = False


def sweep(bases: Path, seed: int) -> list[Trial]:
    """All trials of both methods, one process each, with the chosen ones marked.

    `bases` holds models/original and models/retrained. A line is printed for every trial.
    """
    family = load_family("demo")
    retrained = measure(family, "retrained", bases / "models" / "retrained")
    spawn = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(len(UNLEARNED), mp_context=spawn) as pool:
        runs = [pool.submit(_try_all, job, bases, seed) for job in UNLEARNED]
        trials = [trial for found in runs for trial in found.result()]
    return choose(trials, retrained)


def try_settings(job: Job, bases: Path, seed: int) -> Iterator[Trial]:
    """The grid of one method: 3 learning rates × 2 values of β, each measured at 3 lengths.

    The learning rate is constant, so a run of 60 steps is a run of 20 and one of 40 on its way.
    """
    torch.set_num_threads(1)
    for lr, beta in product(LR, BETA[job.key]):
        config = replace(job.config, lr=lr, beta=beta, steps=max(STEPS))
        yield from _try_run(replace(job, config=config), bases, seed)


def measure(family: Family, key: str, folder: Path) -> Values:
    """The values of MEASURED for the checkpoint in `folder`, on the selection rows, in fp32."""
    alone = replace(family, models=(_moved(family.model(key), folder),))
    engine = LocalEngine(alone, "fp32", "cpu")
    for _ in engine.load(key):
        pass
    events = run(engine, alone, selection(load_data(family)), metrics=MEASURED, resamples=1)
    results = next(event.results for event in events if isinstance(event, Finished))
    return {name: round(found.value, 4) for name, found in results.records[0].metrics.items()}


def selection(data: Data) -> Data:
    """The even rows of each set."""
    return replace(
        data,
        verbmem=data.verbmem[::2],
        knowmem_f=data.knowmem_f[::2],
        knowmem_r=data.knowmem_r[::2],
    )


def choose(trials: Sequence[Trial], retrained: Values) -> list[Trial]:
    """The same trials, marked with which qualify and which one of each method is chosen."""
    marked = [replace(trial, qualifies=_qualifies(trial, retrained)) for trial in trials]
    methods = dict.fromkeys(trial.method for trial in marked)
    chosen = [_best([t for t in marked if t.method == method], retrained) for method in methods]
    return [replace(trial, chosen=trial in chosen) for trial in marked]


def write_trials(trials: Sequence[Trial], path: Path) -> None:
    """All trials as CSV, one line each."""
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, [field.name for field in fields(Trial)], lineterminator="\n")
        writer.writeheader()
        writer.writerows(asdict(trial) for trial in trials)


def _try_all(job: Job, bases: Path, seed: int) -> list[Trial]:
    found = []
    for trial in try_settings(job, bases, seed):
        print(trial, flush=True)
        found.append(trial)
    return found


def _try_run(job: Job, bases: Path, seed: int) -> Iterator[Trial]:
    family, library = load_family("demo"), build_library(seed)
    model = load_model(bases / "models" / "original")
    for event in train(job.config, model, cut_job_rows(job, library, seed)):
        if event.step not in STEPS:
            continue
        with tempfile.TemporaryDirectory() as folder:
            card = describe_job(job, library, seed, event.seconds)
            save_checkpoint(deepcopy(model), library.tokenizer, card, Path(folder))
            values = measure(family, job.key, Path(folder))
        yield _trial(job.key, replace(job.config, steps=event.step), seed, values)


def _trial(method: str, config: TrainConfig, seed: int, values: Values) -> Trial:
    return Trial(
        method=method,
        lr=config.lr,
        beta=config.beta,
        steps=config.steps,
        retain_weight=config.retain_weight,
        seed=seed,
        verbmem_f=values["verbmem_f"],
        knowmem_f=values["knowmem_f"],
        knowmem_r=values["knowmem_r"],
        fluency=values["fluency"],
    )


def _qualifies(trial: Trial, retrained: Values) -> bool:
    return (
        trial.verbmem_f <= retrained["verbmem_f"] + ABOVE_RETRAINED
        and trial.knowmem_f <= retrained["knowmem_f"] + ABOVE_RETRAINED
        and trial.fluency >= FLUENCY_SHARE * retrained["fluency"]
    )


def _best(trials: Sequence[Trial], retrained: Values) -> Trial:
    if qualified := [trial for trial in trials if trial.qualifies]:
        return max(qualified, key=lambda trial: trial.knowmem_r)
    return min(trials, key=lambda trial: _distance(trial, retrained))


def _distance(trial: Trial, retrained: Values) -> float:
    forgot = abs(trial.verbmem_f - retrained["verbmem_f"])
    return forgot + abs(trial.knowmem_f - retrained["knowmem_f"])


def _moved(spec: ModelSpec, folder: Path) -> ModelSpec:
    return replace(spec, repo=str(folder), tokenizer=str(folder))
