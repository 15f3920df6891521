"""What can be run and how far it attends is told from a config; the rest is refused."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from transformers import (
    BloomConfig,
    FalconConfig,
    GPTNeoConfig,
    MistralConfig,
    PretrainedConfig,
    Qwen2Config,
    Qwen3NextConfig,
)

from loaders import Fault
from loaders.engine.decoder import PlainDecoder
from loaders.engine.llama import LlamaDecoder
from loaders.engine.weights import _context, load_weights
from tests.spec import SPEC
from tests.tiny import save_tiny
from tests.unit.loaders.models import built, llama, llama_config, weights_of

SPEC_OF = replace(SPEC, repo="owner/name")
SIZES: dict[str, Any] = {
    "hidden_size": 32,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "vocab_size": 320,
}


class Configured:
    """A model of which only the config is looked at."""

    def __init__(self, config: PretrainedConfig) -> None:
        self.config = config


@pytest.mark.parametrize(
    ("config", "context"),
    [
        (llama_config(max_position_embeddings=512), 512),
        (MistralConfig(max_position_embeddings=512, sliding_window=64), 64),
        (MistralConfig(max_position_embeddings=512, sliding_window=None), 512),
        (Qwen2Config(max_position_embeddings=512, use_sliding_window=False), 512),
        (GPTNeoConfig(max_position_embeddings=512, window_size=128), 128),
    ],
)
def test_a_sliding_window_ends_the_context(config: PretrainedConfig, context: int) -> None:
    assert _context(SPEC_OF, Configured(config)) == context


def test_layers_that_do_not_attend_are_refused() -> None:
    kinds = ["linear_attention", "full_attention"]
    config = Qwen3NextConfig(num_hidden_layers=2, layer_types=kinds)
    with pytest.raises(Fault) as caught:
        _context(SPEC_OF, Configured(config))
    assert str(caught.value) == (
        "owner/name has layers of the kind linear_attention; only models whose layers all attend "
        "to tokens can be run."
    )


def saved(folder: Path, config: PretrainedConfig) -> Path:
    """An untrained model of `config` with the tiny models' tokenizer."""
    save_tiny(folder)
    (folder / "model.safetensors").unlink()
    built(config).save_pretrained(folder)
    return folder


def load(folder: Path) -> Any:
    path = str(folder)
    return load_weights(replace(SPEC, repo=path, tokenizer=path), "fp32", "cpu")


def test_a_llama_gets_its_own_decoder_and_others_transformers(tmp_path: Path) -> None:
    save_tiny(tmp_path / "llama")
    other = saved(tmp_path / "other", Qwen2Config(**SIZES, num_key_value_heads=4))
    assert isinstance(load(tmp_path / "llama").decode, LlamaDecoder)
    assert isinstance(load(other).decode, PlainDecoder)


def test_a_model_that_does_not_say_how_far_it_attends_is_refused(tmp_path: Path) -> None:
    folder = saved(tmp_path, BloomConfig(vocab_size=320, hidden_size=32, n_layer=1, n_head=4))
    with pytest.raises(Fault, match="is a bloom model, whose config has no max_position_embed"):
        load(folder)


def test_a_model_that_cannot_take_a_step_is_refused_when_it_is_loaded(tmp_path: Path) -> None:
    """Falcon's ALiBi wants a mask of its own shape."""
    folder = saved(tmp_path, FalconConfig(**SIZES, alibi=True))
    with pytest.raises(Fault, match="is a falcon model, which cannot be run with several prompts"):
        load(folder)


@pytest.mark.parametrize(
    ("settings", "held"),
    [({}, 2 * 2 * 2 * 8 * 4), ({"num_key_value_heads": 4}, 2 * 2 * 4 * 8 * 4)],
)
def test_the_bytes_of_a_token_are_its_keys_and_values(settings: dict[str, int], held: int) -> None:
    assert weights_of(llama(**settings)).token_bytes == held
