"""One engine in one background thread, shared by everyone who looks at the page.

Work is a generator made from the engine. Work of one lane is served in the order it came, as many
at once as the lane is wide; all that is served takes turns step by step, so that a long evaluation
does not hold up a visitor's prompt. This file never knows what the work is.
"""

import threading
from collections import defaultdict, deque
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any, Generic, TypeVar

from loaders.family import Family
from loaders.faults import Fault
from loaders.protocol import Engine, Status

T = TypeVar("T")
LOADS = 16  # models that are brought at once: they wait for the network, not for each other
Work = Callable[[Engine], Iterator[T | None]]
Watch = Callable[[str, Work[Any]], Work[Any]]


class Job(Generic[T]):
    """A piece of work in line: collect what it yields with `drain`, end it with `cancel`."""

    def __init__(self, work: Work[T], line: "deque[Job[Any]]", width: int) -> None:
        self._work = work
        self._line = line
        self._width = width
        self._steps: Iterator[T | None] | None = None
        self._events: deque[T] = deque()
        self._error: Exception | None = None
        self._ended = threading.Event()
        self._cancelled = threading.Event()

    @property
    def ahead(self) -> int:
        """How many jobs of the same lane have to end first; 0 when it is being served."""
        line = tuple(self._line)
        before = line[: line.index(self)] if self in line else ()
        left = sum(not job._cancelled.is_set() for job in before)
        return max(0, left + 1 - self._width)

    @property
    def company(self) -> int:
        """How many jobs of the same lane are being served, this one among them."""
        return max(1, min(len(self._line), self._width))

    @property
    def done(self) -> bool:
        """Whether nothing more will come; what has come may still wait in `drain`."""
        return self._ended.is_set()

    @property
    def has_news(self) -> bool:
        """Whether `drain` would bring something now."""
        return bool(self._events)

    def cancel(self) -> None:
        """Ask the thread to close the work at its next step. Harmless when it has ended."""
        self._cancelled.set()

    def drain(self) -> list[T]:
        """All that came since the last call; raises what the work raised, once, after that."""
        events = [self._events.popleft() for _ in range(len(self._events))]
        if not events and self._error is not None:
            error, self._error = self._error, None
            raise error
        return events

    def advance(self, engine: Engine) -> None:
        """One step, by the session's thread: everything up to the next `None`."""
        try:
            self._step(engine)
        except Exception as error:  # noqa: BLE001 - carried to whoever drains the job
            self.fail(error)

    def leave(self) -> None:
        """Make room for the next one."""
        self._line.remove(self)

    def fail(self, error: Exception) -> None:
        """End the job with `error`, for `drain` to raise."""
        self._error = error
        self._ended.set()

    def _step(self, engine: Engine) -> None:
        if self._steps is None:
            self._steps = iter(self._work(engine))
        if self._cancelled.is_set():
            close = getattr(self._steps, "close", None)
            if close is not None:
                close()
            self._ended.set()
            return
        for event in self._steps:
            if event is None:
                return
            self._events.append(event)
        self._ended.set()


class Worker:
    """One engine in one background thread, and the work that is in line for it.

    `open_engine` is called in the thread, because importing torch takes seconds and because a GPU
    is bound to a thread. `widths` say how much of a lane is served at once, 1 where they say
    nothing; `on_step` is called after every round of steps.
    """

    def __init__(
        self,
        open_engine: Callable[[], Engine],
        widths: Mapping[str, int] | None = None,
        on_step: Callable[[], None] = lambda: None,
        name: str = "engine",
    ) -> None:
        self.engine: Engine | Fault | None = None
        self._widths = dict(widths or {})
        self._open = open_engine
        self._on_step = on_step
        self._lanes: defaultdict[str, deque[Job[Any]]] = defaultdict(deque)
        self._wake = threading.Condition()
        self._stopping = False
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    @property
    def is_alive(self) -> bool:
        """Whether the thread runs."""
        return self._thread.is_alive()

    def start(self) -> None:
        """Open the engine and begin to serve."""
        self._thread.start()

    def stop(self) -> None:
        """End the thread after its current step."""
        with self._wake:
            self._stopping = True
            self._wake.notify()
        if self.is_alive and threading.current_thread() is not self._thread:
            self._thread.join(timeout=30)

    def submit(self, lane: str, work: Work[T]) -> Job[T]:
        """Put `work` at the end of `lane`."""
        with self._wake:
            line = self._lanes[lane]
            job = Job(work, line, self._widths.get(lane, 1))
            line.append(job)
            self._wake.notify()
        return job

    def _run(self) -> None:
        engine = self.engine = self._opened()
        while (served := self._served()) is not None:
            for job in served:
                if isinstance(engine, Fault):
                    job.fail(engine)
                else:
                    job.advance(engine)
                if job.done:
                    job.leave()
            self._on_step()

    def _opened(self) -> Engine | Fault:
        try:
            return self._open()
        except Fault as fault:
            return fault

    def _served(self) -> list[Job[Any]] | None:
        """The jobs whose turn it is, one lane after the other; None at the end of all."""
        with self._wake:
            while not self._stopping:
                lanes = self._lanes.items()
                jobs = [
                    job for lane, line in lanes for job in tuple(line)[: self._widths.get(lane, 1)]
                ]
                if jobs:
                    return jobs
                self._wake.wait()
        return None


def unwatched(lane: str, work: Work[Any]) -> Work[Any]:
    """The work itself."""
    return work


class Session:
    """The models of one family, loading and running behind the page; see `Worker`.

    `watch` is given every piece of work with its lane, and what it gives back is done instead.
    """

    def __init__(
        self,
        family: Family,
        open_engine: Callable[[], Engine],
        widths: Mapping[str, int] | None = None,
        watch: Watch = unwatched,
    ) -> None:
        self.family = family
        self._worker = Worker(open_engine, {"load": LOADS, **(widths or {})})
        self._watch = watch

    def start(self) -> None:
        """Open the engine and load every model, in the background."""
        for spec in self.family.models:
            self.submit("load", partial(_load, spec.key))
        self._worker.start()

    @property
    def can_load_again(self) -> bool:
        """Whether a model that has failed can be loaded once more."""
        return not isinstance(self._worker.engine, Fault)

    def load_again(self, model: str) -> Job[None]:
        """Load a model that has failed once more, in the background; any other stays as it is."""
        return self.submit("load", partial(_load_failed, model))

    def stop(self) -> None:
        """End the thread after its current step."""
        self._worker.stop()

    def status(self, model: str) -> Status:
        """Where `model` is; safe from any thread, before the engine is open too."""
        engine = self._worker.engine
        if isinstance(engine, Fault):
            return Status("failed", reason=str(engine))
        return engine.status(model) if engine is not None else Status("waiting")

    def submit(self, lane: str, work: Work[T]) -> Job[T]:
        """Put `work` at the end of `lane`."""
        return self._worker.submit(lane, self._watch(lane, work))


def _load(model: str, engine: Engine) -> Iterator[None]:
    return engine.load(model)


def _load_failed(model: str, engine: Engine) -> Iterator[None]:
    if engine.status(model).state == "failed":
        yield from engine.load(model)
