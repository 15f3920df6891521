"""How far the download of a model is: counted by the threads that download, read by all others."""

import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, replace

from loaders.sizes import say_size

WINDOW_SECONDS = 8.0  # that the rate is taken over


@dataclass(frozen=True)
class Progress:
    """A moment of a download. `rate` is in bytes a second, 0 while nothing is known of it; `wait`
    says what it waits for, if it does."""

    files: int
    of_files: int
    bytes: int
    of_bytes: int
    rate: float = 0.0
    wait: str = ""

    @property
    def seconds_left(self) -> float | None:
        """At this rate; None while that is not known."""
        return (self.of_bytes - self.bytes) / self.rate if self.rate > 0 else None


def say_progress(progress: Progress) -> str:
    """ "downloading: 2 of 6 files, 1.20 of 13.5 GB, 85.0 MB/s, about 2 min left"."""
    came, whole = say_size(progress.bytes), say_size(progress.of_bytes)
    if came.split()[1] == whole.split()[1]:
        came = came.split()[0]
    said = f"downloading: {progress.files} of {progress.of_files} files, {came} of {whole}"
    if progress.wait:
        return f"{said}, {progress.wait}"
    left = progress.seconds_left
    return said if left is None else f"{said}, {say_rate(progress.rate)}, {say_left(left)}"


def say_rate(rate: float) -> str:
    """Bytes a second as "85.0 MB/s"."""
    return f"{say_size(round(rate))}/s"


def say_left(seconds: float) -> str:
    """About how long: no more is known of a rate than that."""
    if seconds < 50:
        return f"about {max(1, round(seconds))} s left"
    if seconds < 5400:
        return f"about {max(1, round(seconds / 60))} min left"
    return f"about {seconds / 3600:.1f} h left"


class Meter:
    """Counts one download, of several files at once; any thread may call it at any time."""

    def __init__(
        self,
        of_files: int,
        of_bytes: int,
        bytes_here: int = 0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._lock = threading.Lock()
        self._progress = Progress(0, of_files, bytes_here, of_bytes)
        self._came: deque[tuple[float, int]] = deque()
        self._recent = 0  # the sum of them
        self._clock = clock

    def add(self, count: int) -> None:
        """So many bytes came; fewer than none where some are fetched again."""
        now = self._clock()
        with self._lock:
            self._came.append((now, count))
            self._recent += count
            while self._came[0][0] < now - WINDOW_SECONDS:
                self._recent -= self._came.popleft()[1]
            came = self._progress.bytes + count
            self._progress = replace(self._progress, bytes=came, rate=self._rate(now))

    def end(self) -> None:
        """A file is here whole."""
        with self._lock:
            self._progress = replace(self._progress, files=self._progress.files + 1)

    def wait(self, reason: str) -> None:
        """What a file waits for; empty when it goes on."""
        with self._lock:
            self._progress = replace(self._progress, wait=reason)

    @property
    def progress(self) -> Progress:
        """As of now."""
        return self._progress

    def _rate(self, now: float) -> float:
        seconds = now - self._came[0][0]
        return max(0, self._recent) / seconds if seconds > 0.5 else 0.0
