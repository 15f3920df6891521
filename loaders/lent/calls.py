"""What is asked where the GPU is and how it comes back: plain values, which can be pickled.

What comes back is told a batch at a time, so that little is copied, and Stop is heard between two.
"""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from loaders.faults import Fault
from loaders.protocol import Engine, Request

BATCH_SECONDS = 0.08

Batch = list[Any]


@dataclass(frozen=True)
class Stream:
    """`Engine.stream`, with the tokens of its prompts."""

    requests: tuple[Request, ...]
    read: int
    kind: str = "stream"

    @property
    def written(self) -> int:
        """Tokens that are written at most."""
        return sum(request.sampling.max_new_tokens for request in self.requests)

    def run(self, engine: Engine) -> Iterator[Any]:
        """The call itself, where the GPU is."""
        return engine.stream(self.requests)


@dataclass(frozen=True)
class Generate:
    """`Engine.generate`, with the tokens of its prompts."""

    model: str
    prompts: tuple[str, ...]
    max_new_tokens: int
    stops: tuple[str, ...]
    read: int
    kind: str = "generate"

    @property
    def written(self) -> int:
        """Tokens that are written at most."""
        return len(self.prompts) * self.max_new_tokens

    def run(self, engine: Engine) -> Iterator[Any]:
        """The call itself, where the GPU is."""
        return engine.generate(self.model, self.prompts, self.max_new_tokens, self.stops)


@dataclass(frozen=True)
class Scoring:
    """`Engine.score`, with the tokens of its texts and prompts."""

    model: str
    texts: tuple[str, ...]
    prompts: tuple[str, ...] | None
    moments: bool
    read: int
    kind: str = "score"
    written: int = 0

    def run(self, engine: Engine) -> Iterator[Any]:
        """The call itself, where the GPU is."""
        return engine.score(self.model, self.texts, self.prompts, self.moments)


Call = Stream | Generate | Scoring


@dataclass(frozen=True)
class Refusal:
    """A Fault on its way back: what lends hands on no more of an exception than its class."""

    reason: str


@dataclass(frozen=True)
class Took:
    """The last that comes back: how long the call took where the GPU is."""

    seconds: float


def answered(
    call: Call, engine: Engine, clock: Callable[[], float] = time.monotonic
) -> Iterator[Batch]:
    """What a call yields, together for a moment; an empty batch at once and in quiet moments, as
    Stop is heard only after one. A Fault comes as the last that is said."""
    started = told = clock()
    yield []
    batch: Batch = []
    steps: Iterator[Any] = iter(())
    try:
        steps = call.run(engine)
        for one in steps:
            if one is not None:
                batch.append(one)
            if clock() - told >= BATCH_SECONDS:
                yield batch
                batch, told = [], clock()
        yield [*batch, Took(clock() - started)]
    except Fault as fault:
        yield [*batch, Refusal(str(fault))]
    finally:
        close(steps)


def close(steps: Iterator[Any]) -> None:
    """End a generator that is left early; other iterators need no end."""
    if (end := getattr(steps, "close", None)) is not None:
        end()
