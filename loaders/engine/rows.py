"""One prompt on its way through one model: what it has said and when it ends; knows no tensors."""

import time
from collections import deque
from dataclasses import dataclass, field

from loaders.engine.pieces import Pieces
from loaders.engine.sampler import Sampler
from loaders.engine.weights import Weights
from loaders.protocol import Finish, Request, TokenEvent


@dataclass(eq=False)
class Row:
    """A prompt being continued. Without a sampler it is greedy.

    It ends with an EOS, which is kept, with `max_new_tokens` or as soon as one of `stops` stands in
    what it has said.
    """

    weights: Weights
    prompt: tuple[int, ...]
    max_new_tokens: int
    sampler: Sampler | None = None
    stops: tuple[str, ...] = ()
    produced: list[int] = field(default_factory=list)
    finish: Finish | None = None

    def __post_init__(self) -> None:
        self._pieces = Pieces()
        self._said = ""

    @property
    def length(self) -> int:
        """Tokens that the model has read: all but the one that was chosen last."""
        return len(self.prompt) + max(len(self.produced) - 1, 0)

    @property
    def limit(self) -> int:
        """Tokens that it may come to."""
        return len(self.prompt) + self.max_new_tokens

    def take(self, token: int) -> None:
        """One more token."""
        self.produced.append(token)
        if token in self.weights.eos or self._is_stopped(token):
            self.finish = "stop"
        elif len(self.produced) == self.max_new_tokens:
            self.finish = "length"

    def _is_stopped(self, token: int) -> bool:
        if not self.stops:
            return False
        self._said += self._pieces.add(self.weights.tokenizer, token)
        return any(stop in self._said for stop in self.stops)


class Answer:
    """A row that somebody reads along: its tokens as events, for a mailbox where there is one."""

    def __init__(
        self, request: Request, row: Row, mailbox: "deque[TokenEvent] | None" = None
    ) -> None:
        self.row = row
        self.mailbox = mailbox
        self.error: Exception | None = None
        self._request = request
        self._pieces = Pieces()
        self._shown = ""
        self._started = time.perf_counter()

    @property
    def is_running(self) -> bool:
        """Whether more is to come: neither has the row ended nor its model failed."""
        return self.row.finish is None and self.error is None

    @property
    def id(self) -> str:
        """The request's."""
        return self._request.id

    @property
    def model(self) -> str:
        """Key of the model that gives the answer."""
        return self._request.model

    def tell(self, token: int, logprob: float, finish: Finish | None) -> TokenEvent:
        """The event of the next token that the row took, with which it ended if `finish` is set."""
        return self._event(token, self._piece(token, finish is not None), logprob, finish)

    def cancelled(self) -> TokenEvent:
        """The last event of a request that was stopped from outside."""
        return self._event(None, "", 0.0, "cancelled")

    def _piece(self, token: int, is_last: bool) -> str:
        """What `token` adds; a character still incomplete at the end is shown as it stands."""
        tokenizer = self.row.weights.tokenizer
        piece = self._pieces.add(tokenizer, token)
        if is_last:
            whole = str(tokenizer.decode(self.row.produced, skip_special_tokens=True))
            piece = whole[len(self._shown) :] if whole.startswith(self._shown) else piece
        self._shown += piece
        return piece

    def _event(
        self, token: int | None, text: str, logprob: float, finish: Finish | None
    ) -> TokenEvent:
        seconds = time.perf_counter() - self._started
        request = self._request
        return TokenEvent(request.id, request.model, token, text, logprob, seconds, finish)
