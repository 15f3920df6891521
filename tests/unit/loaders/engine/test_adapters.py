"""A base and an adapter answer as PEFT has them, unmerged, in every precision; misfits are told."""

import json
import shutil
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
import torch
from peft import IA3Config, LoraConfig, PeftConfig, PeftModel, PromptTuningConfig, get_peft_model
from transformers import AutoModelForCausalLM, BitsAndBytesConfig

from loaders import Fault, Request, Sampling, load_family
from loaders.checkpoint import repo_name, revision, shorten
from loaders.device import compute_dtype
from loaders.engine.decoder import PlainDecoder
from loaders.engine.llama import LlamaDecoder
from loaders.engine.local import LocalEngine
from loaders.engine.weights import Weights, load_weights
from loaders.family import ModelSpec
from loaders.prequantized.making import make
from loaders.prequantized.source import Source
from tests.tiny import tiny_family
from tests.unit.loaders.engine.test_local import answers, load

PROMPT = "The keeper of the light climbed"
KINDS: dict[str, PeftConfig] = {
    "queries and values": LoraConfig(r=4, lora_alpha=64, target_modules=["q_proj", "v_proj"]),
    "all, DoRA": LoraConfig(r=4, lora_alpha=64, target_modules="all-linear", use_dora=True),
    "with a head": LoraConfig(r=4, target_modules=["down_proj"], modules_to_save=["lm_head"]),
    "embedding": LoraConfig(r=4, lora_alpha=64, target_modules=["embed_tokens", "o_proj"]),
    "norms too": LoraConfig(r=4, target_modules=["up_proj"], modules_to_save=["input_layernorm"]),
    "IA3": IA3Config(target_modules=["k_proj", "down_proj"], feedforward_modules=["down_proj"]),
}


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> ModelSpec:
    return tiny_family(tmp_path_factory.mktemp("adapters")).models[0]


def adapted(base: ModelSpec, config: PeftConfig, folder: Path) -> ModelSpec:
    """A row with an adapter in `folder` that changes a lot."""
    torch.manual_seed(1)
    model = get_peft_model(AutoModelForCausalLM.from_pretrained(base.repo), config)
    for parameter in model.parameters():
        if parameter.requires_grad:
            torch.nn.init.normal_(parameter, std=0.3)
    model.save_pretrained(folder)
    return replace(base, adapter=str(folder))


@torch.inference_mode()
def theirs(spec: ModelSpec, model: Any, ids: Sequence[int], adapter: bool = True) -> list[int]:
    """What transformers' own generate says after `ids`, with the adapter as PEFT puts it on."""
    whole = PeftModel.from_pretrained(model, spec.adapter).eval() if adapter else model.eval()
    asked = torch.tensor([list(ids)])
    made = whole.generate(
        input_ids=asked,
        attention_mask=torch.ones_like(asked),
        max_new_tokens=16,
        do_sample=False,
        pad_token_id=1,
    )
    return [int(token) for token in made[0, len(ids) :]]


@dataclass(frozen=True)
class Said:
    """What the engine read and answered."""

    prompt: tuple[int, ...]
    tokens: tuple[int, ...]


def ours(spec: ModelSpec, precision: str) -> Said:
    """The engine's greedy answer."""
    family = replace(load_family("demo"), models=(spec,))
    engine = LocalEngine(family, precision, "cpu")
    load(engine, spec.key)
    assert engine.status(spec.key).state == "ready", engine.status(spec.key).reason
    (answer,) = [item for item in engine.generate(spec.key, [PROMPT], 16) if item]
    streamed = answers(engine, [Request("1", spec.key, PROMPT, Sampling(16))])
    assert streamed["1"] == answer.text
    return Said(tuple(engine.encode(spec.key, PROMPT)), answer.token_ids)


def of(spec: ModelSpec) -> Weights:
    return load_weights(spec, "fp32", "cpu")


@pytest.mark.parametrize("kind", KINDS)
def test_greedy_answers_are_those_of_generate(base: ModelSpec, tmp_path: Path, kind: str) -> None:
    spec = adapted(base, KINDS[kind], tmp_path / "adapter")
    said = ours(spec, "fp32")
    plain = AutoModelForCausalLM.from_pretrained(base.repo, dtype=torch.float32)
    without = theirs(spec, plain, said.prompt, adapter=False)
    assert list(said.tokens) == theirs(spec, plain, said.prompt) != without
    weights = of(spec)
    assert type(weights.decode) is (PlainDecoder if kind == "norms too" else LlamaDecoder)


