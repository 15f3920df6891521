"""Untrained models in memory whose logits are far apart, and what counts what they read."""

from collections.abc import Sequence
from copy import deepcopy
from functools import cache
from typing import Any

import torch
from transformers import AutoModelForCausalLM, LlamaConfig, LlamaForCausalLM, PretrainedConfig

from loaders.engine.decoder import Decoder, PlainDecoder
from loaders.engine.lane import Lane
from loaders.engine.llama import LlamaDecoder, fits
from loaders.engine.prompts import Prefixes
from loaders.engine.rows import Row
from loaders.engine.slots import Slots
from loaders.engine.weights import Weights, load_weights
from loaders.family import load_family

VOCABULARY = 120
CONTEXT = 256


def llama_config(**settings: Any) -> LlamaConfig:
    """Two layers of four heads, of which two have keys."""
    sizes = {
        "vocab_size": VOCABULARY,
        "hidden_size": 32,
        "intermediate_size": 64,
        "num_hidden_layers": 2,
        "num_attention_heads": 4,
        "num_key_value_heads": 2,
        "max_position_embeddings": CONTEXT,
        "bos_token_id": 0,
        "eos_token_id": 1,
        "pad_token_id": 1,
    }
    return LlamaConfig(**{**sizes, **settings})


def built(config: PretrainedConfig, spread: float = 0.3) -> Any:
    """The model of `config` with weights of standard deviation `spread`, always the same."""
    torch.manual_seed(0)
    model = AutoModelForCausalLM.from_config(config, dtype=torch.float32).eval()
    for parameter in model.parameters():
        if parameter.dim() > 1:
            torch.nn.init.normal_(parameter, std=spread)
    return model


def llama(**settings: Any) -> LlamaForCausalLM:
    """A Llama with `settings` of its config changed."""
    model = built(llama_config(**settings))
    assert isinstance(model, LlamaForCausalLM)
    return model


class Counting:
    """A decoder that counts passes, tokens, padding included, and the memory of the slots."""

    def __init__(self, decode: Decoder) -> None:
        self.passes = 0
        self.tokens = 0
        self.most_rows = 0
        self.most_bytes = 0
        self._decode = decode

    def __call__(
        self,
        ids: torch.Tensor,
        positions: torch.Tensor,
        slots: Slots,
        mask: torch.Tensor | None,
        keep: torch.Tensor | None,
    ) -> torch.Tensor:
        logits = self._decode(ids, positions, slots, mask, keep)
        self.passes += 1
        self.tokens += ids.numel()
        self.most_rows = max(self.most_rows, ids.shape[0])
        self.most_bytes = max(self.most_bytes, slot_bytes(slots))
        return logits


def slot_bytes(slots: Slots) -> int:
    """What the buffers of `slots` take."""
    layers: list[Any] = list(slots.layers)
    filled = [layer for layer in layers if layer.is_initialized]
    return sum(layer.keys.nbytes + layer.values.nbytes for layer in filled)


def weights_of(model: Any, *, eos: frozenset[int] = frozenset()) -> Weights:
    """`model` as the engine has it, without a tokenizer; its decoder counts."""
    own = deepcopy(model)
    decode = Counting(LlamaDecoder(own) if fits(own) else PlainDecoder(own))
    return Weights(own, decode, None, "cpu", CONTEXT, eos)


@cache
def demo_weights() -> Weights:
    """The demo's original model, which says real sentences."""
    return load_weights(load_family("demo").model("original"), "fp32", "cpu")


def counts(weights: Weights) -> Counting:
    """What the decoder of `weights_of` has counted."""
    assert isinstance(weights.decode, Counting)
    return weights.decode


def prompt(tokens: int, seed: int = 0) -> tuple[int, ...]:
    """A BOS and random ids after it."""
    generator = torch.Generator().manual_seed(seed)
    return (0, *torch.randint(2, VOCABULARY, (tokens - 1,), generator=generator).tolist())


@torch.inference_mode()
def continued(model: Any, ids: Sequence[int], tokens: int) -> list[int]:
    """Greedy, by transformers' own forward pass over the whole text, token by token."""
    text = list(ids)
    for _ in range(tokens):
        text.append(int(model(input_ids=torch.tensor([text])).logits[0, -1].argmax()))
    return text[len(ids) :]


def finished(weights: Weights, rows: Sequence[Row], prefixes: Prefixes | None = None) -> Lane:
    """A lane that has run `rows` to their ends."""
    lane = Lane(weights, prefixes or Prefixes())
    for row in rows:
        lane.add(row)
    while not lane.is_idle:
        lane.step()
    return lane
