"""The floor under any way of streaming through transformers: the models' forwards, nothing else.

All models advance in lockstep with caches of their own; the next token is always the same one, so
that nothing is sampled, fetched, decoded or shown.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from transformers import DynamicCache

from benchmarks.answer import Answer
from loaders.engine.weights import Weights


@dataclass(frozen=True)
class Lane:
    """One model with what it has read, and how many forwards it makes."""

    model: Any
    prompt: torch.Tensor
    cache: Any
    forwards: int


@torch.inference_mode()
def run(
    models: Mapping[str, Weights], prompt: str, lengths: Mapping[str, int]
) -> dict[str, Answer]:
    """As many forwards of each model as its answer is long, the first one over the prompt."""
    lanes = [_lane(weights, prompt, lengths[key]) for key, weights in models.items()]
    token = torch.tensor([[2]], device=lanes[0].prompt.device)
    for step in range(max(lengths.values())):
        for lane in lanes:
            if step < lane.forwards:
                ids = token if step else lane.prompt
                lane.model(input_ids=ids, cache=lane.cache, use_cache=True, logits_to_keep=1)
    return {key: Answer("", lengths[key]) for key in models}


def _lane(weights: Weights, prompt: str, forwards: int) -> Lane:
    ids = weights.tokenizer(prompt, return_tensors="pt").input_ids.to(weights.device)
    return Lane(weights.model, ids, DynamicCache(config=weights.model.config), forwards)
