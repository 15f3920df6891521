"""From files to a model in memory: quantized at load or before, safetensors only, no remote code.

One model is built at a time in a process: concurrent `from_pretrained` calls share torch's default
dtype and give each other the wrong one.
"""

import logging
import os
import sys
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from huggingface_hub.errors import HfHubHTTPError
from safetensors import SafetensorError
from transformers import AutoConfig, AutoModelForCausalLM, AutoTokenizer
from transformers.utils import logging as transformers_logging

from loaders.device import compute_dtype
from loaders.engine.adapters import is_own_llama, put_on, refuse_embedded
from loaders.engine.decoder import Decoder, PlainDecoder
from loaders.engine.llama import LlamaDecoder, fits
from loaders.engine.quantization import (
    check_widths,
    compute_in,
    held_precision,
    quantization,
    require_held,
)
from loaders.engine.slots import Slots, Span
from loaders.family import ModelSpec, is_local
from loaders.faults import Fault
from loaders.lent import is_lending

LOAD_LOCK = threading.Lock()


@dataclass(frozen=True)
class Weights:
    """A model ready to run, with its tokenizer. `context` is in tokens, `eos` are token ids."""

    model: Any
    decode: Decoder
    tokenizer: Any
    device: str
    context: int
    eos: frozenset[int]

    @property
    def layers(self) -> int:
        """How many layers keep keys and values."""
        return int(self.model.config.num_hidden_layers)

    @property
    def token_bytes(self) -> int:
        """What the keys and values of one token take, on a CPU fp32 ones where they are our own."""
        config = self.model.config
        heads = getattr(config, "num_key_value_heads", None) or config.num_attention_heads
        width = (
            getattr(config, "head_dim", None) or config.hidden_size // config.num_attention_heads
        )
        wide = self.device == "cpu" and isinstance(self.decode, LlamaDecoder)
        item = torch.float32.itemsize if wide else self.model.dtype.itemsize
        return int(2 * self.layers * heads * width * item)


def load_weights(spec: ModelSpec, precision: str, device: str) -> Weights:
    """Load one model in one precision; a Fault says in a sentence why it could not be done."""
    with loading(spec):
        return _load(spec, precision, device)


@contextmanager
def loading(spec: ModelSpec) -> Iterator[None]:
    """Around the reading of a model: one at a time, quietly, its faults as sentences."""
    # A repository without safetensors is refused, not converted by a thread that asks the Hub to.
    os.environ.setdefault("DISABLE_SAFETENSORS_CONVERSION", "1")
    with LOAD_LOCK, _quiet(), _without_kernels():
        try:
            yield
        except SafetensorError as error:
            raise Fault(
                f"The weights in {spec.repo} are damaged ({error}); get them anew."
            ) from error
        except HfHubHTTPError as error:
            raise Fault(f"{spec.repo} cannot be had from the Hub: {_first_line(error)}") from error
        # RuntimeError: no memory left on the device, or weights that do not fit their config.
        except (OSError, ValueError, RuntimeError) as error:
            raise Fault(f"{spec.repo} cannot be loaded: {_first_line(error)}") from error


def read_tokenizer(spec: ModelSpec) -> Any:
    """The tokenizer that reads for the model; inside `loading`."""
    return AutoTokenizer.from_pretrained(
        spec.tokenizer, revision=spec.tokenizer_revision or None, trust_remote_code=False
    )


def read_model(spec: ModelSpec, precision: str, device: str, dtype: torch.dtype) -> Any:
    """The model of `spec.repo` as transformers has it, before its first forward pass and without
    an adapter; inside `loading`.

    Quantized while it is read, unless it is stored so. All that is not quantized is in `dtype`.
    """
    revision = None if is_local(spec.repo) else spec.revision
    refuse_embedded(spec)
    config = AutoConfig.from_pretrained(spec.repo, revision=revision, trust_remote_code=False)
    held = held_precision(spec.repo, config)
    require_held(spec.repo, held, precision)
    model = AutoModelForCausalLM.from_pretrained(
        spec.repo,
        config=config,  # or no quantization_config of ours would take away the stored one
        revision=revision,
        dtype=dtype,
        quantization_config=None if held else quantization(precision, dtype),
        device_map={"": device},
        use_safetensors=True,
        trust_remote_code=False,
    ).eval()
    if held:
        compute_in(model, dtype)
    return model


