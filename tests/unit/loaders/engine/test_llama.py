"""Our Llama computes what transformers' does, to the fifth decimal, and stores nothing twice."""

from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import LlamaForCausalLM, MistralConfig, Qwen2Config

from loaders.engine import llama as engine_llama
from loaders.engine.decoder import Decoder, PlainDecoder
from loaders.engine.llama import LlamaDecoder, fits
from loaders.engine.slots import Slots, Span
from loaders.engine.weights import load_weights
from tests.tiny import tiny_family
from tests.unit.loaders.models import built, llama, llama_config

LLAMA3 = {
    "rope_type": "llama3",
    "rope_theta": 10000.0,
    "factor": 8.0,
    "low_freq_factor": 1.0,
    "high_freq_factor": 4.0,
    "original_max_position_embeddings": 32,
}
LINEAR = {"rope_type": "linear", "rope_theta": 10000.0, "factor": 4.0}
DYNAMIC = {"rope_type": "dynamic", "rope_theta": 10000.0, "factor": 4.0}
YARN = {"rope_type": "yarn", "rope_theta": 10000.0, "factor": 4.0}

SETTINGS: dict[str, dict[str, Any]] = {
    "grouped": {},
    "one key": {"num_key_value_heads": 1},
    "ungrouped": {"num_key_value_heads": 4},
    "wide heads": {"head_dim": 16},
    "biases": {"attention_bias": True, "mlp_bias": True},
    "tied": {"tie_word_embeddings": True},
    "llama3": {"rope_parameters": LLAMA3},
    "linear": {"rope_parameters": LINEAR},
    "short": {"max_position_embeddings": 8},
}


@dataclass(frozen=True)
class Pair:
    """A model as transformers runs it, and a copy of it as we do."""

    theirs: Decoder
    ours: Decoder

    def differ(self, work: Callable[[Decoder, Slots], torch.Tensor]) -> float:
        """The largest difference of the logits that `work` makes."""
        with torch.inference_mode():
            expected, found = (work(decode, Slots(2, 3, 16)) for decode in (self.theirs, self.ours))
        assert expected.shape == found.shape
        return float((expected - found).abs().max())


@pytest.fixture(scope="module", params=SETTINGS)
def pair(request: pytest.FixtureRequest) -> Pair:
    model = built(llama_config(**SETTINGS[request.param]), spread=0.1)
    for name, parameter in model.named_parameters():
        if name.endswith("bias"):
            torch.nn.init.normal_(parameter, std=0.1)
    own = deepcopy(model)
    assert fits(own)
    return Pair(PlainDecoder(model), LlamaDecoder(own))


def some_ids(rows: int, tokens: int) -> torch.Tensor:
    return torch.randint(2, 120, (rows, tokens), generator=torch.Generator().manual_seed(tokens))


def read(decode: Decoder, slots: Slots, ids: torch.Tensor, start: int = 0) -> torch.Tensor:
    """The logits of `ids` after `start` tokens that are in the slots."""
    rows, tokens = ids.shape
    slots.reserve(3, start + tokens)
    slots.span = Span(0, rows, start, start + tokens)
    places = torch.arange(start, start + tokens)
    mask = torch.arange(start + tokens) <= places[:, None]
    return decode(ids, places[None], slots, mask[None, None] if start else None, None)


def test_a_prompt(pair: Pair) -> None:
    assert pair.differ(lambda decode, slots: read(decode, slots, some_ids(3, 20))) < 1e-5


def test_a_prompt_after_a_prefix(pair: Pair) -> None:
    def work(decode: Decoder, slots: Slots) -> torch.Tensor:
        read(decode, slots, some_ids(1, 7).expand(3, -1))
        return read(decode, slots, some_ids(3, 11), start=7)

    assert pair.differ(work) < 1e-5


