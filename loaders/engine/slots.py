"""Keys and values of many rows of one model, each row in a slot of its own; never runs a model.

Slots are filled from the left, so a row's token stands where its position says and nothing is
padded but the end. Buffers are fitted to the rows; what a forward pass reads are views of them.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import torch
from transformers import Cache
from transformers.cache_utils import CacheLayerMixin

BLOCK = 64  # tokens that a buffer grows by at least


@dataclass(frozen=True)
class Span:
    """What a forward pass writes: tokens `start` to `stop` of the slots `first` to `last`.

    `places`, of shape (slots,), are the rows' own positions where they differ; one token each.
    """

    first: int
    last: int
    start: int
    stop: int
    places: torch.Tensor | None = None

    @cached_property
    def rows(self) -> torch.Tensor | None:
        """The slots that `places` belong to, made once for all layers."""
        if self.places is None:
            return None
        return torch.arange(self.first, self.last, device=self.places.device)


@dataclass(frozen=True)
class Prefix:
    """The beginning that prompts share: its ids, and keys and values of each layer, as one row."""

    ids: tuple[int, ...]
    layers: tuple[tuple[torch.Tensor, torch.Tensor], ...]


class _Layer(CacheLayerMixin):
    """One layer's buffers, of shape (slots, heads, tokens, width)."""

    is_sliding = False
    keys: torch.Tensor
    values: torch.Tensor

    def __init__(self, slots: "Slots") -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._slots = slots

    def lazy_initialization(self, key_states: torch.Tensor, value_states: torch.Tensor) -> None:
        self.keys = _empty(key_states, self._slots.count, self._slots.tokens)
        self.values = _empty(value_states, self._slots.count, self._slots.tokens)
        self.is_initialized = True

    def update(
        self, key_states: torch.Tensor, value_states: torch.Tensor, *args: Any, **kwargs: Any
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Write what `Slots.span` says and give back all that the rows may look at."""
        if not self.is_initialized:
            self.lazy_initialization(key_states, value_states)
        span = self._slots.span
        return _put(self.keys, key_states, span), _put(self.values, value_states, span)

    def get_mask_sizes(self, query_length: int) -> tuple[int, int]:
        return self._slots.span.stop, 0

    def get_seq_length(self) -> int:
        return self._slots.span.start

    def get_max_length(self) -> int:
        return -1


class Slots(Cache):
    """A cache that transformers writes into through `span`, which is set before a forward pass.

    `buffers` is another object whenever keys and values have moved to other addresses.
    """

    def __init__(self, layers: int, count: int, tokens: int) -> None:
        self._own = [_Layer(self) for _ in range(layers)]
        super().__init__(layers=list(self._own))
        self.count = count
        self.tokens = _rounded(tokens)
        self.span = Span(0, 0, 0, 0)
        self.buffers = object()

    def reserve(self, count: int, tokens: int) -> None:
        """Room for `count` rows of `tokens` tokens, which are all that is needed; those stay.

        Where either does not suffice both are fitted, so that what many short rows and a long one
        left behind is never multiplied.
        """
        if count <= self.count and tokens <= self.tokens:
            return
        self.count, self.tokens = count, _rounded(tokens)
        self.buffers = object()
        for layer in self._filled():
            layer.keys = _fitted(layer.keys, self.count, self.tokens)
            layer.values = _fitted(layer.values, self.count, self.tokens)

    def move(self, source: int, target: int, tokens: int) -> None:
        """The row in slot `source` goes to slot `target`, where nothing else is left."""
        for layer in self._filled():
            for buffer in (layer.keys, layer.values):
                buffer[target, :, :tokens] = buffer[source, :, :tokens]
                buffer[target, :, tokens:] = 0.0

    def clear(self, first: int, last: int) -> None:
        """Nothing is left in the slots `first` to `last` of the rows that were there: a NaN of
        theirs would reach a shorter row through its mask (see `_empty`)."""
        for layer in self._filled():
            layer.keys[first:last] = 0.0
            layer.values[first:last] = 0.0

    def write_prefix(self, prefix: Prefix, tokens: int, first: int, last: int) -> None:
        """The first `tokens` tokens of `prefix` into the slots `first` to `last`."""
        for layer, (keys, values) in zip(self._own, prefix.layers, strict=True):
            if not layer.is_initialized:
                layer.lazy_initialization(keys, values)
            layer.keys[first:last, :, :tokens] = keys[:, :, :tokens]
            layer.values[first:last, :, :tokens] = values[:, :, :tokens]

    def read_prefix(self, ids: tuple[int, ...]) -> Prefix:
        """A copy of what slot 0 holds of `ids`."""
        tokens = len(ids)
        found = tuple(
            (layer.keys[:1, :, :tokens].clone(), layer.values[:1, :, :tokens].clone())
            for layer in self._own
        )
        return Prefix(ids, found)

    def _filled(self) -> list[_Layer]:
        return [layer for layer in self._own if layer.is_initialized]


def _put(buffer: torch.Tensor, states: torch.Tensor, span: Span) -> torch.Tensor:
    if span.places is not None:
        buffer[span.rows, :, span.places] = states[:, :, 0]
    else:
        buffer[span.first : span.last, :, span.start : span.stop] = states
    return buffer[span.first : span.last, :, : span.stop]


def _empty(states: torch.Tensor, count: int, tokens: int) -> torch.Tensor:
    """Zeros, because a masked place that holds a NaN would still make everything NaN."""
    return states.new_zeros(count, states.shape[1], tokens, states.shape[3])


def _fitted(buffer: torch.Tensor, count: int, tokens: int) -> torch.Tensor:
    fitted = _empty(buffer, count, tokens)
    kept = buffer[:count, :, :tokens]
    fitted[: len(kept), :, : kept.shape[2]] = kept
    return fitted


def _rounded(tokens: int) -> int:
    return -(-tokens // BLOCK) * BLOCK
