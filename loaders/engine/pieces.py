"""What each token adds to a text, as it comes; never looks at a text again."""

from typing import Any

from tokenizers.decoders import DecodeStream


class Pieces:
    """The tokens of one text. Special ones add nothing, a character that is not whole yet neither.

    Bytes that make no character change what those before them were, where a tokenizer falls back to
    bytes as Llama's does: what was told stays, and the new ones are told as they are alone.
    """

    def __init__(self) -> None:
        self._stream = DecodeStream(skip_special_tokens=True)
        self._untold: list[int] = []

    def add(self, tokenizer: Any, token: int) -> str:
        """The text that came with `token`; empty where none did."""
        self._untold.append(token)
        try:
            piece = self._stream.step(tokenizer.backend_tokenizer, token)
        except Exception:  # noqa: BLE001 - tokenizers has no error of its own for this
            piece = tokenizer.decode(self._untold, skip_special_tokens=True)
            self._stream = DecodeStream(ids=[token], skip_special_tokens=True)
        if piece:
            self._untold.clear()
        return piece or ""
