"""Weights in fewer bits: what is asked of bitsandbytes, what a checkpoint holds; loads nothing."""

from collections.abc import Mapping
from typing import Any

import torch
from transformers import BitsAndBytesConfig

from loaders.faults import Fault

FOUR_BIT = ("nf4", "fp4")


def quantization(precision: str, dtype: torch.dtype) -> BitsAndBytesConfig | None:
    """How weights are quantized while they are read, to be computed in `dtype`; None if not.

    4-bit weights come in blocks of 64 whose scales are quantized in turn (QLoRA, arXiv 2305.14314,
    section 3), two weights a byte.
    """
    if precision == "int8":
        return BitsAndBytesConfig(load_in_8bit=True)
    if precision not in FOUR_BIT:
        return None
    return BitsAndBytesConfig(
        load_in_4bit=True,
        bnb_4bit_quant_type=precision,
        bnb_4bit_use_double_quant=True,
        bnb_4bit_compute_dtype=dtype,
        bnb_4bit_quant_storage=torch.uint8,
    )


def held_precision(repo: str, config: Any) -> str | None:
    """The precision that a checkpoint is stored quantized in; None if it is not quantized.

    A Fault for the quantizations of other libraries.
    """
    settings = getattr(config, "quantization_config", None)
    if settings is None:
        return None
    held: Mapping[str, Any] = settings if isinstance(settings, Mapping) else settings.to_dict()
    if held.get("load_in_4bit"):
        return str(held.get("bnb_4bit_quant_type", "fp4"))
    if held.get("load_in_8bit"):
        return "int8"
    raise Fault(
        f"{repo} is stored quantized by {held.get('quant_method', 'an unknown method')}; only "
        "what bitsandbytes quantized to nf4, fp4 or int8, or plain weights can be run."
    )


def require_held(repo: str, held: str | None, precision: str) -> None:
    """A Fault if a checkpoint stored in `held` is asked for in another precision."""
    if held is not None and held != precision:
        raise Fault(
            f"{repo} is stored quantized to {held} and cannot be had in {precision}: what "
            f"quantizing took is gone. Use --precision {held}, or the checkpoint it was made from."
        )


def compute_in(model: Any, dtype: torch.dtype) -> None:
    """Let a stored quantized model compute in `dtype`, as it would had it been quantized just now.

    Transformers leaves such a model in the dtype it was saved with, whichever it is asked for:
    bf16 on a GPU that has none. Quantized weights stay what they are, everything else is converted.
    """
    for module in model.modules():
        state = getattr(getattr(module, "weight", None), "quant_state", None)
        if state is not None:
            module.compute_dtype = state.dtype = dtype
    for parameter in model.parameters():
        # Four bits may be stored in what looks like numbers of sixteen.
        is_packed = getattr(parameter, "quant_state", None) is not None
        if parameter.is_floating_point() and not is_packed:
            parameter.data = parameter.data.to(dtype)


def check_widths(repo: str, model: Any, precision: str, device: str) -> None:
    """The CPU kernels read 64 weights by 32 rows at a time and fail on some CPUs only."""
    if precision not in FOUR_BIT or device != "cpu":
        return
    for name, layer in model.named_modules():
        if type(layer).__name__ != "Linear4bit":
            continue
        if layer.in_features % 64 or layer.out_features % 32:
            raise Fault(
                f"{repo} cannot run in {precision} on a CPU: {name} is {layer.out_features} × "
                f"{layer.in_features}, and needs multiples of 32 × 64. Use fp32, bf16 or a GPU."
            )
