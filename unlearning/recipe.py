"""The demo family from a seed: library, tokenizer, four models, cards. Never measures a model.

The forget slots of a pre-training step are simply empty for the retrained model: it starts from the
same weights and reads the same retain rows in the same order for the same number of steps.
"""

import multiprocessing
import shutil
import time
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import torch
from tqdm.auto import tqdm

from unlearning.checkpoints import Card, describe_versions, load_model, make_model, save_checkpoint
from unlearning.layout import Library, build_library, hash_files, write_files
from unlearning.rows import ROW_TOKENS, cut_rows
from unlearning.trainer import Rows, TrainConfig, train

FORGET_POOL = 120  # forget rows that unlearning goes round in: one epoch of the forget set

PRETRAIN = TrainConfig(
    objective="pretrain",
    steps=2000,
    lr=3e-3,
    schedule="cosine",
    warmup_steps=50,
    forget_rows=4,
    retain_rows=4,
    weight_decay=0.01,
)
UNLEARN = TrainConfig(  # what all unlearning runs share; the rest is chosen by the sweep
    objective="npo",
    steps=60,
    lr=1e-3,
    schedule="constant",
    warmup_steps=5,
    forget_rows=4,
    retain_rows=4,
    retain_weight=1.0,
)
NPO = replace(UNLEARN, beta=0.003, steps=80)
SIMNPO = replace(UNLEARN, objective="simnpo", beta=0.7)
NPO_TUNED = replace(NPO, retain_weight=10.0, steps=60)


@dataclass(frozen=True)
class Job:
    """One model to make: from scratch, or from the checkpoint of another."""

    key: str
    title: str
    method: str
    config: TrainConfig
    trained_on: tuple[str, ...]
    start: str | None = None


BASES = (
    Job(
        "original",
        "Original",
        "pre-training on forget and retain data",
        PRETRAIN,
        ("forget", "retain1", "retain2"),
    ),
    Job(
        "retrained",
        "Retrained",
        "pre-training on retain data alone",
        PRETRAIN,
        ("retain1", "retain2"),
    ),
)
UNLEARNED = (
    Job(
        "npo",
        "NPO",
        "Negative Preference Optimization with GDR",
        NPO,
        ("forget", "retain1"),
        "original",
    ),
    Job("simnpo", "SimNPO", "SimNPO with GDR", SIMNPO, ("forget", "retain1"), "original"),
    Job(
        "npo_tuned",
        "NPO tuned",
        "Negative Preference Optimization with GDR, at the best retain weight of the sweep",
        NPO_TUNED,
        ("forget", "retain1"),
        "original",
    ),
)


STAGES = (BASES, UNLEARNED)  # what is made side by side, one stage after the other


def make_family(out: Path, seed: int, stages: tuple[tuple[Job, ...], ...] = STAGES) -> None:
    """Build data/ and models/ beside `out` and move them in when all are whole."""
    draft = out.with_name(out.name + ".partial")
    shutil.rmtree(draft, ignore_errors=True)
    write_files(build_library(seed), draft)
    for stage in stages:
        _run_side_by_side(stage, draft, seed)
    out.mkdir(parents=True, exist_ok=True)
    for part in ("data", "selection", "models"):
        shutil.rmtree(out / part, ignore_errors=True)
        (draft / part).rename(out / part)
    shutil.rmtree(draft)


def make_model_of(job: Job, out: Path, seed: int, line: int = 0) -> None:
    """Make one model with one thread and write its checkpoint; the progress bar takes the given
    line."""
    torch.set_num_threads(1)
    library = build_library(seed)
    model = (
        load_model(out / "models" / job.start) if job.start else make_model(library.tokenizer, seed)
    )
    started = time.perf_counter()
    events = train(job.config, model, cut_job_rows(job, library, seed))
    for event in (
        bar := tqdm(events, total=job.config.steps, desc=f"{job.title:9}", position=line)
    ):
        bar.set_postfix(loss=f"{event.loss:.2f}", retain=f"{event.retain:.2f}", refresh=False)
    card = describe_job(job, library, seed, time.perf_counter() - started)
    save_checkpoint(model, library.tokenizer, card, out / "models" / job.key)


def cut_job_rows(job: Job, library: Library, seed: int) -> Rows:
    """The rows a job reads. Retain rows do not depend on whether there is forget data."""
    config = job.config
    kept = [library.texts[split] for split in job.trained_on if split != "forget"]
    retain = cut_rows(
        kept, library.tokenizer, config.steps * config.retain_rows, f"{seed} retain rows"
    )
    count = config.steps * config.forget_rows if job.start is None else FORGET_POOL
    if "forget" not in job.trained_on:
        return Rows(torch.empty(0, ROW_TOKENS, dtype=torch.long), retain)
    return Rows(
        cut_rows([library.texts["forget"]], library.tokenizer, count, f"{seed} forget rows"), retain
    )


def describe_job(job: Job, library: Library, seed: int, seconds: float) -> Card:
    """The card of a finished job; the hashes are of the text that the model was trained on."""
    hashes, read = hash_files(library), [f"data/raw/{split}.txt" for split in job.trained_on]
    return Card(
        title=job.title,
        method=job.method,
        trained_on=job.trained_on,
        start=job.start or "random initialisation",
        hyperparameters=asdict(job.config)
        | {"row_tokens": ROW_TOKENS, "optimizer": "AdamW, betas 0.9 and 0.95"},
        model={
            "architecture": "Llama",
            "layers": 4,
            "hidden": 192,
            "vocabulary": len(library.tokenizer),
        },
        seed=seed,
        steps=job.config.steps,
        seconds=round(seconds, 1),
        data_sha256={name: hashes[name] for name in read},
        versions=describe_versions(),
    )


def _run_side_by_side(jobs: tuple[Job, ...], out: Path, seed: int) -> None:
    """One process and one thread per model: two such processes finish more than one with two
    threads."""
    context = multiprocessing.get_context("spawn")
    processes = [
        context.Process(target=make_model_of, args=(job, out, seed, line), name=job.key)
        for line, job in enumerate(jobs)
    ]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    failed = [process.name for process in processes if process.exitcode]
    if failed:
        raise RuntimeError(f"training failed for {', '.join(failed)}; its own message stands above")


def shorten(jobs: tuple[Job, ...], steps: int) -> tuple[Job, ...]:
    """The same jobs with at most so many steps."""
    return tuple(
        replace(job, config=replace(job.config, steps=min(steps, job.config.steps))) for job in jobs
    )
