"""Given texts through one model: how likely it finds each token; greedy or not, nothing is made."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import torch

from loaders.engine.llama import ROPES
from loaders.engine.prompts import Prefixes, read_prompts, read_rest
from loaders.engine.slots import Slots
from loaders.engine.weights import Weights
from loaders.faults import Fault
from loaders.protocol import Score

ROWS = 32
LOGITS = 2**26  # elements of the fp32 logits of one pass; on a CPU so many leave its cache
LOGITS_ON_CPU = 2**20
NEVER = -1e9  # a log-probability with a finite square, as 0 · ∞ is not a number


@dataclass(frozen=True)
class Forced:
    """A text to be scored: its ids, and how many of them come before the first that counts."""

    index: int
    ids: tuple[int, ...]
    before: int


def check_lengths(weights: Weights, model: str, texts: Sequence[Forced]) -> None:
    """Fault for a text that `model` has no positions for, before any is read.

    Rotary positions go on beyond the last that was trained, as MUSE's own evaluation has them do: a
    text of a Llama 2 that is a token too long is scored whole. Learned ones are a table that ends,
    and no text is cut.
    """
    tokens = max((len(text.ids) for text in texts), default=0)
    if tokens > weights.context and not _goes_on(weights.model.config):
        raise Fault(
            f"A text has {tokens:,} tokens, what is before it included, and {model!r} has "
            f"{weights.context:,} positions; leave it out, as no text is cut."
        )


def _goes_on(config: Any) -> bool:
    """Whether all layers see as far as the text goes, by angles that its length does not change."""
    rope = getattr(config, "rope_parameters", None) or {}
    windows = [getattr(config, name, None) for name in ("sliding_window", "window_size")]
    return rope.get("rope_type") in ROPES and not any(windows)


def score_all(
    weights: Weights, prefixes: Prefixes, texts: Sequence[Forced], moments: bool
) -> Iterator[list[Score]]:
    """Scores in batches, the longest texts first."""
    logits = LOGITS_ON_CPU if weights.device == "cpu" else LOGITS
    limit = max(1, logits // weights.model.config.vocab_size)
    left = sorted(texts, key=lambda text: -len(text.ids))
    while left:
        take = max(1, min(ROWS, limit // len(left[0].ids)))
        batch, left = left[:take], left[take:]
        yield _score(weights, prefixes, batch, moments)


@torch.inference_mode()
def _score(
    weights: Weights, prefixes: Prefixes, batch: Sequence[Forced], moments: bool
) -> list[Score]:
    # What is before the first token that counts may be shared; the last one before it is read
    # again, because it is what the first one that counts is predicted from.
    slots = Slots(weights.layers, len(batch), max(len(text.ids) for text in batch))
    done = read_prompts(weights, prefixes, slots, 0, [text.ids[: text.before] for text in batch])
    logits = read_rest(weights, slots, 0, [text.ids for text in batch], done, None).float()
    return [_scored(text, logits[row], done, moments) for row, text in enumerate(batch)]


def _scored(text: Forced, logits: torch.Tensor, done: int, moments: bool) -> Score:
    """From the logits of a row, of shape (tokens after `done`, V)."""
    ids = torch.tensor(text.ids[text.before :], device=logits.device)
    first = text.before - done - 1
    logprobs = torch.log_softmax(logits[first : first + len(ids)], dim=-1)
    chosen = logprobs.gather(-1, ids[:, None])[:, 0]
    means, variances = _moments(logprobs) if moments else (None, None)
    return Score(
        index=text.index,
        token_ids=tuple(ids.tolist()),
        logprobs=tuple(chosen.tolist()),
        greedy=tuple((logprobs.argmax(dim=-1) == ids).tolist()),
        means=tuple(means.tolist()) if means is not None else (),
        variances=tuple(variances.tolist()) if variances is not None else (),
    )


def _moments(logprobs: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Mean and variance of log p over the vocabulary under p, each of shape (tokens,)."""
    p = logprobs.exp()
    logprobs = logprobs.clamp(min=NEVER)
    mean = (p * logprobs).sum(dim=-1)
    return mean, (p * (logprobs - mean[:, None]).square()).sum(dim=-1)
