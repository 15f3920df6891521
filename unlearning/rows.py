"""Cuts a split's text into training rows, as many epochs as asked for.

Never looks at the evaluation tables.
"""

import random
from collections.abc import Iterator
from itertools import islice
from typing import Any

import torch
from torch import Tensor
from transformers import PreTrainedTokenizerFast

from unlearning.layout import SplitText
from unlearning.tokenizer import encode

ROW_TOKENS = 512  # holds MUSE's ten examples and a question


def cut_rows(
    texts: list[SplitText],
    tokenizer: PreTrainedTokenizerFast,
    count: int,
    seed: str,
    length: int = ROW_TOKENS,
) -> Tensor:
    """`count` rows of `length` token ids (BOS first), epoch after epoch, each epoch cut anew.

    An epoch reads all the prose, from another place on each time, and a quarter of the questions,
    drawn anew; its rows are shuffled. As in MUSE, the last row is filled up from the start of its
    text.
    """
    rows = list(islice(_read_epochs(texts, tokenizer, random.Random(seed), length), count))
    return torch.tensor(rows, dtype=torch.long)


def cut_text(text: str, tokenizer: Any, length: int) -> Tensor:
    """All of `text` once, in rows of `length` token ids (BOS first), the last one filled up from
    the start; of shape (rows, length)."""
    ids = tokenizer.encode(text, add_special_tokens=False, verbose=False)
    return torch.tensor(_cut(ids, tokenizer.bos_token_id, length), dtype=torch.long)


def _read_epochs(
    texts: list[SplitText], tokenizer: PreTrainedTokenizerFast, rng: random.Random, length: int
) -> Iterator[list[int]]:
    eos = tokenizer.eos_token_id
    prose = [[*encode(tokenizer, "\n\n".join(text.prose)), eos] for text in texts]
    blocks = [[encode(tokenizer, block + "\n\n") for block in text.questions] for text in texts]
    while True:
        epoch = [
            row for ids in prose for row in _cut(_turn(ids, rng), tokenizer.bos_token_id, length)
        ]
        for book in blocks:
            drawn = rng.sample(book, (len(book) + 3) // 4)
            shuffled = [token for block in drawn for token in block]
            epoch += _cut(shuffled, tokenizer.bos_token_id, length)
        rng.shuffle(epoch)
        yield from epoch


def _turn(ids: list[int], rng: random.Random) -> list[int]:
    place = rng.randrange(len(ids))
    return ids[place:] + ids[:place]


def _cut(ids: list[int], bos: int, length: int) -> list[list[int]]:
    """Rows of BOS and length - 1 tokens; the last is completed with the start."""
    if not ids:
        return []
    body = length - 1
    full = ids + (ids * (body // len(ids) + 1))[: -len(ids) % body]
    return [[bos, *full[start : start + body]] for start in range(0, len(full), body)]
