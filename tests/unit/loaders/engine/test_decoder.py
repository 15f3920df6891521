"""Any architecture through transformers' own forward pass: the engine's text is `generate`'s."""

from typing import Any

import pytest
import torch
from transformers import (
    Gemma2Config,
    GPT2Config,
    GPTNeoConfig,
    GPTNeoXConfig,
    MistralConfig,
    PretrainedConfig,
    Qwen2Config,
)

from loaders.engine.decoder import PlainDecoder
from loaders.engine.prompts import Prefixes
from loaders.engine.rows import Row
from tests.unit.loaders.models import built, counts, finished, prompt, weights_of

TOKENS: dict[str, Any] = {"vocab_size": 120, "bos_token_id": 0, "eos_token_id": 1}
SIZES: dict[str, Any] = {
    "hidden_size": 32,
    "intermediate_size": 64,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "max_position_embeddings": 128,
}
GROUPED: dict[str, Any] = {"num_key_value_heads": 2}
CONFIGS: dict[str, PretrainedConfig] = {
    "gpt-neox": GPTNeoXConfig(**TOKENS, **SIZES),
    "qwen2": Qwen2Config(**TOKENS, **SIZES, **GROUPED),
    "mistral": MistralConfig(**TOKENS, **SIZES, **GROUPED, sliding_window=64),
    "gemma2": Gemma2Config(**TOKENS, **SIZES, **GROUPED, head_dim=8, sliding_window=64),
    "gpt2": GPT2Config(**TOKENS, n_embd=32, n_layer=2, n_head=4, n_positions=128),
    "gpt-neo": GPTNeoConfig(
        **TOKENS,
        hidden_size=32,
        num_layers=2,
        num_heads=4,
        attention_types=[[["global", "local"], 1]],
        window_size=64,
        max_position_embeddings=128,
    ),
}


@pytest.fixture(scope="module", params=CONFIGS)
def model(request: pytest.FixtureRequest) -> Any:
    return built(CONFIGS[request.param])


def generated(model: Any, ids: tuple[int, ...], tokens: int) -> list[int]:
    made = model.generate(
        torch.tensor([ids]),
        attention_mask=torch.ones(1, len(ids), dtype=torch.long),
        max_new_tokens=tokens,
        do_sample=False,
        eos_token_id=None,
        pad_token_id=1,
    )
    found: list[int] = made[0, len(ids) :].tolist()
    return found


def test_rows_of_different_lengths_say_what_generate_says(model: Any) -> None:
    weights = weights_of(model)
    rows = [Row(weights, prompt(tokens, seed=tokens), 12) for tokens in (5, 20, 11, 2)]
    finished(weights, rows)
    assert isinstance(counts(weights)._decode, PlainDecoder)
    for row in rows:
        assert row.produced == generated(model, row.prompt, 12)


def test_prompts_after_a_shared_beginning_say_what_generate_says(model: Any) -> None:
    weights, shots, prefixes = weights_of(model), prompt(40), Prefixes()
    rows = [Row(weights, (*shots, *range(5, 5 + rest)), 8) for rest in (1, 4, 2)]
    finished(weights, rows, prefixes)
    assert prefixes.find(shots) is not None
    for row in rows:
        assert row.produced == generated(model, row.prompt, 8)


@torch.inference_mode()
def test_what_a_mask_hides_changes_no_logit(model: Any) -> None:
    """Greedy text may be right by luck where a mask is added instead of applied."""
    weights, ids = weights_of(model), prompt(20)
    rows = [Row(weights, ids, 2), Row(weights, ids[:3], 2)]
    lane = finished(weights, [])
    for row in rows:
        lane.add(row)
    lane.step()
    for choice in lane.step():
        text = torch.tensor([[*choice.row.prompt, choice.row.produced[0]]])
        logprobs = torch.log_softmax(model(input_ids=text).logits[0, -1], dim=-1)
        assert choice.logprob == pytest.approx(float(logprobs.max()), abs=1e-4)
