"""How a model reads and writes text: its tokenizer, and how far it attends; it holds no weights."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from loaders.engine.text import cleaned


@dataclass(frozen=True)
class Reader:
    """What is left of a model when its memory was given back. `context` is in tokens."""

    tokenizer: Any
    context: int

    def encode(self, text: str) -> list[int]:
        """Token ids of `text`, BOS first."""
        return list(self.tokenizer.encode(text, add_special_tokens=True))

    def decode(self, token_ids: Sequence[int]) -> str:
        """Text of `token_ids` without special tokens, cleaned up as MUSE does."""
        return cleaned(self.tokenizer.decode(list(token_ids), skip_special_tokens=True))
