"""Where a run keeps its rows, so that one that broke off can go on; the store implements it."""

from collections.abc import Sequence
from typing import Protocol

from metrics.passes import Row


class Memory(Protocol):
    """Rows of one run, by model and pass."""

    def recall(self, model: str, source: str) -> Sequence[Row]:
        """The rows that are known, in any order."""

    def keep(self, model: str, source: str, rows: Sequence[Row]) -> None:
        """Remember `rows`; a Fault where they cannot be."""


class Forgetful:
    """Implements `Memory` for a run that starts from nothing and leaves nothing."""

    def recall(self, model: str, source: str) -> Sequence[Row]:
        return ()

    def keep(self, model: str, source: str, rows: Sequence[Row]) -> None:
        return None


FORGETFUL = Forgetful()
