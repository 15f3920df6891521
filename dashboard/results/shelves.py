"""Whose results are kept where; never what is in them.

On a page of one's own everything goes into the user's store. On a public page every visitor has a
store in the server's memory, which ends with the visit, and nobody sees another's.
"""

import threading
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

from loaders.faults import Fault
from metrics.store import Store, open_private, open_store

MOST_VISITORS = 64  # whose results are in memory at once


@dataclass(frozen=True)
class Shelf:
    """A store to use now, and what is wrong with the one that should have been used."""

    store: Store
    fault: str = ""


class Shelves:
    """The stores of a page. `opened` opens the user's; on a public page nobody has that one."""

    def __init__(self, *, is_public: bool, opened: Callable[[], Store] = open_store) -> None:
        self.is_public = is_public
        self._opened = opened
        self._lock = threading.Lock()
        self._own: Store | None = None
        self._private: OrderedDict[str, Store] = OrderedDict()

    def open(self, visitor: str) -> Shelf:
        """The store of a visitor; in memory, with the reason, where the user's does not work."""
        with self._lock:
            if self.is_public:
                return Shelf(self._private_of(visitor))
            try:
                self._own = self._own or self._opened()
            except Fault as fault:
                return Shelf(
                    self._private_of(visitor), f"The results are not kept after this visit. {fault}"
                )
            return Shelf(self._own)

    def leave(self, visitor: str) -> None:
        """Forget what is in memory of a visitor; a run that still writes there ends with it."""
        with self._lock:
            self._private.pop(visitor, None)

    @property
    def visitors(self) -> int:
        """How many have something in memory."""
        return len(self._private)

    def close(self) -> None:
        """Let go of the user's file."""
        with self._lock:
            if self._own is not None:
                self._own.close()
            self._own = None

    def _private_of(self, visitor: str) -> Store:
        """The visitor's own; where there are too many, the one left alone longest goes."""
        store = self._private.pop(visitor, None) or open_private()
        self._private[visitor] = store
        if len(self._private) > MOST_VISITORS:
            self._private.popitem(last=False)
        return store
