"""One training loop for all models: pre-training, NPO, SimNPO and what they are compared with.

Never draws at random, writes a file or prints.
"""

import math
import time
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

import torch
from accelerate import Accelerator
from torch import Tensor
from torch.optim import AdamW
from torch.optim.lr_scheduler import LambdaLR
from transformers import PreTrainedModel

from loaders.faults import Fault
from unlearning.losses import (
    ascent_loss,
    logit_npo_loss,
    npo_loss,
    retain_loss,
    simnpo_loss,
    token_log_probs,
    unlearning_loss,
)

Objective = Literal[
    "pretrain",
    "npo",
    "simnpo",
    "npo_mean",  # NPO with token means in place of sums, reference kept
    "simnpo_sum",  # SimNPO with the token sum in place of the mean
    "graddiff",  # gradient ascent on the forget rows, with the retain term
    "npo_logits",  # the loss of MUSE's released code
]


@dataclass(frozen=True)
class TrainConfig:
    """What a run does.

    `retain_weight` is the lambda of the retain term; pre-training has no such term. GradDiff with
    a retain weight of 0 is gradient ascent.
    """

    objective: Objective
    steps: int
    lr: float
    schedule: Literal["cosine", "constant"]
    warmup_steps: int
    forget_rows: int
    retain_rows: int
    beta: float = 0.1
    gamma: float = 0.0
    retain_weight: float = 1.0
    weight_decay: float = 0.0
    clip: float = 1.0
    mixed_precision: Literal["no", "bf16"] = "bf16"


@dataclass(frozen=True)
class Rows:
    """Training rows, (count, tokens) ids each, in the order they are read; read again from the
    start at the end."""

    forget: Tensor
    retain: Tensor


@dataclass(frozen=True)
class StepEvent:
    """One finished step.

    Losses are before the step's update; `forget` is None in a run without forget rows.
    """

    step: int
    loss: float
    forget: float | None
    retain: float
    lr: float
    seconds: float


@dataclass(frozen=True)
class Keeping:
    """Weights on the way: `keep` is given the step and the whole state dict after each of `steps`,
    in the first process alone, however the model is spread over processes."""

    steps: Collection[int]
    keep: Callable[[int, Mapping[str, Tensor]], None]


@dataclass(frozen=True)
class _Losses:
    total: Tensor
    forget: Tensor | None
    retain: Tensor


def train(
    config: TrainConfig, model: PreTrainedModel, rows: Rows, keeping: Keeping | None = None
) -> Iterator[StepEvent]:
    """Train `model` in place and yield an event per step.

    Step s reads the next `forget_rows` and `retain_rows` rows, shared out evenly over the processes
    that `accelerate launch` started; losses are of all of them. What NPO needs of its reference,
    the given model, is computed once before the first step.
    Two runs with equal arguments, threads and processes are equal. A Fault where a step's rows
    cannot be shared out evenly.
    """
    accelerator = Accelerator(mixed_precision=config.mixed_precision)
    _check_shares(config, accelerator.num_processes)
    optimizer = AdamW(
        model.parameters(), lr=config.lr, weight_decay=config.weight_decay, betas=(0.9, 0.95)
    )
    schedule = LambdaLR(optimizer, lambda step: _lr_factor(config, step))
    wrapped, optimizer = accelerator.prepare(model, optimizer)
    try:
        reference = _compute_reference(config, wrapped, rows.forget, accelerator)
        wrapped.train()
        for step in range(config.steps):
            started = time.perf_counter()
            losses = _compute_losses(config, wrapped, rows, reference, step, accelerator)
            accelerator.backward(losses.total)
            accelerator.clip_grad_norm_(wrapped.parameters(), config.clip)
            lr = optimizer.param_groups[0]["lr"]
            optimizer.step()
            schedule.step()
            optimizer.zero_grad()
            if keeping is not None and step + 1 in keeping.steps:
                state = accelerator.get_state_dict(wrapped)
                if accelerator.is_main_process:
                    keeping.keep(step + 1, state)
            yield _event(step, losses, lr, started, accelerator)
    finally:
        accelerator.unwrap_model(wrapped, keep_fp32_wrapper=False)
        model.eval()


def _check_shares(config: TrainConfig, processes: int) -> None:
    for name, rows in (("forget", config.forget_rows), ("retain", config.retain_rows)):
        if rows % processes:
            raise Fault(
                f"A step's {rows} {name} rows cannot be shared evenly by {processes} processes; "
                "choose as many processes as divide them."
            )


def _event(
    step: int, losses: _Losses, lr: float, started: float, accelerator: Accelerator
) -> StepEvent:
    total, retain = (_mean(loss, accelerator) for loss in (losses.total, losses.retain))
    forget = None if losses.forget is None else _mean(losses.forget, accelerator)
    return StepEvent(step + 1, total, forget, retain, lr, time.perf_counter() - started)


