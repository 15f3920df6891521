"""Layers as one say what they said one by one, and stay what they were."""

import pytest
import torch
from torch.nn import Linear

from loaders.engine.projections import PACKED_ROWS, Packed, Projection, may_pack
from loaders.engine.weights import load_weights
from loaders.family import load_family

ROWS = (1, PACKED_ROWS - 1, PACKED_ROWS, 40)


def layers(bias: bool = False) -> list[Linear]:
    torch.manual_seed(0)
    return [Linear(64, height, bias=bias) for height in (32, 96, 48)]


@torch.inference_mode()
def one_by_one(parts: list[Linear], states: torch.Tensor) -> torch.Tensor:
    return torch.cat([part(states) for part in parts], dim=-1)


@pytest.mark.parametrize("rows", ROWS)
@pytest.mark.parametrize("packed", [False, True])
@torch.inference_mode()
def test_plain_ones_say_the_same_in_either_layout(rows: int, packed: bool) -> None:
    parts, states = layers(), torch.randn(rows, 2, 64)
    expected = one_by_one(parts, states)
    made = Projection(*parts, is_packed=packed)
    torch.testing.assert_close(made(states), expected)
    torch.testing.assert_close(one_by_one(parts, states), expected)


def test_the_parts_are_views_of_what_is_merged() -> None:
    parts = layers()
    Projection(*parts)
    assert len({part.weight.untyped_storage().data_ptr() for part in parts}) == 1


@pytest.mark.parametrize("rows", ROWS)
@torch.inference_mode()
def test_a_packed_layer_stays_as_it_is(rows: int) -> None:
    (layer, *_), states = layers(), torch.randn(rows, 1, 64)
    before = layer.weight
    torch.testing.assert_close(Packed(layer)(states), layer(states))
    assert layer.weight is before


@torch.inference_mode()
def test_a_bias_is_kept() -> None:
    parts, states = layers(bias=True), torch.randn(5, 64)
    torch.testing.assert_close(Projection(*parts)(states), one_by_one(parts, states))


@pytest.mark.parametrize("precision", ["nf4", "fp4"])
@torch.inference_mode()
def test_4_bit_ones_say_the_same_to_the_bit(precision: str) -> None:
    spec = load_family("demo").model("npo")
    model = load_weights(spec, precision, "cpu").model
    for layer in model.model.layers[:2]:
        parts = [layer.self_attn.q_proj, layer.self_attn.k_proj, layer.self_attn.v_proj]
        made = Projection(*parts)
        for rows in ROWS:
            states = torch.randn(rows, 192).to(model.dtype)
            expected = one_by_one(parts, states)
            assert torch.equal(made(states), expected)  # the first merges them, if the CPU does
            assert torch.equal(made(states), expected)
            assert torch.equal(one_by_one(parts, states), expected)


def test_only_small_plain_models_are_held_in_two_layouts(monkeypatch: pytest.MonkeyPatch) -> None:
    model = load_weights(load_family("demo").model("npo"), "fp32", "cpu").model
    assert may_pack(model)
    assert not may_pack(model.to(torch.bfloat16))
    monkeypatch.setattr("loaders.engine.projections.PACKED_PARAMETERS", 10)
    assert not may_pack(model.to(torch.float32))