def _load(spec: ModelSpec, precision: str, device: str) -> Weights:
    tokenizer = read_tokenizer(spec)
    model = read_model(spec, precision, device, _dtype(precision, device))
    check_widths(spec.repo, model, precision, device)
    model = put_on(spec, model, device)
    context = _context(spec, model)
    is_own = fits(model) and is_own_llama(model)
    decode = LlamaDecoder(model) if is_own else PlainDecoder(model)
    weights = Weights(model, decode, tokenizer, device, context, _eos(model))
    if not (is_lending() and device.startswith("cuda")):  # a GPU that is played computes nothing
        _settle(spec, weights)
    return weights


def _dtype(precision: str, device: str) -> torch.dtype:
    fixed = {"fp32": torch.float32, "bf16": torch.bfloat16}
    return fixed.get(precision) or compute_dtype(device)


def _context(spec: ModelSpec, model: Any) -> int:
    """Tokens that the model can attend to; a sliding window ends it, as within it all is seen."""
    config = model.config
    kinds = set(getattr(config, "layer_types", None) or ["full_attention"])
    if unknown := kinds - {"full_attention", "sliding_attention"}:
        raise Fault(
            f"{spec.repo} has layers of the kind {', '.join(sorted(unknown))}; only models whose "
            "layers all attend to tokens can be run."
        )
    longest = getattr(config, "max_position_embeddings", None)
    if longest is None:
        raise Fault(
            f"{spec.repo} is a {config.model_type} model, whose config has no "
            "max_position_embeddings; only models that say how far they attend can be run."
        )
    windows = (getattr(config, name, None) for name in ("sliding_window", "window_size"))
    return int(min(longest, *(window or longest for window in windows)))


def _eos(model: Any) -> frozenset[int]:
    eos = model.generation_config.eos_token_id
    return frozenset([eos] if isinstance(eos, int) else eos or [])


@torch.inference_mode()
def _settle(spec: ModelSpec, weights: Weights) -> None:
    """Take a step, because the first CPU forward repacks 4-bit weights in place, unguarded, and
    because some architectures cannot take one with a mask that is not theirs."""
    ids = torch.zeros((2, 1), dtype=torch.long, device=weights.device)
    slots = Slots(weights.layers, 2, 1)
    slots.span = Span(0, 2, 0, 1)
    mask = torch.ones((2, 1, 1, 1), dtype=torch.bool, device=weights.device)
    try:
        weights.decode(ids, ids, slots, mask, None)
    except (AttributeError, IndexError, TypeError, ValueError) as error:
        raise Fault(
            f"{spec.repo} is a {weights.model.config.model_type} model, which cannot be run with "
            f"several prompts at once ({_first_line(error)})."
        ) from error


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep what the libraries say while loading off the user's terminal; faults still come."""
    logging.getLogger("bitsandbytes").setLevel(logging.ERROR)
    transformers_logging.disable_progress_bar()
    transformers_logging.set_verbosity_error()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


@contextmanager
def _without_kernels() -> Iterator[None]:
    """Importing bitsandbytes on some CPUs runs native code from the Hub if `kernels` is there."""
    absent = object()
    found = sys.modules.get("kernels", absent)
    sys.modules["kernels"] = None  # type: ignore[assignment]
    try:
        yield
    finally:
        del sys.modules["kernels"]
        if found is not absent:
            sys.modules["kernels"] = found  # type: ignore[assignment]


def _first_line(error: Exception) -> str:
    return str(error).strip().splitlines()[0]
