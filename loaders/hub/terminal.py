"""Downloads on the terminal: one line that changes, or a line for each file where it cannot."""

import sys
import threading
from typing import TextIO

CLEAR = "\r\x1b[K"


class Terminal:
    """What is going on, by model; `stream` is the terminal's error output."""

    def __init__(self, stream: TextIO | None = None) -> None:
        self._stream = stream
        self._lock = threading.Lock()
        self._going: dict[str, str] = {}

    def show(self, model: str, note: str) -> None:
        """Where a model's download is now; empty when it has ended."""
        with self._lock:
            if note:
                self._going[model] = note
            else:
                self._going.pop(model, None)
            if self._out.isatty():
                said = " | ".join(f"{model}: {note}" for model, note in self._going.items())
                self._out.write(CLEAR + said)
                self._out.flush()

    def tell(self, line: str) -> None:
        """A line that stays."""
        with self._lock:
            self._out.write(f"{CLEAR if self._out.isatty() else ''}{line}\n")
            self._out.flush()

    @property
    def _out(self) -> TextIO:
        return self._stream or sys.stderr
