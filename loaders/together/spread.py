"""An engine in a thread of its own, so that several devices work at once; it runs no model itself.

Whoever asks it and what it runs are in different threads: what was asked goes in as a job, and what
came of it is taken out.
"""

import threading
import time
import weakref
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Generic, TypeVar

from loaders.protocol import Completion, Engine, Request, Score, TokenEvent
from loaders.session import Job, Worker
from loaders.together.around import Around
from loaders.together.mixed import MixedEngine
from loaders.together.residency import Plan, Share, plan_of

T = TypeVar("T")
LANE = "asked"
ALL = 2**30  # jobs at once: who waits for whom was decided by who asks
OPEN_SECONDS = 600.0
BEGIN_SECONDS = 1.0  # that the first step is waited for, which tells what cannot be begun
STEP_SECONDS = 0.02  # that a step is waited for until the others have their turn


@dataclass(frozen=True)
class _Told(Generic[T]):
    """What the engine yielded, None included."""

    said: T | None


class ThreadedEngine(Around):
    """Implements `loaders.protocol.Engine`: what `open_engine` gives, run by a thread of its own.

    `open_engine` is called in that thread; its Fault is raised here. Texts are encoded and decoded
    in the thread that asks. The thread ends when nobody refers to this engine any more, or with
    `close`.
    """

    def __init__(self, open_engine: Callable[[], Engine], name: str) -> None:
        self._news = threading.Event()
        self._worker = Worker(open_engine, {LANE: ALL}, self._news.set, name)
        self.close = weakref.finalize(self, self._worker.stop)
        self._worker.start()
        super().__init__(self._opened())
        self.plan = plan_of(self._engine)

    def load(self, model: str) -> Iterator[None]:
        return self._asked(lambda engine: engine.load(model))

    def stream(self, requests: Sequence[Request]) -> Iterator[TokenEvent | None]:
        return self._asked(lambda engine: engine.stream(requests))

    def generate(
        self, model: str, prompts: Sequence[str], max_new_tokens: int, stops: Sequence[str] = ()
    ) -> Iterator[Completion | None]:
        return self._asked(lambda engine: engine.generate(model, prompts, max_new_tokens, stops))

    def score(
        self,
        model: str,
        texts: Sequence[str],
        prompts: Sequence[str] | None = None,
        moments: bool = False,
    ) -> Iterator[Score | None]:
        return self._asked(lambda engine: engine.score(model, texts, prompts, moments))

    def _opened(self) -> Engine:
        job = self._worker.submit(LANE, lambda engine: iter([engine, None]))
        self._await(job, OPEN_SECONDS)
        for engine in job.drain():
            return engine
        raise RuntimeError("The thread of an engine ended before the engine was open.")

    def _asked(self, work: Callable[[Engine], Iterator[T | None]]) -> Iterator[T | None]:
        """What `work` yields in the engine's thread, as it comes; None after each look."""

        def told(engine: Engine) -> Iterator[_Told[T] | None]:
            for said in work(engine):
                yield _Told(said)
                if said is None:
                    yield None

        job = self._worker.submit(LANE, told)
        seconds = BEGIN_SECONDS
        try:
            while True:
                self._await(job, seconds)
                done, news = job.done, job.drain()
                if done and not news:
                    return
                for event in news:
                    if event.said is not None:
                        yield event.said
                yield None
                seconds = STEP_SECONDS
        finally:
            job.cancel()

    def _await(self, job: Job[Any], seconds: float) -> None:
        """Until there is something to be taken out, but not longer."""
        last = time.monotonic() + seconds
        while self._worker.is_alive and time.monotonic() < last:
            self._news.clear()
            if job.has_news or job.done:
                return
            self._news.wait(last - time.monotonic())


def spread(plan: Plan, open_share: Callable[[Share], Engine]) -> Engine:
    """An engine over the devices of a plan, each with a thread of its own if they are several.

    What is refused is asked, and refused, on the first of them.
    """
    used = [share for share in plan.shares if share.needs] or [plan.shares[0]]
    if len(used) == 1:
        return open_share(used[0])
    engines = [ThreadedEngine(partial(open_share, share), share.room.device) for share in used]
    models = dict.fromkeys(plan.refused, engines[0])
    for engine, share in zip(engines, used, strict=True):
        models |= dict.fromkeys((need.model for need in share.needs), engine)
    kinds = {engine.device.partition(":")[0] for engine in engines}
    return MixedEngine(models, engines[0].precision, " + ".join(sorted(kinds)))
