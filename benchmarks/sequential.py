"""Panes one after the other: a call of `generate` for each, nothing shown before it is done."""

from collections.abc import Mapping

import torch

from benchmarks.answer import Answer
from loaders.engine.weights import Weights


def run(models: Mapping[str, Weights], prompt: str, new_tokens: int) -> dict[str, Answer]:
    """Every model's greedy answer to `prompt`."""
    return {key: _generate(weights, prompt, new_tokens) for key, weights in models.items()}


def _generate(weights: Weights, prompt: str, new_tokens: int) -> Answer:
    ids = weights.tokenizer(prompt, return_tensors="pt").input_ids.to(weights.device)
    made = weights.model.generate(
        ids,
        attention_mask=torch.ones_like(ids),
        max_new_tokens=new_tokens,
        do_sample=False,
        pad_token_id=min(weights.eos),
    )
    new = made[0, ids.shape[1] :]
    return Answer(weights.tokenizer.decode(new, skip_special_tokens=True), len(new))