@pytest.mark.parametrize("is_stored", [False, True])
def test_on_four_bits_it_is_kept_apart(base: ModelSpec, tmp_path: Path, is_stored: bool) -> None:
    spec = adapted(base, KINDS["queries and values"], tmp_path / "adapter")
    if is_stored:
        make(Source(base), tmp_path / "copy", "cpu")
        spec = replace(spec, repo=str(tmp_path / "copy"))
    said = ours(spec, "nf4")
    dtype = compute_dtype("cpu")
    settings = BitsAndBytesConfig(
        load_in_4bit=True,
        bnb_4bit_quant_type="nf4",
        bnb_4bit_use_double_quant=True,
        bnb_4bit_compute_dtype=dtype,
    )
    plain = AutoModelForCausalLM.from_pretrained(
        base.repo, dtype=dtype, quantization_config=settings, device_map={"": "cpu"}
    )
    assert list(said.tokens) == theirs(spec, plain, said.prompt)
    layer = load_weights(spec, "nf4", "cpu").model.model.layers[0].self_attn.q_proj
    assert type(layer.base_layer).__name__ == "Linear4bit"
    assert layer.base_layer.weight.dtype == torch.uint8
    assert not layer.merged


def test_a_revision_names_base_and_adapter_with_its_settings(
    base: ModelSpec, tmp_path: Path
) -> None:
    spec = adapted(base, KINDS["queries and values"], tmp_path / "a")
    shutil.copytree(tmp_path / "a", tmp_path / "b")
    file = tmp_path / "b" / "adapter_config.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | {"lora_alpha": 8}))
    other = replace(spec, adapter=str(tmp_path / "b"))
    assert revision(spec).startswith(f"{revision(base)} + sha256:")
    assert revision(spec) != revision(other)
    assert repo_name(spec) == f"{base.repo} + {tmp_path / 'a'}"
    hub = replace(base, repo="a/b", revision="c0ffee12345", adapter="c/d", adapter_revision="beef")
    assert revision(hub) == "c0ffee12345 + beef"
    assert shorten(revision(hub)) == "c0ffee12 + beef"
    assert shorten("sha256:0123456789ab") == "01234567"
    assert shorten("npo @ vllm 0.32.0") == "vllm 0.32.0"


def fault(spec: ModelSpec) -> str:
    with pytest.raises(Fault) as caught:
        load_weights(spec, "fp32", "cpu")
    return str(caught.value)


def test_an_adapter_of_another_model_is_told(base: ModelSpec, tmp_path: Path) -> None:
    wide = adapted(
        tiny_family(tmp_path / "wide", hidden=128).models[0], KINDS["IA3"], tmp_path / "i"
    )
    said = fault(replace(base, adapter=wide.adapter))
    assert said.startswith(f"The adapter {wide.adapter} does not fit {base.repo}: ")
    assert "Error(s) in loading" in said
    deep = adapted(base, KINDS["queries and values"], tmp_path / "deep")
    one = json.loads((tmp_path / "deep" / "adapter_config.json").read_text())
    one["layers_to_transform"] = [0]
    (tmp_path / "deep" / "adapter_config.json").write_text(json.dumps(one))
    assert "does not fit" in fault(deep)
    assert "4 tensors have no counterpart, such as base_model.model.model.layers.1." in fault(deep)


def test_prompts_that_were_learned_are_no_layers(base: ModelSpec, tmp_path: Path) -> None:
    config = PromptTuningConfig(task_type="CAUSAL_LM", num_virtual_tokens=4)
    said = fault(adapted(base, config, tmp_path))
    assert "is of the kind PROMPT_TUNING; only LORA and IA3 can be put on a model here." in said


def test_an_adapter_in_the_place_of_a_model_is_not_put_on_unasked(
    base: ModelSpec, tmp_path: Path
) -> None:
    shutil.copytree(base.repo, tmp_path / "both")
    adapted(base, KINDS["IA3"], tmp_path / "both")
    said = fault(replace(base, repo=str(tmp_path / "both")))
    assert "holds a PEFT adapter; name it as the 'adapter' of 'original'" in said
