"""Panes the way most demos stream them: a thread of `generate` for each, and a text streamer.

One consumer takes a piece of every pane by turns. Each thread computes with as many torch threads
as everyone else, which torch keeps per thread and has to be told.
"""

from collections.abc import Mapping
from itertools import zip_longest
from threading import Thread

import torch
from transformers import TextIteratorStreamer

from benchmarks.answer import Answer
from loaders.engine.weights import Weights

PATIENCE_SECONDS = 120.0


def run(models: Mapping[str, Weights], prompt: str, new_tokens: int) -> dict[str, Answer]:
    """Every model's greedy answer to `prompt`."""
    streamers = {key: _streamer(weights) for key, weights in models.items()}
    tokens: dict[str, int] = {}

    def work(key: str, intra_op: int) -> None:
        torch.set_num_threads(intra_op)
        tokens[key] = _generate(models[key], prompt, new_tokens, streamers[key])

    threads = [Thread(target=work, args=(key, torch.get_num_threads())) for key in models]
    for thread in threads:
        thread.start()
    texts = dict.fromkeys(models, "")
    for pieces in zip_longest(*streamers.values(), fillvalue=""):
        for key, piece in zip(models, pieces, strict=True):
            texts[key] += piece
    for thread in threads:
        thread.join()
    return {key: Answer(text, tokens[key]) for key, text in texts.items()}


def _streamer(weights: Weights) -> TextIteratorStreamer:
    return TextIteratorStreamer(
        weights.tokenizer, skip_prompt=True, timeout=PATIENCE_SECONDS, skip_special_tokens=True
    )


def _generate(
    weights: Weights, prompt: str, new_tokens: int, streamer: TextIteratorStreamer
) -> int:
    ids = weights.tokenizer(prompt, return_tensors="pt").input_ids.to(weights.device)
    made = weights.model.generate(
        ids,
        attention_mask=torch.ones_like(ids),
        max_new_tokens=new_tokens,
        do_sample=False,
        pad_token_id=min(weights.eos),
        streamer=streamer,
    )
    return int(made.shape[1] - ids.shape[1])
