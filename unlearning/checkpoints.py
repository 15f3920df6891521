"""Makes, writes and describes the demo family's checkpoints. Never trains."""

import json
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch
from transformers import (
    AutoConfig,
    AutoModelForCausalLM,
    LlamaConfig,
    LlamaForCausalLM,
    PreTrainedModel,
    PreTrainedTokenizerFast,
)

from loaders.choices import FULL_PRECISION
from loaders.engine.quantization import held_precision, require_held
from loaders.family import ModelSpec, is_local
from loaders.faults import Fault
from unlearning.tokenizer import POSITIONS

KEPT_FILES = (
    "config.json",
    "generation_config.json",
    "model.safetensors",
    "tokenizer.json",
    "tokenizer_config.json",
    "card.json",
)
VERSIONS = ("accelerate", "tokenizers", "torch", "transformers")


@dataclass(frozen=True)
class Card:
    """What card.json says about a checkpoint."""

    title: str
    method: str
    trained_on: tuple[str, ...]
    start: str
    hyperparameters: dict[str, Any]
    model: dict[str, Any]
    seed: int
    steps: int
    seconds: float
    data_sha256: dict[str, str]
    versions: dict[str, str]
    licence: str = "CC BY 4.0"
    scale: str = "toy"


def make_model(tokenizer: PreTrainedTokenizerFast, seed: int) -> PreTrainedModel:
    """A new Llama of 2.2 million parameters; every linear width is a multiple of 64, as 4-bit
    kernels need."""
    torch.manual_seed(seed)
    return LlamaForCausalLM(
        LlamaConfig(
            vocab_size=len(tokenizer),
            hidden_size=192,
            intermediate_size=512,
            num_hidden_layers=4,
            num_attention_heads=4,
            num_key_value_heads=4,
            max_position_embeddings=POSITIONS,
            tie_word_embeddings=True,
            bos_token_id=tokenizer.bos_token_id,
            eos_token_id=tokenizer.eos_token_id,
            pad_token_id=tokenizer.pad_token_id,
        )
    )


def load_model(place: Path | str, revision: str | None = None) -> PreTrainedModel:
    """A checkpoint in float32, ready to be trained further: a folder, or a Hub id and revision."""
    model: PreTrainedModel = AutoModelForCausalLM.from_pretrained(
        place, revision=revision, dtype=torch.float32, use_safetensors=True
    )
    return model


def load_row(spec: ModelSpec) -> PreTrainedModel:
    """The model of a family's row, to be trained further; OSError where it cannot be had.

    A Fault for a row whose weights are not all there: an adapter's, or quantized ones.
    """
    if spec.adapter:
        raise Fault(
            f"{spec.label} is an adapter on {spec.repo} and is not trained further here; merge it "
            "into a checkpoint of its own first."
        )
    revision = None if is_local(spec.repo) else spec.revision
    config = AutoConfig.from_pretrained(spec.repo, revision=revision, trust_remote_code=False)
    require_held(spec.repo, held_precision(spec.repo, config), FULL_PRECISION)
    return load_model(spec.repo, revision)


def save_checkpoint(
    model: PreTrainedModel, tokenizer: PreTrainedTokenizerFast, card: Card, folder: Path
) -> None:
    """Write a transformers directory in bfloat16, and its card; nothing else is left in it."""
    folder.mkdir(parents=True, exist_ok=True)
    model.bfloat16().save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    (folder / "card.json").write_text(
        json.dumps(asdict(card), indent=1, ensure_ascii=False) + "\n", encoding="utf-8"
    )
    for path in folder.iterdir():
        if path.name not in KEPT_FILES:
            path.unlink()
        else:
            path.chmod(0o644)


def describe_versions() -> dict[str, str]:
    """The versions of the packages that training depends on."""
    return {name: version(name) for name in VERSIONS}
