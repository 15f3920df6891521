"""One engine's work shared by processes that `accelerate launch` started; the first one leads.

Every process holds every model, and runs every count-th prompt or text. Whoever uses the leader's
engine sees one engine; the others do what it asks of them until there is no more.
"""

import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

from loaders.faults import Fault
from loaders.protocol import Completion, Engine, Request, Score, Status, TokenEvent
from loaders.together.around import Around
from loaders.together.residency import plan_of

BATCH = 64  # rows of each process from one exchange to the next

Found = Completion | Score


class Crew(Protocol):
    """The processes. All of them call `tell` and `gather` equally often, in the same order."""

    rank: int
    count: int

    def tell(self, call: "Call | None") -> "Call | None":
        """What the first process says, for all; what the others say is not heard."""

    def gather(self, found: Sequence[Any]) -> list[Any]:
        """What all processes found, the first one's first."""


@dataclass(frozen=True)
class Call:
    """What the processes do together; `precision` is of the engine, which is opened for the first
    call in it. Without `prompts` `model` is loaded; `texts` are scored, or prompts completed."""

    precision: str
    model: str
    prompts: tuple[str, ...] | None = None
    texts: tuple[str, ...] | None = None
    max_new_tokens: int = 0
    stops: tuple[str, ...] = ()
    moments: bool = False


class AccelerateCrew:
    """Implements `Crew` over torch.distributed, as accelerate has set it up."""

    def __init__(self) -> None:
        from accelerate import PartialState  # imports torch

        state = PartialState()
        self.rank: int = state.process_index
        self.count: int = state.num_processes

    def tell(self, call: Call | None) -> Call | None:
        from accelerate.utils import broadcast_object_list

        said: list[Call | None] = [call]
        broadcast_object_list(said)
        return said[0]

    def gather(self, found: Sequence[Any]) -> list[Any]:
        from accelerate.utils import gather_object

        return list(gather_object(list(found)))


def join() -> Crew | None:
    """The crew that this process was started into; None where it runs alone."""
    return AccelerateCrew() if int(os.getenv("WORLD_SIZE", "1")) > 1 else None


def own_device(name: str) -> str:
    """The device that `name` is for this process: with "auto" each has a GPU of its own."""
    from torch.cuda import device_count

    gpus = device_count()
    return f"cuda:{int(os.getenv('LOCAL_RANK', '0')) % gpus}" if name == "auto" and gpus else name


class SharedEngine(Around):
    """Implements `loaders.protocol.Engine` for the process that leads; `engine` is its own.

    Streams stay with it. The others end when the crew is told None.
    """

    def __init__(self, engine: Engine, crew: Crew) -> None:
        super().__init__(engine)
        self.at_once = 1  # all processes do what they are told in the same order
        self.plan = plan_of(engine)
        self._crew = crew
        self._failed: dict[str, Status] = {}

    def status(self, model: str) -> Status:
        return self._failed.get(model) or self._engine.status(model)

    def load(self, model: str) -> Iterator[None]:
        self._failed.pop(model, None)
        self._crew.tell(Call(self.precision, model))
        yield from self._engine.load(model)
        statuses: list[Status] = self._crew.gather([self._engine.status(model)])
        if failed := next((status for status in statuses if status.state == "failed"), None):
            self._failed[model] = failed

    def stream(self, requests: Sequence[Request]) -> Iterator[TokenEvent | None]:
        return self._engine.stream(requests)

    def generate(
        self, model: str, prompts: Sequence[str], max_new_tokens: int, stops: Sequence[str] = ()
    ) -> Iterator[Completion | None]:
        call = Call(
            self.precision,
            model,
            prompts=tuple(prompts),
            max_new_tokens=max_new_tokens,
            stops=tuple(stops),
        )
        for found in self._shared(call):
            if found is None or isinstance(found, Completion):
                yield found

    def score(
        self,
        model: str,
        texts: Sequence[str],
        prompts: Sequence[str] | None = None,
        moments: bool = False,
    ) -> Iterator[Score | None]:
        before = tuple(prompts or [""] * len(texts))
        call = Call(self.precision, model, prompts=before, texts=tuple(texts), moments=moments)
        for found in self._shared(call):
            if found is None or isinstance(found, Score):
                yield found

    def _shared(self, call: Call) -> Iterator[Found | None]:
        for first, part in _parts(call, BATCH * self._crew.count):
            self._crew.tell(part)
            mine: list[Found | Fault] = []
            try:
                for found in _share(self._engine, part, self._crew):
                    if found is not None:
                        mine.append(found)
                    yield None
            finally:  # also when it is closed halfway: the others wait for this
                found_by_all = self._crew.gather(mine)
            for result in found_by_all:
                if isinstance(result, Fault):
                    raise result
                yield replace(result, index=first + result.index)


def work_along(crew: Crew, open_engine: Callable[[str], Engine]) -> None:
    """What every process but the first does: its share of each call, until there is no more."""
    engines: dict[str, Engine] = {}
    while (call := crew.tell(None)) is not None:
        if call.precision not in engines:
            engines = {call.precision: open_engine(call.precision)}  # the one before is let go
        engine = engines[call.precision]
        if call.prompts is None:
            for _ in engine.load(call.model):
                pass
            crew.gather([engine.status(call.model)])
        else:
            crew.gather([found for found in _share(engine, call, crew) if found is not None])


def _parts(call: Call, size: int) -> Iterator[tuple[int, Call]]:
    """`call` in calls of at most `size` rows, and where each of them begins."""
    prompts = call.prompts or ()
    for first in range(0, len(prompts), size):
        texts = None if call.texts is None else call.texts[first : first + size]
        yield first, replace(call, prompts=prompts[first : first + size], texts=texts)


def _share(engine: Engine, call: Call, crew: Crew) -> Iterator[Found | Fault | None]:
    """What this process finds of `call`, with the indices of the whole; a Fault comes as a value,
    because the others have to hear of it."""
    places = range(crew.rank, len(call.prompts or ()), crew.count)
    try:
        for found in _run(engine, call, places):
            yield None if found is None else replace(found, index=places[found.index])
    except Fault as fault:
        yield fault


def _run(engine: Engine, call: Call, places: Sequence[int]) -> Iterator[Found | None]:
    prompts = [(call.prompts or ())[place] for place in places]
    if call.texts is None:
        return engine.generate(call.model, prompts, call.max_new_tokens, call.stops)
    texts = [call.texts[place] for place in places]
    return engine.score(call.model, texts, prompts, call.moments)
