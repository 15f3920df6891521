"""A session whose work runs in the context of whoever asked for it, a thread for each piece.

For a GPU that is lent per visitor: the lender keeps the line, and finds out whose share is used
from the context, which a thread that serves all visitors would not have.
"""

import threading
from collections import deque
from contextvars import copy_context
from typing import TypeVar

from loaders.family import Family
from loaders.protocol import Engine
from loaders.session import Job, Session, Watch, Work, unwatched

T = TypeVar("T")


class InlineSession(Session):
    """A `Session` over an engine that is loaded and may be driven by several threads."""

    def __init__(self, family: Family, engine: Engine, watch: Watch = unwatched) -> None:
        super().__init__(family, lambda: engine, watch=watch)
        self._worker.engine = engine
        self._loaded = engine

    def start(self) -> None:
        """Nothing is left to do: the models are loaded."""

    @property
    def can_load_again(self) -> bool:
        """Never: what is not loaded before the page is served cannot be lent a GPU."""
        return False

    def stop(self) -> None:
        """Nothing goes on but what visitors wait for, which ends with the program."""

    def submit(self, lane: str, work: Work[T]) -> Job[T]:
        """Begin `work` now."""
        job = Job(self._watch(lane, work), deque(), 1)
        thread = threading.Thread(
            target=copy_context().run, args=(self._serve, job), name=lane, daemon=True
        )
        thread.start()
        return job

    def _serve(self, job: Job[T]) -> None:
        while not job.done:
            job.advance(self._loaded)
