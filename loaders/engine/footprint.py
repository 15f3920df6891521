"""What a loaded model is made of and what it takes on its device; it never loads or changes one."""

from collections.abc import Iterator
from math import prod
from typing import Any

import torch

from loaders.engine.weights import Weights
from loaders.protocol import Footprint


def footprint(weights: Weights, commit: str = "") -> Footprint:
    """Parameters, layers, context and compute dtype of a loaded model, with its Hub commit."""
    model = weights.model
    return Footprint(
        parameters=sum(_count(parameter) for parameter in model.parameters()),
        layers=weights.layers,
        context=weights.context,
        compute_dtype=str(model.dtype).removeprefix("torch."),
        commit=commit,
    )


def weigh(model: Any) -> int:
    """Bytes of all parameters and buffers, and of what their quantization keeps beside them.

    Views and tied weights share a storage, which counts once.
    """
    storages = (tensor.untyped_storage() for tensor in _tensors(model))
    return sum({storage.data_ptr(): storage.nbytes() for storage in storages}.values())


def _count(parameter: Any) -> int:
    """Numbers in a parameter; two of them share a byte where it is kept in four bits."""
    shape = getattr(getattr(parameter, "quant_state", None), "shape", None)
    return prod(shape if shape is not None else parameter.shape)


def _tensors(model: Any) -> Iterator[torch.Tensor]:
    """All tensors of a model; bitsandbytes keeps scales and code books as attributes of weights
    (`quant_state`, its nested `state2`) and, in int8, of layers (`state`)."""
    yield from model.buffers()
    for parameter in model.parameters():
        yield parameter
        yield from _attributes(parameter)
        state = getattr(parameter, "quant_state", None)
        for kept in (state, getattr(state, "state2", None)):
            yield from _attributes(kept)
    for module in model.modules():
        yield from _attributes(getattr(module, "state", None))


def _attributes(thing: Any) -> Iterator[torch.Tensor]:
    values = getattr(thing, "__dict__", {}).values()
    return (value for value in values if isinstance(value, torch.Tensor))