def _mean(loss: Tensor, accelerator: Accelerator) -> float:
    """Over processes, whose shares are equally large."""
    mean: Tensor = accelerator.reduce(loss.detach(), reduction="mean")
    return mean.item()


def _lr_factor(config: TrainConfig, step: int) -> float:
    """Linear warm-up, then constant or a cosine down to a tenth of a percent."""
    if step < config.warmup_steps:
        return (step + 1) / config.warmup_steps
    if config.schedule == "constant":
        return 1.0
    done = (step - config.warmup_steps) / max(1, config.steps - config.warmup_steps)
    return 0.001 + 0.999 * 0.5 * (1.0 + math.cos(math.pi * done))


def _take(rows: Tensor, step: int, count: int, accelerator: Accelerator) -> tuple[Tensor, Tensor]:
    """This process's share of a step's rows, and their places in `rows`."""
    mine = range(accelerator.process_index, count, accelerator.num_processes)
    places = torch.tensor([(step * count + i) % len(rows) for i in mine], dtype=torch.long)
    return rows[places].to(accelerator.device), places


def _compute_losses(
    config: TrainConfig,
    model: PreTrainedModel,
    rows: Rows,
    reference: Tensor | None,
    step: int,
    accelerator: Accelerator,
) -> _Losses:
    retain_ids, _ = _take(rows.retain, step, config.retain_rows, accelerator)
    if not len(rows.forget) or not config.forget_rows:
        retain = retain_loss(_score(model, retain_ids))
        return _Losses(retain, None, retain)
    forget_ids, places = _take(rows.forget, step, config.forget_rows, accelerator)
    ids, count = torch.cat([forget_ids, retain_ids]), len(forget_ids)
    logits = model(input_ids=ids, use_cache=False).logits
    log_probs = token_log_probs(logits, ids)
    kept = retain_loss(log_probs[count:])
    if config.objective == "pretrain":
        return _Losses(retain_loss(log_probs), retain_loss(log_probs[:count]), kept)
    known = None if reference is None else reference[places].to(logits.device)
    forgotten = _forget_loss(config, logits[:count], log_probs[:count], known)
    return _Losses(unlearning_loss(forgotten, kept, config.retain_weight), forgotten, kept)


def _forget_loss(
    config: TrainConfig, logits: Tensor, log_probs: Tensor, reference: Tensor | None
) -> Tensor:
    """The forget term. `reference` is what `_compute_reference` kept of these rows."""
    sums, tokens = log_probs.sum(-1), log_probs.shape[-1]
    lengths = torch.full_like(sums, tokens)
    match config.objective, reference:
        case "npo", Tensor():
            return npo_loss(sums, reference, config.beta)
        case "npo_mean", Tensor():
            return npo_loss(sums / lengths, reference / lengths, config.beta)
        case "npo_logits", Tensor():
            return logit_npo_loss(logits.float(), reference, config.beta)
        case "simnpo", _:
            return simnpo_loss(sums, lengths, config.beta, config.gamma)
        case "simnpo_sum", _:
            return simnpo_loss(sums, torch.ones_like(sums), config.beta, config.gamma)
        case "graddiff", _:
            return ascent_loss(sums, lengths)
    raise ValueError(f"{config.objective} is not an unlearning objective")


def _score(model: PreTrainedModel, ids: Tensor) -> Tensor:
    return token_log_probs(model(input_ids=ids, use_cache=False).logits, ids)


def _compute_reference(
    config: TrainConfig, model: PreTrainedModel, rows: Tensor, accelerator: Accelerator
) -> Tensor | None:
    """What the loss needs of all forget rows under the starting model: sequence log-probabilities
    (rows,) or logits (rows, tokens, vocabulary); None where it needs nothing.

    Each process reads a share of every batch; the last batch is filled up from the first rows, so
    that all take as many passes.
    """
    if config.objective not in ("npo", "npo_mean", "npo_logits"):
        return None
    parts = []
    with torch.no_grad():
        for step in range(math.ceil(len(rows) / config.forget_rows)):
            ids, _ = _take(rows, step, config.forget_rows, accelerator)
            found = accelerator.gather(_refer(config, model, ids)).cpu()
            shares = found.view(accelerator.num_processes, -1, *found.shape[1:])
            parts.append(shares.transpose(0, 1).flatten(0, 1))
    return torch.cat(parts)[: len(rows)]


def _refer(config: TrainConfig, model: PreTrainedModel, ids: Tensor) -> Tensor:
    logits: Tensor = model(input_ids=ids, use_cache=False).logits.float()
    return logits if config.objective == "npo_logits" else token_log_probs(logits, ids).sum(-1)
