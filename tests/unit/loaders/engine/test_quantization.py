"""What a checkpoint is stored in, what it may be asked for, and what it computes in."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import AutoModelForCausalLM, BitsAndBytesConfig, LlamaConfig

from loaders import Fault
from loaders.engine.local import LocalEngine
from loaders.engine.quantization import held_precision
from loaders.engine.weights import read_model
from loaders.family import ModelSpec
from loaders.prequantized.making import make
from loaders.prequantized.source import Source
from tests.tiny import tiny_family
from tests.unit.loaders.engine.test_local import load

NF4 = {"quant_method": "bitsandbytes", "load_in_4bit": True, "bnb_4bit_quant_type": "nf4"}
INT8 = {"quant_method": "bitsandbytes", "load_in_8bit": True}
DTYPES = (torch.float16, torch.bfloat16, torch.float32)


@pytest.mark.parametrize(
    ("settings", "held"), [({}, None), (NF4, "nf4"), (NF4 | {"bnb_4bit_quant_type": "fp4"}, "fp4")]
)
def test_a_config_says_what_is_stored(settings: dict[str, Any], held: str | None) -> None:
    config = LlamaConfig(quantization_config=settings) if settings else LlamaConfig()
    assert held_precision("owner/name", config) == held


def test_eight_bits_are_known_and_other_methods_refused() -> None:
    assert held_precision("owner/name", LlamaConfig(quantization_config=INT8)) == "int8"
    config = LlamaConfig(quantization_config={"quant_method": "gptq", "bits": 4})
    with pytest.raises(Fault, match="owner/name is stored quantized by gptq; only what bitsandb"):
        held_precision("owner/name", config)


@pytest.fixture(scope="module")
def specs(tmp_path_factory: pytest.TempPathFactory) -> tuple[ModelSpec, ModelSpec]:
    """A model as it was trained, and its prequantized copy."""
    folder = tmp_path_factory.mktemp("quantization")
    source = tiny_family(folder).models[0]
    make(Source(source), folder / "copy", "cpu")
    place = str(folder / "copy")
    return source, replace(source, repo=place, tokenizer=place)


@pytest.mark.parametrize("dtype", DTYPES)
def test_all_around_quantized_layers_is_in_what_they_compute_in(
    specs: tuple[ModelSpec, ModelSpec], dtype: torch.dtype
) -> None:
    for spec in specs:
        model = read_model(spec, "nf4", "cpu", dtype)
        assert {parameter.dtype for parameter in model.parameters()} == {torch.uint8, dtype}
        layers = [layer for layer in model.modules() if type(layer).__name__ == "Linear4bit"]
        assert len(layers) == 14
        assert {layer.compute_dtype for layer in layers} == {dtype}
        assert {layer.weight.quant_state.dtype for layer in layers} == {dtype}
        assert model.dtype == dtype


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float32])
def test_in_every_dtype_the_copy_computes_what_quantizing_now_does(
    specs: tuple[ModelSpec, ModelSpec], dtype: torch.dtype
) -> None:
    ids = torch.arange(2, 34)[None]
    with torch.inference_mode():
        fresh, kept = (
            read_model(spec, "nf4", "cpu", dtype)(input_ids=ids).logits for spec in specs
        )
    assert torch.equal(fresh, kept)


def test_four_bits_in_the_guise_of_sixteen_stay_what_they_are(
    specs: tuple[ModelSpec, ModelSpec], tmp_path: Path
) -> None:
    """Others store them so (`bnb_4bit_quant_storage`), for training over several GPUs."""
    settings = BitsAndBytesConfig(
        load_in_4bit=True, bnb_4bit_quant_type="nf4", bnb_4bit_quant_storage=torch.bfloat16
    )
    source = AutoModelForCausalLM.from_pretrained(
        specs[0].repo, dtype=torch.bfloat16, quantization_config=settings, device_map={"": "cpu"}
    )
    source.save_pretrained(tmp_path)
    loaded = read_model(replace(specs[0], repo=str(tmp_path)), "nf4", "cpu", torch.float16)
    before, after = (m.model.layers[0].mlp.up_proj.weight.data for m in (source, loaded))
    assert after.dtype == torch.bfloat16
    assert torch.equal(before.view(torch.uint8), after.view(torch.uint8))
    assert loaded.lm_head.weight.dtype == torch.float16


@pytest.mark.parametrize("precision", ["fp32", "bf16", "int8", "fp4"])
def test_nothing_but_what_is_stored_is_to_be_had(
    specs: tuple[ModelSpec, ModelSpec], precision: str, tmp_path: Path
) -> None:
    family = replace(tiny_family(tmp_path), models=(specs[1],))
    engine = LocalEngine(family, precision, "cpu")
    load(engine, "original")
    assert engine.status("original").state == "failed"
    assert engine.status("original").reason == (
        f"{specs[1].repo} is stored quantized to nf4 and cannot be had in {precision}: what "
        "quantizing took is gone. Use --precision nf4, or the checkpoint it was made from."
    )
