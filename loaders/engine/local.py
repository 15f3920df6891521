"""The local engine: a step machine over transformers models, all of them in one thread.

It owns no thread. `submit`, `cancel` and `step` are the machine; `stream` drives it inline.
"""

from collections import defaultdict, deque
from collections.abc import Callable, Iterator, Sequence
from itertools import chain

import torch

from loaders.engine.lane import Choice, Lane
from loaders.engine.models import Lead, Models
from loaders.engine.prompts import Prefixes, shared
from loaders.engine.rows import Answer, Row
from loaders.engine.sampler import Sampler
from loaders.engine.scoring import Forced, check_lengths, score_all
from loaders.family import Family
from loaders.faults import Fault
from loaders.protocol import Completion, Request, Score, Status, TokenEvent
from loaders.together.residency import Plan

# Tokens of a model in a row. One by one, every model's weights push the others' out of the cache of
# a CPU, and lockstep is slower than one model after the other.
BURST = 4

# Rows completed together on a CPU: the keys and values of more are read from memory, not from its
# cache; fewer leave a second thread too little to do.
GENERATED = 32


class LocalEngine:
    """Implements `loaders.protocol.Engine` on this machine. One thread drives it.

    `lead` and `plan` are as in `Models`.
    """

    def __init__(
        self,
        family: Family,
        precision: str,
        device: str,
        lead: Lead | None = None,
        plan: Plan | None = None,
    ) -> None:
        self.precision = precision
        self.device = device
        self.plan = plan
        self._models = Models(family, precision, device, lead, plan)
        self._lanes: dict[str, Lane] = {}
        self._prefixes: defaultdict[str, Prefixes] = defaultdict(Prefixes)
        self._answers: list[Answer] = []
        self._cancelled: list[Answer] = []
        self._told: list[TokenEvent] = []
        self._errors: deque[Exception] = deque()

    def status(self, model: str) -> Status:
        return self._models.status(model)

    def load(self, model: str) -> Iterator[None]:
        if self._models.holds(model):
            self._forget(model)
        return self._models.load(model)

    def fetch(self, model: str) -> Iterator[None]:
        """Bring a model's files here and load nothing; a Fault is kept in its status."""
        return self._models.fetch(model)

    def unload(self, model: str) -> None:
        """Give back the memory of a model and of all that was read with it.

        What it is being asked ends with a Fault. It still has its context, and encodes and decodes.
        """
        self._forget(model)
        self._models.unload(model)

    def context(self, model: str) -> int:
        return self._models.reader(model).context

    def encode(self, model: str, text: str) -> list[int]:
        return self._models.reader(model).encode(text)

    def decode(self, model: str, token_ids: Sequence[int]) -> str:
        return self._models.reader(model).decode(token_ids)

    def check(self, request: Request) -> None:
        """A Fault if the model was never loaded, or the prompt does not fit."""
        self._ids(request)

    def submit(self, request: Request) -> None:
        """Take a request in; its first token comes with the next step. Raises Fault if it can't."""
        if any(answer.id == request.id for answer in self._own()):
            raise Fault(f"A request with the id {request.id!r} is still running.")
        self._answers.append(self._begin(request, None))

    def cancel(self, request_id: str) -> None:
        """Take a request out; its `cancelled` event comes with the next step. Unknown ids pass."""
        for answer in [answer for answer in self._own() if answer.id == request_id]:
            self._drop(answer)
            self._cancelled.append(answer)

    def step(self) -> list[TokenEvent]:
        """A token for every running request that has room, or a few (see BURST).

        Returns the events of those that were submitted, model by model; those of streams go into
        their mailboxes. What a model raises ends its own requests and no other's: their streams
        raise it, and so does the next call of `step` if one of them was submitted.
        """
        if self._errors and not self._told:
            raise self._errors.popleft()
        self._step()
        told, self._told = self._told, []
        return told

    def stream(self, requests: Sequence[Request]) -> Iterator[TokenEvent | None]:
        # Whoever finds nothing in its mailbox makes a step, which fills everybody's. All come in
        # before the first of them does, so that their prompts are read together.
        mailbox: deque[TokenEvent] = deque()
        mine: list[Answer] = []
        try:
            for request in requests:
                mine.append(self._begin(request, mailbox))
            self._answers += mine
            yield None
            while mailbox or any(answer.is_running for answer in mine):
                if not mailbox:
                    self._step()
                while mailbox:
                    yield mailbox.popleft()
                yield None
            for error in [answer.error for answer in mine if answer.error is not None]:
                raise error
        finally:
            for answer in mine:
                self._drop(answer)

    def generate(
        self, model: str, prompts: Sequence[str], max_new_tokens: int, stops: Sequence[str] = ()
    ) -> Iterator[Completion | None]:
        weights = self._models.weights(model)
        lane = Lane(weights, self._prefixes[model], GENERATED if self.device == "cpu" else None)
        rows: dict[int, int] = {}  # place of a prompt, by the id of its row
        ids = [self.encode(model, prompt) for prompt in prompts]
        for index in sorted(range(len(ids)), key=lambda index: -len(ids[index])):
            self._check_length(model, len(ids[index]), max_new_tokens)
            row = Row(weights, tuple(ids[index]), max_new_tokens, stops=tuple(stops))
            rows[id(row)] = index
            lane.add(row)
        while not lane.is_idle:
            for row in [choice.row for choice in lane.step() if choice.row.finish is not None]:
                text = self.decode(model, row.produced)
                yield Completion(rows[id(row)], tuple(row.produced), text)
            yield None

    def score(
        self,
        model: str,
        texts: Sequence[str],
        prompts: Sequence[str] | None = None,
        moments: bool = False,
    ) -> Iterator[Score | None]:
        weights, before = self._models.weights(model), prompts or [""] * len(texts)
        forced = [
            self._force(model, index, prompt, text)
            for index, (prompt, text) in enumerate(zip(before, texts, strict=True))
        ]
        check_lengths(weights, model, forced)
        return score_all(weights, self._prefixes[model], forced, moments)

    def _force(self, model: str, index: int, prompt: str, text: str) -> Forced:
        """Where the tokens of prompt and text part from those of the prompt, the text begins."""
        ids = self.encode(model, prompt + text)
        before = max(1, shared([tuple(self.encode(model, prompt)), tuple(ids)])) if prompt else 1
        return Forced(index, tuple(ids), before)

    def _step(self) -> None:
        """A step of every model, whoever drives it."""
        cancelled, self._cancelled = self._cancelled, []
        self._told += [answer.cancelled() for answer in cancelled]
        if self.device != "cpu":
            self._each(lambda model: self._lanes[model].launch())
        self._each(self._advance)
        self._answers = [answer for answer in self._answers if answer.is_running]

    def _each(self, work: Callable[[str], None]) -> None:
        """`work` for every model that has rows; one that fails takes no other with it."""
        for model in list(self._lanes):
            try:
                work(model)
            except Exception as error:  # noqa: BLE001 - carried to whoever asked this model
                self._fail(model, _as_fault(model, error))

    def _advance(self, model: str) -> None:
        """A step of one model; what it says is told at once, and not lost if it fails then."""
        answers = {id(answer.row): answer for answer in self._answers}
        for choice in chain.from_iterable(self._choices(self._lanes[model])):
            answer = answers[id(choice.row)]
            event = answer.tell(choice.token, choice.logprob)
            (self._told if answer.mailbox is None else answer.mailbox).append(event)

    def _choices(self, lane: Lane) -> Iterator[list[Choice]]:
        """A step of a lane, or several in a row where that keeps its weights in the cache."""
        few = self.device == "cpu" and lane.is_small
        for _ in range(BURST if few else 1):
            yield lane.step()

    def _fail(self, model: str, error: Exception) -> None:
        """End all that a model is answering with `error`; nobody knows what its lane holds."""
        ended = [answer for answer in self._answers if answer.model == model]
        self._answers = [answer for answer in self._answers if answer.model != model]
        self._lanes.pop(model, None)
        for answer in ended:
            answer.error = error
        if any(answer.mailbox is None for answer in ended):
            self._errors.append(error)

    def _forget(self, model: str) -> None:
        """Let go of all that was read with a model's weights."""
        self._fail(model, Fault(f"The model {model!r} was loaded anew meanwhile; ask it again."))
        self._prefixes.pop(model, None)

    def _own(self) -> list[Answer]:
        """The answers to what was submitted, without those of streams."""
        return [answer for answer in self._answers if answer.mailbox is None]

    def _begin(self, request: Request, mailbox: deque[TokenEvent] | None) -> Answer:
        sampling, weights = request.sampling, self._models.weights(request.model)
        sampler = Sampler(sampling) if sampling.temperature > 0 else None
        row = Row(weights, self._ids(request), sampling.max_new_tokens, sampler)
        self._lane(request.model).add(row)
        return Answer(request, row, mailbox)

    def _ids(self, request: Request) -> tuple[int, ...]:
        """The prompt's; a Fault if it does not fit."""
        ids = self.encode(request.model, request.prompt)
        self._check_length(request.model, len(ids), request.sampling.max_new_tokens)
        return tuple(ids)

    def _drop(self, answer: Answer) -> None:
        if answer in self._answers:
            self._answers.remove(answer)
        if (lane := self._lanes.get(answer.model)) is not None:
            lane.remove(answer.row)

    def _lane(self, model: str) -> Lane:
        if model not in self._lanes:
            self._lanes[model] = Lane(self._models.weights(model), self._prefixes[model])
        return self._lanes[model]

    def _check_length(self, model: str, tokens: int, max_new_tokens: int) -> None:
        if (room := self.context(model) - max_new_tokens) < tokens:
            raise Fault(
                f"The prompt has {tokens:,} tokens; with {max_new_tokens} new ones after it, "
                f"{model!r} can take {max(room, 0):,}. Shorten the prompt or ask for fewer."
            )


def _as_fault(model: str, error: Exception) -> Exception:
    """Too little memory is for the user to cure; everything else stays what it is."""
    if not isinstance(error, torch.OutOfMemoryError):
        return error
    fault = Fault(
        f"The device has no memory left for what {model!r} was asked; ask for fewer tokens, or "
        "when fewer ask at once."
    )
    fault.__cause__ = error
    return fault
