"""A Llama's forward pass in half the operations of transformers' own; the weights stay its own.

A small model's step is nearly all dispatch, so operations are what counts: the projections of
queries, keys and values are one, so are the two that the feed-forward begins with, and cosines are
looked up.
"""

from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from torch.nn import functional as F
from transformers import LlamaForCausalLM

from loaders.engine.attention import Pattern, attend, is_possible, make_pattern
from loaders.engine.projections import Packed, Projection, may_pack
from loaders.engine.slots import Slots

SPARSE = 4  # rows from which attention as products with sparse matrices is the faster one
ROPES = ("default", "linear", "llama3")  # whose angles do not depend on how long a text is


def fits(model: Any) -> bool:
    """Whether `LlamaDecoder` computes what `model` does."""
    if type(model) is not LlamaForCausalLM:
        return False
    config = model.config
    rope = (config.rope_parameters or {}).get("rope_type", "default")
    return config.hidden_act == "silu" and rope in ROPES


@dataclass(frozen=True)
class _Layer:
    """What one layer is made of."""

    into: Projection
    out: Projection
    up: Projection
    down: Projection
    before_attention: Any
    before_feed_forward: Any


class LlamaDecoder:
    """Implements `loaders.engine.decoder.Decoder` for a model that `fits`."""

    def __init__(self, model: LlamaForCausalLM) -> None:
        config = model.config
        self._model = model
        self._queries = config.num_attention_heads
        self._keys = config.num_key_value_heads or config.num_attention_heads
        packed = may_pack(model)
        self._layers = [_read_layer(layer, packed) for layer in model.model.layers]
        self._head = Packed(model.lm_head) if packed else model.lm_head
        self._cos, self._sin = self._angles(config.max_position_embeddings)
        self._is_on_cpu = self._cos.device.type == "cpu"

    def __call__(
        self,
        ids: torch.Tensor,
        positions: torch.Tensor,
        slots: Slots,
        mask: torch.Tensor | None,
        keep: torch.Tensor | None,
    ) -> torch.Tensor:
        if slots.span.stop > len(self._cos):
            self._cos, self._sin = self._angles(2 * slots.span.stop)
        cos, sin = self._cos[positions][:, None], self._sin[positions][:, None]
        states = self._model.model.embed_tokens(ids)
        seen = self._pattern(ids, slots, mask)
        for number, layer in enumerate(self._layers):
            states = states + self._attend(number, layer, states, cos, sin, slots, seen)
            states = states + _feed_forward(layer, states)
        if keep is not None:
            states = states[:, keep]
        return self._head(_norm(self._model.model.norm, states))

    def _attend(
        self,
        number: int,
        layer: _Layer,
        states: torch.Tensor,
        cos: torch.Tensor,
        sin: torch.Tensor,
        slots: Slots,
        seen: Pattern | torch.Tensor | None,
    ) -> torch.Tensor:
        rows, tokens, _ = states.shape
        into = layer.into(_norm(layer.before_attention, states))
        heads = into.view(rows, tokens, self._queries + 2 * self._keys, -1).transpose(1, 2)
        turned = self._queries + self._keys
        both, new = _turn(heads[:, :turned], cos, sin), heads[:, turned:]
        if self._is_on_cpu:  # half precision is emulated there outside of matrix products
            both, new = both.float(), new.float()
        queries = both[:, : self._queries]
        keys, values = slots.update(both[:, self._queries :], new, number)
        if isinstance(seen, Pattern):
            found = attend(seen, queries, keys, values)
        else:
            found = F.scaled_dot_product_attention(
                queries,
                keys,
                values,
                attn_mask=seen,
                is_causal=seen is None and tokens > 1,
                enable_gqa=self._keys != self._queries,
            )
        return layer.out(found.transpose(1, 2).reshape(rows, tokens, -1).to(states.dtype))

    def _pattern(
        self, ids: torch.Tensor, slots: Slots, mask: torch.Tensor | None
    ) -> Pattern | torch.Tensor | None:
        """What of the slots each row sees: a pattern where that is faster, or a mask."""
        rows, tokens = ids.shape
        if not self._is_on_cpu or tokens > 1 or rows < SPARSE or not is_possible():
            return mask
        heads = (self._queries, self._keys)
        return make_pattern(rows, *heads, slots.span.stop, slots.tokens, mask)

    def _angles(self, tokens: int) -> tuple[torch.Tensor, torch.Tensor]:
        """Cosines and signed sines of the first `tokens` positions, (tokens, width) each."""
        weight = self._model.model.embed_tokens.weight
        places = torch.arange(tokens, device=weight.device)[None]
        cos, sin = self._model.model.rotary_emb(weight, position_ids=places)
        half = sin.shape[-1] // 2
        return cos[0], torch.cat([-sin[0, :, :half], sin[0, :, half:]], dim=-1)


def _turn(heads: torch.Tensor, cos: torch.Tensor, sin: torch.Tensor) -> torch.Tensor:
    """Rotary position embedding (Su et al. 2021, arXiv 2104.09864); the halves of a head are the
    two coordinates, and `sin` carries the sign of the first."""
    return torch.addcmul(heads * cos, heads.roll(heads.shape[-1] // 2, -1), sin)


def _feed_forward(layer: _Layer, states: torch.Tensor) -> torch.Tensor:
    gate, up = layer.up(_norm(layer.before_feed_forward, states)).chunk(2, dim=-1)
    return layer.down(F.silu(gate) * up)


def _norm(norm: Any, states: torch.Tensor) -> torch.Tensor:
    return F.rms_norm(states, norm.weight.shape, norm.weight, norm.variance_epsilon)


def _read_layer(layer: Any, packed: bool) -> _Layer:
    attention, feed_forward = layer.self_attn, layer.mlp
    made = partial(Projection, is_packed=packed)
    return _Layer(
        into=made(attention.q_proj, attention.k_proj, attention.v_proj),
        out=made(attention.o_proj),
        up=made(feed_forward.gate_proj, feed_forward.up_proj),
        down=made(feed_forward.down_proj),
        before_attention=layer.input_layernorm,
        before_feed_forward=layer.post_attention_layernorm,
    )
