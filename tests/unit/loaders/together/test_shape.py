"""What a model is said to take, from its config alone, against what it takes when it is loaded."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from transformers import AutoModelForCausalLM, Gemma2Config, GPTNeoXConfig, LlamaConfig

from loaders import ModelSpec, load_family
from loaders.choices import PRECISIONS
from loaders.engine.local import LocalEngine
from loaders.together.shape import UNSAID, Shape, count_bytes, measure_needs, read_shape, shape_of
from tests.spec import SPEC
from tests.tiny import tiny_family

DEMO = load_family("demo")
LLAMA_7B = Shape(
    quantized=6_476_005_376,
    rows=1_359_872,
    layers=224,
    rest=262_410_240,
    kept=2 * 32 * 32 * 128,
    longest=4096,
)


@pytest.mark.parametrize("precision", PRECISIONS)
def test_weights_take_what_was_said(precision: str) -> None:
    engine = LocalEngine(DEMO, precision, "cpu")
    list(engine.load("original"))
    status, need = engine.status("original"), measure_needs(DEMO, precision, "cpu")[0]
    assert status.footprint is not None
    assert need.weights == pytest.approx(status.bytes, rel=0.002)
    assert need.parameters == status.footprint.parameters
    assert need.token == engine._models.weights("original").token_bytes
    assert need.longest == engine.context("original")


def test_a_llama_of_seven_billion() -> None:
    config = LlamaConfig(
        vocab_size=32_000,
        hidden_size=4096,
        intermediate_size=11_008,
        num_hidden_layers=32,
        num_attention_heads=32,
        max_position_embeddings=4096,
    )
    with torch.device("meta"):
        shape = shape_of(AutoModelForCausalLM.from_config(config))
    assert shape == LLAMA_7B
    assert shape.parameters == 6_738_415_616


@pytest.mark.parametrize(
    ("precision", "item", "gib"),
    [("nf4", 2, 3.60), ("int8", 2, 6.5), ("bf16", 2, 12.55), ("fp32", 4, 25.1)],
)
def test_it_takes_what_is_known_of_it(precision: str, item: int, gib: float) -> None:
    assert count_bytes(LLAMA_7B, precision, item) / 2**30 == pytest.approx(gib, abs=0.03)


@pytest.mark.parametrize(
    "config",
    [
        GPTNeoXConfig(
            hidden_size=64, num_hidden_layers=2, num_attention_heads=4, intermediate_size=128
        ),
        Gemma2Config(
            hidden_size=64, num_hidden_layers=2, num_attention_heads=4, num_key_value_heads=2
        ),
    ],
)
def test_any_architecture_is_counted_whole(
    config: GPTNeoXConfig | Gemma2Config, tmp_path: Path
) -> None:
    model = AutoModelForCausalLM.from_config(config)
    config.save_pretrained(tmp_path)
    shape = read_shape(here(tmp_path))
    assert shape.parameters == sum(parameter.numel() for parameter in model.parameters())
    assert 0 < shape.quantized < shape.parameters


def test_a_model_without_a_config_is_like_the_largest(tmp_path: Path) -> None:
    family = tiny_family(tmp_path, keys=("small", "lost"))
    large = replace(
        tiny_family(tmp_path / "more", hidden=128).models[0], key="large", label="Large"
    )
    lost = replace(family.models[1], label="Lost", repo=str(tmp_path / "nowhere"))
    needs = measure_needs(replace(family, models=(family.models[0], lost, large)), "fp32", "cpu")
    assert needs[1] == replace(needs[2], model="lost", label="Lost")
    assert needs[1].weights > needs[0].weights


def test_of_nothing_that_is_known_everything_is_tried(tmp_path: Path) -> None:
    family = tiny_family(tmp_path)
    lost = replace(family.models[0], repo=str(tmp_path / "nowhere"))
    (need,) = measure_needs(replace(family, models=(lost,)), "fp32", "cpu")
    assert (need.weights, need.longest) == (0, UNSAID)


def here(folder: Path) -> ModelSpec:
    return replace(SPEC, repo=str(folder))
