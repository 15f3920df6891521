"""How large a model is, from its config alone; no weights are read.

The model is built on torch's meta device, where a tensor is only its shape, so that whatever
transformers can build can be measured.
"""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any

import torch
from transformers import AutoConfig, AutoModelForCausalLM

from loaders.device import compute_dtype
from loaders.engine.weights import LOAD_LOCK
from loaders.family import Family, ModelSpec, is_local
from loaders.faults import Fault
from loaders.hub.config import peek_config
from loaders.together.residency import Need

BLOCK = 64  # weights that share a scale, in four bits
NESTED = 256  # scales that share a scale of theirs
TABLES = 4 * (16 + 256 + 1)  # bytes of a 4-bit layer's two code books and its offset
UNSAID = 2**20  # tokens of context where the config says nothing
BYTES = {"fp32": 4, "bf16": 2}


@dataclass(frozen=True)
class Shape:
    """Numbers of a model: weights and rows of the `layers` that are quantized, all other weights,
    and the keys and values of one token. `longest` is in tokens."""

    quantized: int
    rows: int
    layers: int
    rest: int
    kept: int
    longest: int

    @property
    def parameters(self) -> int:
        """All of them."""
        return self.quantized + self.rest


def measure_needs(family: Family, precision: str, device: str) -> tuple[Need, ...]:
    """What every model of a family takes at a precision.

    One whose config cannot be had is taken to be like the largest of the others: loading it will
    say what is wrong.
    """
    return needs_of(family, read_shapes(family), precision, device)


def read_shapes(family: Family) -> dict[str, Shape]:
    """The shapes of all models of a family whose config can be had, by their keys."""
    shapes = {}
    for spec in family.models:
        with suppress(Fault, OSError, ValueError, TypeError, AttributeError):
            shapes[spec.key] = read_shape(spec)
    return shapes


def needs_of(
    family: Family, shapes: Mapping[str, Shape], precision: str, device: str
) -> tuple[Need, ...]:
    """What every model takes; one without a shape is taken to be like the largest."""
    found = [
        _need(spec, shapes[spec.key], precision, device) if spec.key in shapes else None
        for spec in family.models
    ]
    return _filled(family, found)


def _need(spec: ModelSpec, shape: Shape, precision: str, device: str) -> Need:
    item = BYTES.get(precision) or compute_dtype(device).itemsize
    return Need(
        model=spec.key,
        label=spec.label,
        parameters=shape.parameters,
        weights=count_bytes(shape, precision, item),
        token=shape.kept * (torch.float32.itemsize if device == "cpu" else item),
        longest=shape.longest,
    )


def _filled(family: Family, found: Sequence[Need | None]) -> tuple[Need, ...]:
    known = [need for need in found if need is not None]
    unknown = Need("", "", parameters=0, weights=0, token=0, longest=UNSAID)
    largest = max(known, key=lambda need: need.weights, default=unknown)
    return tuple(
        need or replace(largest, model=spec.key, label=spec.label)
        for spec, need in zip(family.models, found, strict=True)
    )


def read_shape(spec: ModelSpec) -> Shape:
    """The shape of what is in a folder or a repository; OSError, ValueError or Fault without a
    config."""
    config = _config(spec)
    with LOAD_LOCK, torch.device("meta"):
        model = AutoModelForCausalLM.from_config(config, trust_remote_code=False)
    return shape_of(model)


def _config(spec: ModelSpec) -> Any:
    if is_local(spec.repo):
        return AutoConfig.from_pretrained(spec.repo, trust_remote_code=False)
    said = peek_config(spec.repo, spec.revision)
    return type(AutoConfig.for_model(str(said.get("model_type")))).from_dict(said)


def shape_of(model: Any) -> Shape:
    """The shape of a model, wherever its tensors are. The output layer is never quantized."""
    head = model.get_output_embeddings()
    layers = [
        module
        for module in model.modules()
        if type(module).__name__ in ("Linear", "Conv1D") and module is not head
    ]
    quantized = sum(layer.weight.numel() for layer in layers)
    return Shape(
        quantized=quantized,
        rows=sum(layer.weight.shape[0] for layer in layers),
        layers=len(layers),
        rest=sum(parameter.numel() for parameter in model.parameters()) - quantized,
        kept=kept_numbers(model.config),
        longest=int(getattr(model.config, "max_position_embeddings", None) or UNSAID),
    )


def kept_numbers(config: Any) -> int:
    """Keys and values of one token in all layers."""
    heads = getattr(config, "num_key_value_heads", None) or config.num_attention_heads
    width = getattr(config, "head_dim", None) or config.hidden_size // config.num_attention_heads
    return int(2 * config.num_hidden_layers * heads * width)


def count_bytes(shape: Shape, precision: str, item: int) -> int:
    """What the weights take on a device, with `item` bytes for each that is not quantized.

    In four bits every BLOCK weights have a scale of one byte, and every NESTED scales one of four;
    in eight bits every row has a scale of four bytes.
    """
    rest = shape.rest * item
    if precision in ("nf4", "fp4"):
        scales = shape.quantized // BLOCK
        nested = -(-scales // NESTED) * 4
        return shape.quantized // 2 + scales + nested + shape.layers * TABLES + rest
    if precision == "int8":
        return shape.quantized + 4 * shape.rows + rest
    return shape.parameters * item
