"""What was run, a line of JSON for each piece of work; never prompts, answers or who asked."""

import json
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal, TypeVar

from loaders.faults import Fault
from loaders.protocol import Completion, Engine, Request, Score, TokenEvent
from loaders.together.around import Around

STDERR = "-"
T = TypeVar("T")
Work = Callable[[Engine], Iterator[T | None]]


@dataclass(frozen=True)
class Usage:
    """One piece of work. `tokens` were written by the models or, where texts are scored, read;
    `seconds` go from its first step to its last, beside whatever else was served meanwhile."""

    time: str
    event: str
    models: tuple[str, ...]
    tokens: int
    seconds: float
    precision: str
    outcome: Literal["finished", "stopped", "failed"]


class UsageLog:
    """Writes a line for every piece of work that touched a model; `write` gets the line."""

    def __init__(self, write: Callable[[str], None]) -> None:
        self._write = write

    def metered(self, event: str, work: Work[T]) -> Work[T]:
        """`work` itself, with a line at its end."""

        def run(engine: Engine) -> Iterator[T | None]:
            meter, started = Meter(engine), time.perf_counter()
            outcome: Literal["finished", "stopped", "failed"] = "stopped"
            try:
                yield from work(meter)
                outcome = "finished"
            except Exception:
                outcome = "failed"
                raise
            finally:
                if meter.models:
                    seconds = round(time.perf_counter() - started, 3)
                    self._tell(event, meter, seconds, outcome)

        return run

    def _tell(
        self,
        event: str,
        meter: "Meter",
        seconds: float,
        outcome: Literal["finished", "stopped", "failed"],
    ) -> None:
        now = datetime.now(UTC).isoformat(timespec="seconds")
        models = tuple(sorted(meter.models))
        usage = Usage(now, event, models, meter.tokens, seconds, meter.precision, outcome)
        self._write(json.dumps(asdict(usage)))


def open_log(where: str) -> UsageLog:
    """A log at the end of the file `where`, or on the terminal for "-". A Fault if nothing can be
    written there."""
    if where == STDERR:
        return UsageLog(lambda line: print(line, file=sys.stderr, flush=True))
    path, lock = Path(where).expanduser(), threading.Lock()

    def write(line: str) -> None:
        with lock, path.open("a", encoding="utf-8") as file:
            file.write(f"{line}\n" if line else "")

    try:
        write("")
    except OSError as error:
        raise Fault(
            f"The usage log cannot be written to {path} ({error.strerror}); name another file."
        ) from error
    return UsageLog(write)


class Meter(Around):
    """Implements `loaders.protocol.Engine`: another engine, with what it does counted."""

    def __init__(self, engine: Engine) -> None:
        super().__init__(engine)
        self.models: set[str] = set()
        self.tokens = 0

    def load(self, model: str) -> Iterator[None]:
        self.models.add(model)
        return self._engine.load(model)

    def stream(self, requests: Sequence[Request]) -> Iterator[TokenEvent | None]:
        self.models |= {request.model for request in requests}
        return self._counted(self._engine.stream(requests), _written)

    def generate(
        self, model: str, prompts: Sequence[str], max_new_tokens: int, stops: Sequence[str] = ()
    ) -> Iterator[Completion | None]:
        self.models.add(model)
        steps = self._engine.generate(model, prompts, max_new_tokens, stops)
        return self._counted(steps, _listed)

    def score(
        self,
        model: str,
        texts: Sequence[str],
        prompts: Sequence[str] | None = None,
        moments: bool = False,
    ) -> Iterator[Score | None]:
        self.models.add(model)
        return self._counted(self._engine.score(model, texts, prompts, moments), _listed)

    def _counted(self, steps: Iterator[T | None], count: Callable[[T], int]) -> Iterator[T | None]:
        try:
            for one in steps:
                self.tokens += count(one) if one is not None else 0
                yield one
        finally:
            _close(steps)


def _written(event: TokenEvent) -> int:
    return int(event.token_id is not None)


def _listed(one: Completion | Score) -> int:
    return len(one.token_ids)


def _close(steps: Iterator[Any]) -> None:
    """Whoever leaves a stream early cancels it, through the meter too."""
    close = getattr(steps, "close", None)
    if close is not None:
        close()
