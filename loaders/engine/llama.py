"""A Llama's forward pass in half the operations of transformers' own; the weights stay its own.

A small model's step is nearly all dispatch, so operations are what counts: the projections of
queries, keys and values are one, so are the two that the feed-forward begins with, and cosines are
looked up. Plain weights are kept transposed, through which a single row goes in two thirds of the
time. Quantized ones stay as they are, because merging them would quantize them anew.
"""

from dataclasses import dataclass
from typing import Any

import torch
from torch.nn import Linear, Parameter
from torch.nn import functional as F
from transformers import LlamaForCausalLM

from loaders.engine.slots import Slots

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

    into: "_Projection"
    out: "_Projection"
    up: "_Projection"
    down: "_Projection"
    before_attention: Any
    before_feed_forward: Any


class LlamaDecoder:
    """Implements `loaders.engine.decoder.Decoder` for a model that `fits`."""

    def __init__(self, model: LlamaForCausalLM) -> None:
        config = model.config
        self._model = model
        self._queries = config.num_attention_heads
        self._keys = config.num_key_value_heads or config.num_attention_heads
        self._layers = [_read_layer(layer) for layer in model.model.layers]
        self._cos, self._sin = self._angles(config.max_position_embeddings)

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
        for number, layer in enumerate(self._layers):
            states = states + self._attend(number, layer, states, cos, sin, slots, mask)
            states = states + _feed_forward(layer, states)
        if keep is not None:
            states = states[:, keep]
        return self._model.lm_head(_norm(self._model.model.norm, states))  # type: ignore[no-any-return]

    def _attend(
        self,
        number: int,
        layer: _Layer,
        states: torch.Tensor,
        cos: torch.Tensor,
        sin: torch.Tensor,
        slots: Slots,
        mask: torch.Tensor | None,
    ) -> torch.Tensor:
        rows, tokens, _ = states.shape
        into = layer.into(_norm(layer.before_attention, states))
        heads = into.view(rows, tokens, self._queries + 2 * self._keys, -1).transpose(1, 2)
        turned = self._queries + self._keys
        both = _turn(heads[:, :turned], cos, sin)
        keys, values = slots.update(both[:, self._queries :], heads[:, turned:], number)
        seen = F.scaled_dot_product_attention(
            both[:, : self._queries],
            keys,
            values,
            attn_mask=mask,
            is_causal=mask is None and tokens > 1,
            enable_gqa=self._keys != self._queries,
        )
        return layer.out(seen.transpose(1, 2).reshape(rows, tokens, -1))

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


def _read_layer(layer: Any) -> _Layer:
    attention, feed_forward = layer.self_attn, layer.mlp
    return _Layer(
        into=_Projection(attention.q_proj, attention.k_proj, attention.v_proj),
        out=_Projection(attention.o_proj),
        up=_Projection(feed_forward.gate_proj, feed_forward.up_proj),
        down=_Projection(feed_forward.down_proj),
        before_attention=layer.input_layernorm,
        before_feed_forward=layer.post_attention_layernorm,
    )


class _Projection:
    """Projections of the same states, side by side.

    Plain ones are one matrix; theirs become views of it, so that nothing is stored twice.
    """

    def __init__(self, *parts: Linear) -> None:
        self._parts = parts
        self._weight: torch.Tensor | None = None
        if all(type(part) is Linear and part.bias is None for part in parts):
            self._weight = torch.cat([part.weight.data for part in parts]).t().contiguous()
            heights = [part.out_features for part in parts]
            for part, piece in zip(parts, torch.split(self._weight, heights, dim=1), strict=True):
                part.weight = Parameter(piece.t(), requires_grad=False)

    def __call__(self, states: torch.Tensor) -> torch.Tensor:
        if self._weight is not None:
            return torch.matmul(states, self._weight)
        if len(self._parts) == 1:
            return self._parts[0](states)  # type: ignore[no-any-return]
        return torch.cat([part(states) for part in self._parts], dim=-1)
