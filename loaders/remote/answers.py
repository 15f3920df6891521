"""One answer of a server on its way: pieces become the token events of the engine; asks nothing."""

import time
from collections.abc import Iterator
from math import nan
from typing import Any

from tokenizers.decoders import DecodeStream

from loaders.protocol import Finish, Request, TokenEvent
from loaders.remote.replies import Chunk, Token


class Answer:
    """The answer to `request`. Where the server names token ids, they are read with the model's own
    tokenizer, so that the same tokens are the same text as on this machine."""

    def __init__(self, request: Request, tokenizer: Any) -> None:
        self.request = request
        self.is_running = True
        self._tokenizer = tokenizer
        self._pieces = DecodeStream(skip_special_tokens=True)
        self._produced: list[int] = []
        self._shown = 0
        self._started = time.perf_counter()

    def tell(self, chunk: Chunk) -> list[TokenEvent]:
        """The events of a piece; the last one of the answer says how it ended."""
        finish = _finish(chunk)
        events = list(self._told(chunk, finish is not None))
        if finish is None:
            return events
        self.is_running = False
        if not events:
            return [self._event(None, "", nan, finish)]
        last = events.pop()
        return [*events, self._event(last.token_id, last.text, last.logprob, finish)]

    def _told(self, chunk: Chunk, is_last: bool) -> Iterator[TokenEvent]:
        tokens = read_tokens(chunk, self._tokenizer)
        for place, token in enumerate(tokens):
            text = "" if place else chunk.text
            if chunk.names_tokens and token.id is not None:
                text = self._piece(token.id, is_last and place == len(tokens) - 1)
            yield self._event(token.id, text, token.logprob, None)

    def _piece(self, token: int, is_last: bool) -> str:
        """What a token adds; a character still incomplete at the end is shown as it stands."""
        self._produced.append(token)
        piece = self._pieces.step(self._tokenizer.backend_tokenizer, token) or ""
        if is_last:
            whole = self._tokenizer.decode(self._produced, skip_special_tokens=True)
            piece = whole[self._shown :]
        self._shown += len(piece)
        return piece

    def _event(
        self, token: int | None, text: str, logprob: float, finish: Finish | None
    ) -> TokenEvent:
        seconds = time.perf_counter() - self._started
        request = self.request
        return TokenEvent(request.id, request.model, token, text, logprob, seconds, finish)


def read_tokens(chunk: Chunk, tokenizer: Any) -> list[Token]:
    """The tokens of a piece: by the server's word, or else what `tokenizer` reads its text as,
    which is how many there are, if not always where one ends."""
    if chunk.names_tokens:
        return list(chunk.tokens)
    ids = tokenizer.encode(chunk.text, add_special_tokens=False) if chunk.text else []
    if len(ids) == len(chunk.tokens):
        pairs = zip(ids, chunk.tokens, strict=True)
        return [Token(token, given.logprob) for token, given in pairs]
    return [Token(token, nan) for token in ids]


def _finish(chunk: Chunk) -> Finish | None:
    return "stop" if chunk.finish == "stop" else "length" if chunk.finish == "length" else None
