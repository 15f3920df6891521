"""One unlearning run, measured along its way; never chooses a setting.

What is measured is a checkpoint as it would be shipped: in bfloat16 on disk, loaded in fp32.
"""

import tempfile
from collections.abc import Iterator, Sequence
from copy import deepcopy
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

import torch

from loaders.checkpoint import revision
from loaders.engine.local import LocalEngine
from loaders.family import Family, ModelSpec, load_family
from metrics import Data, Finished, Measurement, load_data, run
from metrics.choosing.trials import MEASURED, Trial
from unlearning.checkpoints import load_model, save_checkpoint
from unlearning.layout import Library, build_library
from unlearning.recipe import UNLEARNED, Job, cut_job_rows, describe_job
from unlearning.trainer import TrainConfig, train

LIBRARY_SEED = 0


@dataclass(frozen=True)
class Run:
    """One run of a method: a setting and a seed of the row order, measured after each of `lengths`
    steps. `beta` is None where the method has none."""

    method: str
    config: TrainConfig
    beta: float | None
    seed: int
    lengths: tuple[int, ...]


def follow(plan: Run, out: Path, rows: str) -> Iterator[Trial]:
    """Train one run from the original of `out` and measure it along the way, on the rows of the
    folder `rows`: "selection", or "data" for those that are reported."""
    library = _library()
    job = _job(plan)
    model = load_model(out / "models" / "original")
    torch.set_num_threads(1)  # two runs go on side by side
    for event in train(plan.config, model, cut_job_rows(job, library, plan.seed)):
        if event.step not in plan.lengths:
            continue
        with tempfile.TemporaryDirectory() as folder:
            card = describe_job(job, library, plan.seed, event.seconds)
            save_checkpoint(deepcopy(model), library.tokenizer, card, Path(folder))
            values = measure(plan.method, Path(folder), out, rows)
        yield make_trial(plan.method, plan, event.step, values, hash_base("original", out))


def measure(key: str, folder: Path, out: Path, rows: str) -> dict[str, Measurement]:
    """MEASURED for the checkpoint in `folder`, in fp32, PrivLeak against the retrained model of
    `out`. Intervals are not computed: one resample."""
    torch.set_num_threads(1)  # two runs go on side by side
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


def hash_base(key: str, out: Path) -> str:
    """The revision of the base `key` of `out`."""
    return revision(_moved(load_family("demo").model(key), key, out / "models" / key))


def make_trial(
    method: str, plan: Run | None, step: int, values: dict[str, Measurement], base: str
) -> Trial:
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
        passages=values["verbmem_f"].n,
        questions=values["knowmem_f"].n,
        texts=values["privleak"].n,
        base=base,
    )


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
