"""PEFT adapters: small weights beside those of a base model, called with them and never merged.

Merging would change the base, and at 4 bits quantize it anew: several rows of a family may share
one. Adapters change the layers of a model; kinds that need more than its layers are refused.
"""

from pathlib import Path
from typing import Any

from huggingface_hub import snapshot_download
from huggingface_hub.errors import LocalEntryNotFoundError
from transformers.models.llama import modeling_llama as llama
from transformers.utils.peft_utils import find_adapter_config_file

from loaders.family import ADAPTER_FILES, ModelSpec, is_local
from loaders.faults import Fault
from loaders.hub.refusals import HTTPError

KINDS = ("LORA", "IA3")  # LoRA (arXiv 2106.09685) with its variants, and IA³ (arXiv 2205.05638)


def refuse_embedded(spec: ModelSpec) -> None:
    """A Fault if `spec.repo` holds an adapter: transformers would put it on unasked, or load
    whichever model it names as its base, at whichever revision."""
    revision = None if is_local(spec.repo) else spec.revision
    if find_adapter_config_file(spec.repo, revision=revision) is not None:
        raise Fault(
            f"{spec.repo} holds a PEFT adapter; name it as the 'adapter' of {spec.key!r}, and as "
            "its 'repo' the model that it was trained on."
        )


def put_on(spec: ModelSpec, model: Any, device: str) -> Any:
    """`model` with the adapter of `spec` in its layers; itself if there is none.

    A Fault for an adapter that cannot be had, that is of another kind or made for another model.
    """
    if not spec.adapter:
        return model
    from peft import PeftConfig, PeftModel  # takes seconds, and most families have no adapter

    folder = str(_folder(spec))
    try:
        config = PeftConfig.from_pretrained(folder)
        _check_kind(spec, config)
        config.inference_mode = True
        adapted = PeftModel(model, config)
        found = adapted.load_adapter(folder, "default", torch_device=device)
    # What PEFT says of layers that are not there, of other sizes, of settings that it has not.
    except (ValueError, RuntimeError, KeyError, TypeError) as error:
        raise _misfit(spec, str(error).strip().splitlines()[0]) from error
    if apart := [*found.missing_keys, *found.unexpected_keys]:
        raise _misfit(spec, f"{len(apart)} tensors have no counterpart, such as {apart[0]}")
    return adapted.get_base_model().eval()


def is_own_llama(model: Any) -> bool:
    """Whether at most the projections, the embedding and the head of a Llama were replaced, which
    `LlamaDecoder` calls as they are; it reads norms itself and takes no other layer's word."""
    return all(
        type(part) is kind
        for layer in model.model.layers
        for part, kind in (
            (layer, llama.LlamaDecoderLayer),
            (layer.self_attn, llama.LlamaAttention),
            (layer.mlp, llama.LlamaMLP),
            (layer.input_layernorm, llama.LlamaRMSNorm),
            (layer.post_attention_layernorm, llama.LlamaRMSNorm),
            (model.model.norm, llama.LlamaRMSNorm),
        )
    )


def _folder(spec: ModelSpec) -> Path:
    if is_local(spec.adapter):
        return Path(spec.adapter)
    try:
        found = snapshot_download(
            spec.adapter, revision=spec.adapter_revision, allow_patterns=list(ADAPTER_FILES)
        )
    except (HTTPError, LocalEntryNotFoundError) as error:
        reason = str(error).strip().splitlines()[0]
        raise Fault(f"The adapter {spec.adapter} cannot be had from the Hub: {reason}") from error
    if lacking := next((name for name in ADAPTER_FILES if not (Path(found) / name).is_file()), ""):
        raise Fault(f"The adapter {spec.adapter} has no {lacking}; it cannot be loaded.")
    return Path(found)


def _check_kind(spec: ModelSpec, config: Any) -> None:
    kind = str(getattr(config.peft_type, "value", config.peft_type))
    if getattr(config, "alora_invocation_tokens", None):
        kind = "activated LoRA"
    if kind not in KINDS:
        raise Fault(
            f"The adapter {spec.adapter} is of the kind {kind}; only {' and '.join(KINDS)} can be "
            "put on a model here."
        )


def _misfit(spec: ModelSpec, reason: str) -> Fault:
    return Fault(f"The adapter {spec.adapter} does not fit {spec.repo}: {reason}.")
