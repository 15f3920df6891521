"""One request on its way through one model: its cache, its luck, its text."""

import time
from dataclasses import dataclass, field
from typing import Any

import torch
from tokenizers.decoders import DecodeStream
from transformers import DynamicCache

from loaders.protocol import Finish, Request, TokenEvent
from loaders.sampler import Sampler
from loaders.weights import Weights


@dataclass
class Row:
    """A request being answered. `pending` are the ids the model has not read yet."""

    request: Request
    weights: Weights
    pending: list[int]
    produced: list[int] = field(default_factory=list)
    started: float = field(default_factory=time.perf_counter)
    finish: Finish | None = None

    def __post_init__(self) -> None:
        self._cache: Any = DynamicCache(config=self.weights.model.config)
        self._sampler = Sampler(self.request.sampling)
        self._pieces = DecodeStream(skip_special_tokens=True)
        self._shown = 0

    def advance(self) -> TokenEvent:
        """Read what is pending, choose one token, and say so."""
        token, logprob = self._sampler.choose(self._logits())
        self.produced.append(token)
        self.pending = [token]
        self.finish = self._finish(token)
        return self._event(token, self._piece(token), logprob)

    def cancelled(self) -> TokenEvent:
        """The last event of a request that was stopped from outside."""
        self.finish = "cancelled"
        return self._event(None, "", 0.0)

    @torch.inference_mode()
    def _logits(self) -> torch.Tensor:
        ids = torch.tensor([self.pending], device=self.weights.device)
        output = self.weights.model(
            input_ids=ids, cache=self._cache, use_cache=True, logits_to_keep=1
        )
        return output.logits[0, -1]  # type: ignore[no-any-return]

    def _piece(self, token: int) -> str:
        """What `token` adds; a character still incomplete at the end is shown as it stands."""
        tokenizer = self.weights.tokenizer
        piece = self._pieces.step(tokenizer.backend_tokenizer, token) or ""
        if self.finish is not None:
            piece = tokenizer.decode(self.produced, skip_special_tokens=True)[self._shown :]
        self._shown += len(piece)
        return piece

    def _finish(self, token: int) -> Finish | None:
        if token in self.weights.eos:
            return "stop"
        full = len(self.produced) == self.request.sampling.max_new_tokens
        return "length" if full else None

    def _event(self, token: int | None, text: str, logprob: float) -> TokenEvent:
        seconds = time.perf_counter() - self.started
        request = self.request
        return TokenEvent(request.id, request.model, token, text, logprob, seconds, self.finish)