@pytest.fixture(params=[1, 100], ids=["sparse", "dense"])
def attention(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Either way of attending, however few rows there are."""
    monkeypatch.setattr(engine_llama, "SPARSE", request.param)


@pytest.mark.usefixtures("attention")
def test_one_more_token_of_rows_of_one_length(pair: Pair) -> None:
    def work(decode: Decoder, slots: Slots) -> torch.Tensor:
        read(decode, slots, some_ids(3, 7))
        slots.span = Span(0, 3, 7, 8)
        return decode(some_ids(3, 1), torch.full((3, 1), 7), slots, None, None)

    assert pair.differ(work) < 1e-5


@pytest.mark.usefixtures("attention")
def test_one_more_token_of_rows_of_different_lengths(pair: Pair) -> None:
    def work(decode: Decoder, slots: Slots) -> torch.Tensor:
        read(decode, slots, some_ids(3, 9))
        places = torch.tensor([4, 9, 1])
        slots.span = Span(0, 3, 9, 10, places)
        mask = (torch.arange(10) <= places[:, None])[:, None, None]
        return decode(some_ids(3, 1), places[:, None], slots, mask, None)

    assert pair.differ(work) < 1e-5


def test_a_text_longer_than_the_model_was_made_for(pair: Pair) -> None:
    assert pair.differ(lambda decode, slots: read(decode, slots, some_ids(1, 600))) < 2e-5


def test_only_the_logits_that_are_wanted(pair: Pair) -> None:
    def work(decode: Decoder, slots: Slots) -> torch.Tensor:
        slots.span, keep = Span(0, 3, 0, 9), torch.tensor([2, 8])
        return decode(some_ids(3, 9), torch.arange(9)[None], slots, None, keep)

    with torch.inference_mode():
        assert work(pair.ours, Slots(2, 3, 16)).shape == (3, 2, 120)
    assert pair.differ(work) < 1e-5


@pytest.mark.parametrize(
    "config",
    [
        llama_config(hidden_act="gelu"),
        llama_config(rope_parameters=DYNAMIC),
        llama_config(rope_parameters=YARN),
        MistralConfig(hidden_size=32, num_hidden_layers=1, num_attention_heads=4, vocab_size=120),
        Qwen2Config(hidden_size=32, num_hidden_layers=1, num_attention_heads=4, vocab_size=120),
    ],
)
def test_what_it_would_get_wrong_is_left_to_transformers(config: Any) -> None:
    assert not fits(built(config))


def test_a_class_of_somebodys_own_is_left_to_transformers() -> None:
    class Changed(LlamaForCausalLM):
        """May do anything in its forward."""

    assert fits(LlamaForCausalLM(llama_config()))
    assert not fits(Changed(llama_config()))


def storage(weight: torch.Tensor | None) -> range:
    assert weight is not None
    start = weight.untyped_storage().data_ptr()
    return range(start, start + weight.untyped_storage().nbytes())


def test_merged_projections_are_the_models_own_memory() -> None:
    model = llama()
    shapes = [parameter.shape for parameter in model.parameters()]
    decoder = LlamaDecoder(model)
    for layer, merged in zip(model.model.layers, decoder._layers, strict=True):
        attention, feed_forward = layer.self_attn, layer.mlp
        whole, up = merged.into._weight, merged.up._weight
        for part in (attention.q_proj, attention.k_proj, attention.v_proj):
            assert part.weight.data_ptr() in storage(whole)
        for part in (feed_forward.gate_proj, feed_forward.up_proj):
            assert part.weight.data_ptr() in storage(up)
    assert [parameter.shape for parameter in model.parameters()] == shapes


def test_merging_changes_neither_the_model_nor_chance() -> None:
    model, ids = llama(), some_ids(2, 12)
    with torch.inference_mode():
        before, state = model(input_ids=ids).logits, torch.get_rng_state()
        LlamaDecoder(model)
        assert (model(input_ids=ids).logits - before).abs().max() < 1e-5
    assert torch.equal(torch.get_rng_state(), state)


class Quantized(torch.nn.Linear):
    """Stands for a linear layer whose weight is not a plain matrix."""


def test_projections_of_another_kind_stay_apart_and_work() -> None:
    model = built(llama_config(), spread=0.1)
    pair = Pair(PlainDecoder(deepcopy(model)), LlamaDecoder(_quantized(model)))
    assert isinstance(pair.ours, LlamaDecoder)
    assert [layer.into._weight for layer in pair.ours._layers] == [None, None]
    assert [layer.down._weight for layer in pair.ours._layers] == [None, None]
    assert pair.differ(lambda decode, slots: read(decode, slots, some_ids(3, 20))) < 1e-5


def _quantized(model: Any) -> Any:
    for layer in model.model.layers:
        for part in (*layer.self_attn.children(), *layer.mlp.children()):
            if isinstance(part, torch.nn.Linear):
                part.__class__ = Quantized
    return model


@pytest.mark.parametrize("precision", ["nf4", "int8"])
def test_quantized_weights_are_run_as_they_are(tmp_path: Path, precision: str) -> None:
    weights = load_weights(tiny_family(tmp_path).models[0], precision, "cpu")
    assert isinstance(weights.decode, LlamaDecoder)
    assert [layer.into._weight for layer in weights.decode._layers] == [None, None]
    ids = some_ids(2, 12)
    with torch.inference_mode():
        theirs = weights.model(input_ids=ids).logits.float()
        ours = read(weights.decode, Slots(2, 3, 0), ids).float()
    assert (theirs - ours).abs().max() < 0.05 * theirs.std()
