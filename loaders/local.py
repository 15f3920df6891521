"""The local engine: a step machine over transformers models, all of them in one thread.

It owns no thread. `submit`, `cancel` and `step` are the machine; `stream` drives it inline.
"""

import time
from collections.abc import Iterator, Sequence

from loaders.batches import continue_batch, generation_batches, score_batch, scoring_batches
from loaders.choices import require_precision
from loaders.device import require_device, share_cpu
from loaders.family import Family
from loaders.faults import Fault
from loaders.protocol import Completion, Engine, Request, Score, Status, TokenEvent
from loaders.rows import Row
from loaders.text import cleaned
from loaders.weights import Weights, load_weights


def open_engine(family: Family, precision: str, device: str = "auto") -> Engine:
    """An engine for `family`, nothing loaded yet. A bad precision or device is a Fault."""
    engine = LocalEngine(family, require_precision(precision), require_device(device))
    share_cpu()
    return engine


class LocalEngine:
    """Implements `loaders.protocol.Engine` on this machine. One thread drives it."""

    def __init__(self, family: Family, precision: str, device: str) -> None:
        self.precision = precision
        self.device = device
        self._family = family
        self._weights: dict[str, Weights] = {}
        self._statuses: dict[str, Status] = {}
        self._rows: dict[str, Row] = {}
        self._cancelled: list[Row] = []

    def status(self, model: str) -> Status:
        return self._statuses.get(model, Status("waiting"))

    def load(self, model: str) -> Iterator[None]:
        self._statuses[model] = Status("loading")
        yield None
        started = time.perf_counter()
        try:
            spec = self._family.model(model)
            self._weights[model] = load_weights(spec, self.precision, self.device)
        except Fault as fault:
            self._statuses[model] = Status("failed", reason=str(fault))
            return
        self._statuses[model] = Status("ready", time.perf_counter() - started)

    def context(self, model: str) -> int:
        return self._ready(model).context

    def encode(self, model: str, text: str) -> list[int]:
        return list(self._ready(model).tokenizer.encode(text, add_special_tokens=True))

    def decode(self, model: str, token_ids: Sequence[int]) -> str:
        tokenizer = self._ready(model).tokenizer
        return cleaned(tokenizer.decode(list(token_ids), skip_special_tokens=True))

    def submit(self, request: Request) -> None:
        """Take a request in; its first token comes with the next step. Raises Fault if it can't."""
        if request.id in self._rows:
            raise Fault(f"A request with the id {request.id!r} is still running.")
        ids = self.encode(request.model, request.prompt)
        self._check_length(request.model, len(ids), request.sampling.max_new_tokens)
        self._rows[request.id] = Row(request, self._ready(request.model), ids)

    def cancel(self, request_id: str) -> None:
        """Take a request out; its `cancelled` event comes with the next step. Unknown ids pass."""
        if (row := self._rows.pop(request_id, None)) is not None:
            self._cancelled.append(row)

    def step(self) -> list[TokenEvent]:
        """One token for every running request, in the order they were submitted."""
        cancelled, self._cancelled = self._cancelled, []
        events = [row.cancelled() for row in cancelled]
        events += [row.advance() for row in self._rows.values()]
        self._rows = {key: row for key, row in self._rows.items() if row.finish is None}
        return events

    def stream(self, requests: Sequence[Request]) -> Iterator[TokenEvent | None]:
        # One stream at a time: a second one would be handed, and lose, the first one's events.
        waiting = {request.id for request in requests}
        try:
            for request in requests:
                self.submit(request)
            while waiting:
                for event in self.step():
                    yield event
                    if event.finish is not None:
                        waiting.discard(event.request_id)
                yield None
        finally:
            for request_id in waiting:
                self._rows.pop(request_id, None)

    def generate(
        self, model: str, prompts: Sequence[str], max_new_tokens: int
    ) -> Iterator[Completion | None]:
        weights = self._ready(model)
        ids = [self.encode(model, prompt) for prompt in prompts]
        for prompt in ids:
            self._check_length(model, len(prompt), max_new_tokens)
        for batch in generation_batches(weights, ids, max_new_tokens):
            for rows in continue_batch(weights, [ids[i] for i in batch], max_new_tokens):
                for index, row in zip(batch, rows or [], strict=False):
                    yield Completion(index, tuple(row), self.decode(model, row))
                yield None

    def score(self, model: str, texts: Sequence[str]) -> Iterator[Score | None]:
        weights = self._ready(model)
        ids = [self.encode(model, text) for text in texts]
        for batch in scoring_batches(weights, ids):
            yield from score_batch(weights, batch, [ids[i] for i in batch])
            yield None

    def _ready(self, model: str) -> Weights:
        if (weights := self._weights.get(model)) is not None:
            return weights
        status = self.status(model)
        why = f" ({status.reason})" if status.reason else ""
        raise Fault(f"The model {model!r} is not ready: it is {status.state}{why}.")

    def _check_length(self, model: str, tokens: int, max_new_tokens: int) -> None:
        if (room := self.context(model) - max_new_tokens) < tokens:
            raise Fault(
                f"The prompt has {tokens:,} tokens; with {max_new_tokens} new ones after it, "
                f"{model!r} can take {max(room, 0):,}. Shorten the prompt or ask for fewer."
            )
