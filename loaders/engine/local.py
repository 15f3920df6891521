"""The local engine: a step machine over transformers models, driven by one thread.

It owns none: `cores` has those that work for it. `submit`, `cancel` and `step` are the machine;
`stream` drives it inline.
"""

from collections import defaultdict, deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import chain

import torch

from loaders.engine.cores import Cores, one_core
from loaders.engine.lane import ROWS, Choice, Lane
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

# Bytes of keys and values that a core completes prompts with: to lay out more takes longer than
# more rows save.
CORE_BYTES = 2**26


class LocalEngine:
    """Implements `loaders.protocol.Engine` on this machine. One thread drives it.

    `lead` and `plan` are as in `Models`. What several models have to do is done by `cores`; None
    leaves it to the thread that drives.
    """

    def __init__(
        self,
        family: Family,
        precision: str,
        device: str,
        lead: Lead | None = None,
        plan: Plan | None = None,
        cores: Cores | None = None,
    ) -> None:
        self.precision = precision
        self.device = device
        self.plan = plan
        self._cores = cores or one_core()
        self.at_once = self._cores.at_once
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
        weights, room = self._models.weights(model), CORE_BYTES if self.device == "cpu" else None
        # A core for each lane's worth: halves of fewer rows take as many operations each (LOG.md).
        count = min(self._cores.count, -(-len(prompts) // ROWS))
        lanes = [Lane(weights, self._prefixes[model], room) for _ in range(count)]
        places: dict[int, int] = {}  # of a prompt, by the id of its row
        ids = [self.encode(model, prompt) for prompt in prompts]
        for turn, index in enumerate(sorted(range(len(ids)), key=lambda index: -len(ids[index]))):
            self._check_length(model, len(ids[index]), max_new_tokens)
            row = Row(weights, tuple(ids[index]), max_new_tokens, stops=tuple(stops))
            places[id(row)] = index
            lanes[turn % count].add(row)
        for ended in self._cores.together([_emptied(lane) for lane in lanes]):
            for row in chain.from_iterable(ended):
                text = self.decode(model, row.produced)
                yield Completion(places[id(row)], tuple(row.produced), text)
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
        return self._scored(model, forced, moments)

    def _scored(self, model: str, texts: list[Forced], moments: bool) -> Iterator[Score | None]:
        weights, count = self._models.weights(model), self._cores.count
        texts = sorted(texts, key=lambda text: -len(text.ids))  # alike for all cores
        shares = [texts[first::count] for first in range(count) if texts[first::count]]
        works = [score_all(weights, self._prefixes[model], some, moments) for some in shares]
        for found in self._cores.together(works):
            yield from chain.from_iterable(found)
            yield None

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
            self._launch()
        busy = {model: lane for model, lane in self._lanes.items() if not lane.is_idle}
        works = [partial(_advanced, lane, self._burst(lane)) for lane in busy.values()]
        for model, advance in zip(busy, self._made(busy.values(), works), strict=True):
            self._tell(model, advance)
        self._answers = [answer for answer in self._answers if answer.is_running]

    def _made(
        self, lanes: Iterable[Lane], works: Sequence[Callable[[], "_Advance"]]
    ) -> Iterable["_Advance"]:
        """What lanes choose, side by side where there is enough to do for a core."""
        if all(lane.is_small for lane in lanes):
            return (work() for work in works)
        return self._cores.each(works)

    def _launch(self) -> None:
        """Begin the next step of every model, so that a GPU works on one while others are told."""
        for model, lane in list(self._lanes.items()):
            try:
                lane.launch()
            except Exception as error:  # noqa: BLE001 - carried to whoever asked this model
                self._fail(model, _as_fault(model, error))

    def _burst(self, lane: Lane) -> int:
        """How many steps in a row keep a lane's weights in the cache."""
        return BURST if self.device == "cpu" and lane.is_small else 1

    def _tell(self, model: str, advance: "_Advance") -> None:
        """What a model said; what it raised ends its own rows and takes no other with it."""
        answers = {id(answer.row): answer for answer in self._answers}
        for choice in advance.choices:
            answer = answers[id(choice.row)]
            event = answer.tell(choice.token, choice.logprob, choice.finish)
            (self._told if answer.mailbox is None else answer.mailbox).append(event)
        if advance.error is not None:
            self._fail(model, _as_fault(model, advance.error))

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


@dataclass(frozen=True)
class _Advance:
    """What a lane chose in one step or a few, up to what it raised."""

    choices: list[Choice]
    error: Exception | None = None


def _advanced(lane: Lane, steps: int) -> _Advance:
    choices: list[Choice] = []
    try:
        for _ in range(steps):
            choices += lane.step()
    except Exception as error:  # noqa: BLE001 - carried to whoever asked this model
        return _Advance(choices, error)
    return _Advance(choices)


def _emptied(lane: Lane) -> Iterator[list[Row]]:
    """The rows that ended, step by step, until none is left."""
    while not lane.is_idle:
        yield [choice.row for choice in lane.step() if choice.row.finish is not None]


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
