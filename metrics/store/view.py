"""The store as one run sees it: its rows, its numbers, and a write that fails once and no more.

What cannot be stored is told and never stops a run: the numbers still come, they are not kept.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import TypeVar

from loaders.faults import Fault
from metrics.passes import Row
from metrics.results import Measurement
from metrics.store.faces import Face
from metrics.store.keys import Key
from metrics.store.records import Number
from metrics.store.store import Store

Told = Callable[[str], None]
T = TypeVar("T")


class View:
    """Implements `metrics.memory.Memory` for the models in `keys`.

    A `fresh` view finds nothing and replaces what is there. `told` hears of the first fault; after
    it the store is left alone, because a full disk stays full and a wait for another program would
    come with every step.
    """

    def __init__(
        self,
        store: Store,
        keys: Mapping[str, Key],
        told: Told,
        fresh: bool = False,
    ) -> None:
        self._store = store
        self._keys = keys
        self._told = told
        self._fresh = fresh
        self._failed = False

    def recall(self, model: str, source: str) -> Sequence[Row]:
        if self._fresh:
            return ()
        origin = self._keys[model].origin
        return self._tried(lambda: self._store.rows(origin, source)) or ()

    def keep(self, model: str, source: str, rows: Sequence[Row]) -> None:
        origin = self._keys[model].origin
        self._tried(lambda: self._store.keep_rows(origin, source, rows))

    def known(self, model: str, source: str) -> frozenset[str]:
        """The ids of the rows that `recall` would find."""
        if self._fresh:
            return frozenset()
        origin = self._keys[model].origin
        return self._tried(lambda: self._store.row_ids(origin, source)) or frozenset()

    def begin(self, model: str, face: Face, scale: str, device: str) -> None:
        """Make the record that the numbers of `model` go into, where there is none."""
        key = self._keys[model]
        self._tried(lambda: self._store.begin(key, face, scale, device))

    def number(self, model: str, metric: str, against: str) -> Number | None:
        """The stored number, where there is one that is set against the same."""
        if self._fresh:
            return None
        name = self._keys[model].id
        return self._tried(lambda: self._store.number(name, metric, against))

    def keep_number(self, model: str, metric: str, against: str, measurement: Measurement) -> None:
        """Store the final number of a metric."""
        name = self._keys[model].id
        self._tried(lambda: self._store.keep_number(name, metric, against, measurement))

    def _tried(self, work: Callable[[], T]) -> T | None:
        if self._failed:
            return None
        try:
            return work()
        except Fault as fault:
            self._failed = True
            self._told(f"From here on the results of this run are not kept. {fault}")
            return None
