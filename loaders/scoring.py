"""Given texts through one model: how likely it finds each token; greedy or not, nothing is made."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch

from loaders.prompts import Prefixes, read_prompts, read_rest
from loaders.protocol import Score
from loaders.slots import Slots
from loaders.weights import Weights

ROWS = 32
LOGITS = 2**26  # elements of the fp32 logits of one pass
NEVER = -1e9  # a log-probability with a finite square, as 0 · ∞ is not a number


@dataclass(frozen=True)
class Forced:
    """A text to be scored: its ids, and how many of them come before the first that counts."""

    index: int
    ids: tuple[int, ...]
    before: int


def score_all(
    weights: Weights, prefixes: Prefixes, texts: Sequence[Forced], moments: bool
) -> Iterator[Score | None]:
    """Scores in batches, the longest texts first; None after each."""
    limit = max(1, LOGITS // weights.model.config.vocab_size)
    left = sorted(texts, key=lambda text: -len(text.ids))
    while left:
        take = max(1, min(ROWS, limit // len(left[0].ids)))
        batch, left = left[:take], left[take:]
        yield from _score(weights, prefixes, batch, moments)
        yield None


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
