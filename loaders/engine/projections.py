"""Linear layers that read the same states, as one: the fewer operations, the less is dispatched.

The layers stay usable as they were. What is merged is never quantized anew.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch.nn import Linear, Module, Parameter

PACKED_ROWS = 4  # from which a weight in oneDNN's layout is the faster one
PACKED_PARAMETERS = 100_000_000  # of models that are small enough to be held in two layouts


def may_pack(model: Any) -> bool:
    """Whether a second layout of a model's weights is worth its memory, and there is one."""
    weight = model.get_input_embeddings().weight
    return (
        weight.device.type == "cpu"
        and weight.dtype == torch.float32
        and model.num_parameters() <= PACKED_PARAMETERS
        and torch.backends.mkldnn.is_available()  # type: ignore[no-untyped-call]
        and hasattr(torch.ops.mkldnn, "_linear_pointwise")
    )


class Projection:
    """What `parts` make of the same states, side by side.

    Plain ones are one matrix, kept transposed, through which a single row goes in two thirds of the
    time; theirs become views of it, so that nothing is stored twice. If `is_packed`, what
    PACKED_ROWS rows go through is laid out for that once more. 4-bit ones are one as soon as they
    are in the layout of a CPU, into which their first forward pass brings them.
    """

    def __init__(self, *parts: Module, is_packed: bool = False) -> None:
        self._parts = parts
        self._weight: torch.Tensor | None = None
        self._packed: torch.Tensor | None = None
        self._four_bit: _FourBit | None = None
        self._is_settled = False
        plain: list[Any] = [part for part in parts if type(part) is Linear and part.bias is None]
        if len(plain) < len(parts):
            return
        merged = torch.cat([part.weight.data for part in plain])
        if is_packed:
            self._packed = torch.ops.mkldnn._reorder_linear_weight(merged, PACKED_ROWS)
        self._weight = merged.t().contiguous()
        heights = [part.out_features for part in plain]
        for part, piece in zip(plain, torch.split(self._weight, heights, dim=1), strict=True):
            part.weight = Parameter(piece.t(), requires_grad=False)

    def __call__(self, states: torch.Tensor) -> torch.Tensor:
        if self._packed is not None and states.shape[:-1].numel() >= PACKED_ROWS:
            return _through(self._packed, states)
        if self._weight is not None:
            return torch.matmul(states, self._weight)
        if self._four_bit is not None:
            return self._four_bit(states)
        found = [part(states) for part in self._parts]
        if not self._is_settled:
            self._four_bit, self._is_settled = _merged(self._parts), True
        return torch.cat(found, dim=-1) if len(found) > 1 else found[0]


class Packed:
    """A layer that stays as it is, laid out once more for PACKED_ROWS rows or more."""

    def __init__(self, layer: Any) -> None:
        self._layer = layer
        self._packed = torch.ops.mkldnn._reorder_linear_weight(layer.weight.data, PACKED_ROWS)

    def __call__(self, states: torch.Tensor) -> torch.Tensor:
        if states.shape[:-1].numel() >= PACKED_ROWS:
            return _through(self._packed, states)
        return self._layer(states)  # type: ignore[no-any-return]


@dataclass(frozen=True)
class _FourBit:
    """bitsandbytes' own product, and nothing around it; blocks of 32 lines of a weight stand one
    after the other, so that weights one after the other are a weight."""

    weight: torch.Tensor
    scales: torch.Tensor
    shape: tuple[int, int]
    code: torch.Tensor
    block: int

    def __call__(self, states: torch.Tensor) -> torch.Tensor:
        return torch.ops.bitsandbytes.gemv_4bit.default(  # type: ignore[no-any-return]
            states, self.weight, self.shape, self.scales, self.code, self.block
        )


def _merged(parts: Sequence[Any]) -> _FourBit | None:
    """None for layers that are not bitsandbytes' own, in the layout of a CPU and without a bias."""
    own = all(type(part).__module__.startswith("bitsandbytes.") for part in parts)
    if not own or any(part.bias is not None for part in parts):
        return None
    states: list[Any] = [getattr(part.weight, "quant_state", None) for part in parts]
    if not all(getattr(state, "packing_format_for_cpu", False) for state in states):
        return None
    weight, heights = torch.cat([part.weight.data for part in parts]), [s.shape[0] for s in states]
    for part, piece in zip(parts, torch.split(weight, heights), strict=True):
        part.weight.data = piece
    first = states[0]
    scales = torch.cat([state.absmax for state in states], dim=1)
    shape = (sum(heights), int(first.shape[1]))
    return _FourBit(weight, scales, shape, first.code, first.blocksize)


def _through(packed: torch.Tensor, states: torch.Tensor) -> torch.Tensor:
    """oneDNN's product with a weight in its own layout; for other ones torch packs at each."""
    return torch.ops.mkldnn._linear_pointwise(states, packed, None, "none", [], "")  # type: ignore[no-any-return]
