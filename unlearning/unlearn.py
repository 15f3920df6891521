"""One unlearning run on a model of any family, over as many processes as were launched.

As in MUSE (Shi et al. 2024, arXiv 2407.06460, section 3 and `iterative.py` of swj0419/muse_bench):
the forget text is cut into rows of BOS and as many tokens as fit, the last one filled up from the
start; every step reads four of them and four of the retain text, at a constant learning rate. The
losses are those of losses.py, per sequence. Checkpoints are written in bfloat16 and can be opened
like any: `python -m metrics --checkpoints DIR`.
"""

import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

import torch
from torch import Tensor
from transformers import AutoTokenizer, PreTrainedModel

from loaders.family import Family, ModelSpec
from loaders.faults import Fault
from unlearning.checkpoints import load_row
from unlearning.recipe import NPO, SIMNPO
from unlearning.rows import ROW_TOKENS, cut_text
from unlearning.texts import FORGET, RETAIN, read_text
from unlearning.trainer import Keeping, Rows, StepEvent, TrainConfig, train

Method = Literal["npo", "simnpo", "graddiff"]
METHODS: tuple[Method, ...] = ("npo", "simnpo", "graddiff")

# Of 7B models: the learning rate of MUSE; beta of its NPO, and of SimNPO's card for MUSE-Books.
FULL_LR = 1e-5
FULL_BETA = {"npo": 0.1, "simnpo": 0.7, "graddiff": 0.0}
LONGEST_ROW = 2048  # tokens


@dataclass(frozen=True)
class Wish:
    """What is asked for; None is what is usual for the family's scale and the method."""

    method: Method
    steps: int | None = None  # default: once through the forget text
    every: int | None = None  # steps from one checkpoint to the next; default: the last alone
    lr: float | None = None
    beta: float | None = None
    gamma: float = 0.0
    retain_weight: float = 1.0
    rows: int = 4  # of each set, a step
    seed: int = 0
    mixed_precision: Literal["no", "bf16"] = "bf16"


@dataclass(frozen=True)
class Plan:
    """A run as it will be done: `kept` are the steps that checkpoints are written after."""

    config: TrainConfig
    rows: Rows
    kept: tuple[int, ...]


def unlearn(family: Family, spec: ModelSpec, wish: Wish, out: Path) -> Iterator[StepEvent]:
    """Train the model of `spec` to forget; an event a step, checkpoints in `out`/checkpoint-N.

    Faults for text that is missing, for a folder that is not empty, and for a step that the
    processes cannot share evenly.
    """
    if out.exists() and any(out.iterdir()):
        raise Fault(f"{out} is not empty; name a new folder, so that no checkpoint is overwritten.")
    tokenizer = AutoTokenizer.from_pretrained(
        spec.tokenizer, revision=spec.tokenizer_revision or None, trust_remote_code=False
    )
    model = load_row(spec)
    plan = make_plan(family, tokenizer, _row_tokens(family, model), wish)

    def keep(step: int, state: Mapping[str, Tensor]) -> None:
        folder = out / f"checkpoint-{step}"
        halved = {name: tensor.to(torch.bfloat16) for name, tensor in state.items()}
        model.save_pretrained(folder, state_dict=halved)
        tokenizer.save_pretrained(folder)

    yield from train(plan.config, model, plan.rows, Keeping(plan.kept, keep))


def make_plan(family: Family, tokenizer: Any, row_tokens: int, wish: Wish) -> Plan:
    """Settings, rows and checkpoints of a run."""
    forget = cut_text(read_text(family, FORGET), tokenizer, row_tokens)
    retain = cut_text(read_text(family, RETAIN), tokenizer, row_tokens)
    steps = wish.steps or max(1, len(forget) // wish.rows)
    every = wish.every or steps
    return Plan(
        config=make_config(family, wish, steps),
        rows=Rows(
            forget=_epochs(forget, steps * wish.rows, f"{wish.seed} forget"),
            retain=_epochs(retain, steps * wish.rows, f"{wish.seed} retain"),
        ),
        kept=tuple(step for step in range(1, steps + 1) if step % every == 0 or step == steps),
    )


def make_config(family: Family, wish: Wish, steps: int) -> TrainConfig:
    """What is not wished for is what the demo's recipe has, or what was published for 7B models."""
    usual = SIMNPO if wish.method == "simnpo" else NPO
    if family.scale == "full":
        usual = replace(usual, lr=FULL_LR, warmup_steps=0, beta=FULL_BETA[wish.method])
    return replace(
        usual,
        objective=wish.method,
        steps=steps,
        lr=usual.lr if wish.lr is None else wish.lr,
        beta=usual.beta if wish.beta is None else wish.beta,
        gamma=wish.gamma,
        retain_weight=wish.retain_weight,
        forget_rows=wish.rows,
        retain_rows=wish.rows,
        mixed_precision=wish.mixed_precision,
    )


def _row_tokens(family: Family, model: PreTrainedModel) -> int:
    longest = LONGEST_ROW if family.scale == "full" else ROW_TOKENS
    return min(longest, int(model.config.max_position_embeddings))


def _epochs(rows: Tensor, count: int, seed: str) -> Tensor:
    """`count` of `rows`, epoch after epoch, each in an order of its own."""
    rng, places = random.Random(seed), list[int]()
    while len(places) < count:
        places += rng.sample(range(len(rows)), len(rows))
    return rows[places[:count]]
