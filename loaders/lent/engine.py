"""An engine whose calls run on a GPU that is lent for each; imports neither torch nor the lender.

Its models are loaded before, in the process that serves the page; a call goes to a process of its
own, which has the GPU, and which a fork has given the models.
"""

from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import closing
from dataclasses import replace
from itertools import chain
from typing import Any, Protocol

from loaders.faults import Fault
from loaders.lent.calls import (
    Batch,
    Call,
    Generate,
    Refusal,
    Scoring,
    Stream,
    Took,
    answered,
    close,
)
from loaders.lent.pace import Pace, pieces
from loaders.protocol import Completion, Engine, Request, Score, TokenEvent
from loaders.together.around import Around

Lent = Callable[[Call], Iterator[Batch]]


class NoGpu(Exception):
    """No GPU is lent now: the visitor's share of it is spent, or none became free.

    No Fault, with which a run of metrics would go on to its next number.
    """


class Lender(Protocol):
    """Decorates a generator so that it runs where a GPU is, for as long as `duration` says."""

    def __call__(self, *, duration: Callable[[Call], int]) -> Callable[[Lent], Lent]: ...


class LentEngine(Around):
    """Implements `loaders.protocol.Engine`: `engine`, which is loaded, on a GPU that is lent.

    `read_error` says what an exception of the lender means, None where it is none of its. Several
    threads may drive it, a call each.
    """

    def __init__(
        self,
        engine: Engine,
        lender: Lender,
        read_error: Callable[[Exception], Fault | NoGpu | None],
        pace: Pace | None = None,
    ) -> None:
        super().__init__(engine)
        self._read_error = read_error
        self._pace = pace or Pace()
        self._lent = _on(engine, lender, self._pace)

    def load(self, model: str) -> Iterator[None]:
        """Nothing: what is not loaded before the page is served cannot be lent a GPU."""
        yield None

    def stream(self, requests: Sequence[Request]) -> Iterator[TokenEvent | None]:
        read = sum(self._tokens(request.model, [request.prompt]) for request in requests)
        return self._borrowed(Stream(tuple(requests), read))

    def generate(
        self, model: str, prompts: Sequence[str], max_new_tokens: int, stops: Sequence[str] = ()
    ) -> Iterator[Completion | None]:
        def call(piece: range) -> Generate:
            some = tuple(prompts[place] for place in piece)
            return Generate(model, some, max_new_tokens, tuple(stops), self._tokens(model, some))

        return self._in_pieces(len(prompts), call)

    def score(
        self,
        model: str,
        texts: Sequence[str],
        prompts: Sequence[str] | None = None,
        moments: bool = False,
    ) -> Iterator[Score | None]:
        def call(piece: range) -> Scoring:
            some = tuple(texts[place] for place in piece)
            before = None if prompts is None else tuple(prompts[place] for place in piece)
            read = self._tokens(model, [*some, *(before or ())])
            return Scoring(model, some, before, moments, read)

        return self._in_pieces(len(texts), call)

    def _tokens(self, model: str, texts: Sequence[str]) -> int:
        return sum(len(self._engine.encode(model, text)) for text in texts)

    def _in_pieces(self, count: int, call: Callable[[range], Call]) -> Iterator[Any]:
        """One call after the other, each short enough to be lent a GPU; places stay the whole's."""
        for piece in pieces([self._pace.work(call(range(i, i + 1))) for i in range(count)]):
            with closing(self._borrowed(call(piece))) as steps:
                for one in steps:
                    yield None if one is None else replace(one, index=piece[one.index])

    def _borrowed(self, call: Call) -> Generator[Any, None, None]:
        """What the call yields. Raises NoGpu if it is lent none, Fault for what the engine says."""
        written, batches = 0, self._lent(call)
        try:
            for one in chain.from_iterable([*batch, None] for batch in batches):
                if isinstance(one, Refusal):
                    raise Fault(one.reason)
                if isinstance(one, Took):
                    self._pace.learn(call, written, one.seconds)
                    continue
                written += _written(one)
                yield one
        except Exception as error:
            if (fault := self._read_error(error)) is None:
                raise
            raise fault from error
        finally:
            close(batches)


def _on(engine: Engine, lender: Lender, pace: Pace) -> Lent:
    """The one function that runs where the GPU is; the engine goes there by a fork."""

    @lender(duration=pace.seconds)
    def lent(call: Call) -> Iterator[Batch]:
        yield from answered(call, engine)

    return lent


def _written(one: Any) -> int:
    if isinstance(one, TokenEvent):
        return int(one.token_id is not None)
    return len(one.token_ids) if isinstance(one, Completion) else 0
