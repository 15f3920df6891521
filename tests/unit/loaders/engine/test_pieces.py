"""Tokens of a Llama-like tokenizer as text, whole characters or not."""

import pytest
from transformers import LlamaTokenizer

from loaders.engine.pieces import Pieces

BYTES = tuple(f"<0x{byte:02X}>" for byte in range(256))
NAMES = ("<unk>", "<s>", "</s>", *BYTES, "▁", "▁the", "▁a", "y")


@pytest.fixture(scope="module")
def tokenizer() -> LlamaTokenizer:
    return LlamaTokenizer(vocab={name: i for i, name in enumerate(NAMES)}, merges=[])


def told(tokenizer: LlamaTokenizer, *names: str) -> list[str]:
    pieces = Pieces()
    ids = [tokenizer.convert_tokens_to_ids(name) for name in names]
    return [pieces.add(tokenizer, number) for number in ids]


def test_a_character_comes_when_its_last_byte_has(tokenizer: LlamaTokenizer) -> None:
    assert told(tokenizer, "▁the", "<0xC3>", "<0xA9>", "▁a") == ["the", "", "é", " a"]


def test_bytes_that_make_no_character_end_nothing(tokenizer: LlamaTokenizer) -> None:
    names = ("<0xC3>", "<0xA9>", "<0xE2>", "<0x82>", "▁a", "▁the", "y", "</s>")
    assert told(tokenizer, *names) == ["", "é", "", "", "�� a", " the", "y", ""]
