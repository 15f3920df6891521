"""Whether a written checkpoint is the model it was saved from, to the bit; never repairs one."""

from dataclasses import dataclass
from typing import Any

import torch

from loaders.faults import Fault

ROWS = 2
TOKENS = 64
TEXT = 'Question: Who kept the light?\nAnswer: "The keeper", she said — 1,000 ünits.\n\n'


@dataclass(frozen=True, eq=False)
class Probe:
    """What a model answers when it is tested: logits of shape (rows, tokens, V), and how its
    tokenizer reads and writes a text."""

    logits: torch.Tensor
    ids: tuple[int, ...]
    text: str


@torch.inference_mode()
def probe(model: Any, tokenizer: Any, device: str) -> Probe:
    """Run the test: the same tokens for all models of a vocabulary.

    A CPU repacks 4-bit weights in the first forward pass: a model that was probed is not saved.
    """
    longest = getattr(model.config, "max_position_embeddings", None) or TOKENS
    shape = (ROWS, min(TOKENS, longest))
    generator = torch.Generator().manual_seed(0)
    ids = torch.randint(model.config.vocab_size, shape, generator=generator)
    logits = model(input_ids=ids.to(device)).logits.cpu()
    read = tuple(tokenizer.encode(TEXT))
    return Probe(logits, read, tokenizer.decode(read))


def require_equal(what: str, fresh: Probe, reloaded: Probe) -> str:
    """What was compared, in words; a Fault if a single bit of it differs."""
    if (fresh.ids, fresh.text) != (reloaded.ids, reloaded.text):
        raise Fault(f"The tokenizer written for {what} reads otherwise than its source; not kept.")
    if not torch.equal(fresh.logits, reloaded.logits):
        apart = (fresh.logits.float() - reloaded.logits.float()).abs().max().item()
        raise Fault(
            f"{what} answers otherwise after it was written: its logits are up to {apart:.3g} "
            "apart. It is not kept, and its source stays."
        )
    rows, tokens, vocabulary = fresh.logits.shape
    return f"logits of {rows} × {tokens} tokens over {vocabulary:,} words of the vocabulary"
