"""Several engines as one: each model is asked where it runs, and all streams are one; runs nothing.

What one engine's stream fails with is raised when the others' answers have ended.
"""

from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from dataclasses import replace

from loaders.family import Family
from loaders.protocol import Completion, Engine, Request, Score, Status, TokenEvent
from loaders.together.residency import plan_of


def with_servers(family: Family, precision: str, open_own: Callable[[Family], Engine]) -> Engine:
    """An engine for `family`: `open_own` opens one for the rows that this machine runs, and is not
    asked where there are none."""
    served = [spec for spec in family.models if spec.is_served]
    if not served:
        return open_own(family)
    from loaders.remote.engine import RemoteEngine  # imports an HTTP client

    remote = RemoteEngine(family, precision)
    if len(served) == len(family.models):
        return remote
    own = tuple(spec for spec in family.models if not spec.is_served)
    here = open_own(replace(family, models=own))
    engines = {spec.key: remote if spec.is_served else here for spec in family.models}
    return MixedEngine(engines, precision, here.device)


class MixedEngine:
    """Implements `loaders.protocol.Engine` over `engines`, by model key; they have one precision.

    `device` is what is said of all of them. One thread drives them. `plan` is that of the models
    that this machine runs.
    """

    def __init__(self, engines: Mapping[str, Engine], precision: str, device: str) -> None:
        self.precision = precision
        self.device = device
        self.at_once = sum({id(engine): engine.at_once for engine in engines.values()}.values())
        self._engines = dict(engines)
        plans = (plan_of(engine) for engine in engines.values())
        self.plan = next((plan for plan in plans if plan is not None), None)

    def status(self, model: str) -> Status:
        return self._engines[model].status(model)

    def load(self, model: str) -> Iterator[None]:
        return self._engines[model].load(model)

    def context(self, model: str) -> int:
        return self._engines[model].context(model)

    def encode(self, model: str, text: str) -> list[int]:
        return self._engines[model].encode(model, text)

    def decode(self, model: str, token_ids: Sequence[int]) -> str:
        return self._engines[model].decode(model, token_ids)

    def stream(self, requests: Sequence[Request]) -> Iterator[TokenEvent | None]:
        # All are begun before a token of any is passed on, as what cannot be begun is raised then.
        streams = self._streams(requests)
        try:
            begun = [next(stream, None) for stream in streams]
            yield from filter(None, begun)
            yield None
            yield from _interleaved(streams)
        finally:
            for stream in streams:
                _close(stream)

    def generate(
        self, model: str, prompts: Sequence[str], max_new_tokens: int, stops: Sequence[str] = ()
    ) -> Iterator[Completion | None]:
        return self._engines[model].generate(model, prompts, max_new_tokens, stops)

    def score(
        self,
        model: str,
        texts: Sequence[str],
        prompts: Sequence[str] | None = None,
        moments: bool = False,
    ) -> Iterator[Score | None]:
        return self._engines[model].score(model, texts, prompts, moments)

    def _streams(self, requests: Sequence[Request]) -> list[Iterator[TokenEvent | None]]:
        """One stream for each engine that is asked something."""
        asked: dict[int, list[Request]] = {}
        for request in requests:
            asked.setdefault(id(self._engines[request.model]), []).append(request)
        return [self._engines[mine[0].model].stream(mine) for mine in asked.values()]


def _interleaved(
    streams: Sequence[Iterator[TokenEvent | None]],
) -> Iterator[TokenEvent | None]:
    """A step of each that has not ended, again and again."""
    open_streams, errors = list(streams), list[Exception]()
    while open_streams:
        for stream in list(open_streams):
            try:
                ended = yield from _step(stream)
            except Exception as error:  # noqa: BLE001 - raised when the others have ended
                errors.append(error)
                ended = True
            if ended:
                open_streams.remove(stream)
        yield None
    for failed in errors:
        raise failed


def _step(stream: Iterator[TokenEvent | None]) -> Generator[TokenEvent, None, bool]:
    """What comes up to the next None; whether that was the end."""
    for event in stream:
        if event is None:
            return False
        yield event
    return True


def _close(stream: Iterator[TokenEvent | None]) -> None:
    """End a stream; one that is no generator ends when nobody asks it."""
    if (closing := getattr(stream, "close", None)) is not None:
        closing()
