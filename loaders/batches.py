"""Many prompts or texts through one model at once; greedy, and equal to one at a time in fp32."""

from collections.abc import Iterator, Sequence

import torch
from transformers import DynamicCache

from loaders.protocol import Score
from loaders.weights import Weights

ROWS = 32
CACHE_BYTES = 2 * 2**30
LOGITS = 2**26


def batches_of(lengths: Sequence[int], rows: int, tokens: int) -> list[list[int]]:
    """Indices by falling length, at most `rows` and about `tokens` padded tokens to a batch."""
    order = sorted(range(len(lengths)), key=lambda index: -lengths[index])
    found: list[list[int]] = []
    while order:
        take = max(1, min(rows, tokens // max(1, lengths[order[0]])))
        found.append(order[:take])
        order = order[take:]
    return found


def generation_batches(
    weights: Weights, prompts: Sequence[Sequence[int]], max_new_tokens: int
) -> list[list[int]]:
    """Batches whose key-value caches stay under CACHE_BYTES."""
    config = weights.model.config
    heads = getattr(config, "num_key_value_heads", None) or config.num_attention_heads
    width = getattr(config, "head_dim", None) or config.hidden_size // config.num_attention_heads
    bytes_per_token = 2 * config.num_hidden_layers * heads * width * weights.model.dtype.itemsize
    lengths = [len(prompt) + max_new_tokens for prompt in prompts]
    return batches_of(lengths, ROWS, CACHE_BYTES // bytes_per_token)


def scoring_batches(weights: Weights, texts: Sequence[Sequence[int]]) -> list[list[int]]:
    """Batches whose fp32 logits have at most LOGITS elements."""
    tokens = LOGITS // weights.model.config.vocab_size
    return batches_of([len(text) for text in texts], ROWS, tokens)


def continue_batch(
    weights: Weights, prompts: Sequence[Sequence[int]], max_new_tokens: int
) -> Iterator[list[list[int]] | None]:
    """Greedy continuations of left-padded prompts: None at each step, then all token ids.

    A row ends with its EOS, which is kept, or after `max_new_tokens`.
    """
    ids, mask = _padded(weights, prompts, left=True)
    cache = DynamicCache(config=weights.model.config)
    rows: list[list[int]] = [[] for _ in prompts]
    live = set(range(len(prompts)))
    positions = (mask.cumsum(dim=-1) - 1).clamp(min=0)
    for _ in range(max_new_tokens):
        chosen = _step(weights, ids, mask, positions, cache)
        for row in tuple(live):
            rows[row].append(chosen[row])
            if chosen[row] in weights.eos:
                live.discard(row)
        if not live:
            break
        yield None
        ids = torch.tensor(chosen, device=weights.device)[:, None]
        mask = torch.cat([mask, torch.ones_like(ids)], dim=-1)
        positions = positions[:, -1:] + 1
    yield rows


@torch.inference_mode()
def _step(
    weights: Weights,
    ids: torch.Tensor,
    mask: torch.Tensor,
    positions: torch.Tensor,
    cache: DynamicCache,
) -> list[int]:
    output = weights.model(
        input_ids=ids,
        attention_mask=mask,
        position_ids=positions,
        cache=cache,
        use_cache=True,
        logits_to_keep=1,
    )
    return output.logits[:, -1].float().argmax(dim=-1).tolist()  # type: ignore[no-any-return]


@torch.inference_mode()
def score_batch(
    weights: Weights, indices: Sequence[int], texts: Sequence[Sequence[int]]
) -> list[Score]:
    """Log-probabilities of right-padded texts (BOS first), log-softmax in fp32."""
    ids, mask = _padded(weights, texts, left=False)
    logits = weights.model(input_ids=ids, attention_mask=mask, use_cache=False).logits[:, :-1]
    chosen = ids[:, 1:, None]
    logprobs = torch.log_softmax(logits.float(), dim=-1).gather(-1, chosen)[..., 0].cpu()
    return [
        Score(index, tuple(text[1:]), tuple(row[: len(text) - 1].tolist()))
        for index, text, row in zip(indices, texts, logprobs, strict=True)
    ]


def _padded(
    weights: Weights, rows: Sequence[Sequence[int]], *, left: bool
) -> tuple[torch.Tensor, torch.Tensor]:
    """Ids and mask of shape (rows, longest). The pad id does not matter: it is masked."""
    width = max(len(row) for row in rows)
    ids = torch.zeros((len(rows), width), dtype=torch.long)
    mask = torch.zeros_like(ids)
    for number, row in enumerate(rows):
        where = slice(width - len(row), width) if left else slice(0, len(row))
        ids[number, where] = torch.tensor(row)
        mask[number, where] = 1
    return ids.to(weights.device), mask.to(weights.device)
