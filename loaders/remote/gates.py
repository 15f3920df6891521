"""How much is asked of one host at once, whichever of its models it is for; it asks nothing."""

from asyncio import Semaphore
from dataclasses import dataclass, field
from urllib.parse import urlsplit

TALKS = 16  # answers that somebody reads along
BATCHES = 16  # rows of metrics that are continued
SCORES = 4  # that are scored: a server keeps a row of the vocabulary for each of their tokens


@dataclass(frozen=True)
class Gate:
    """The limits of one host. They are apart, so that no metric makes a visitor wait."""

    talks: Semaphore = field(default_factory=lambda: Semaphore(TALKS))
    batches: Semaphore = field(default_factory=lambda: Semaphore(BATCHES))
    scores: Semaphore = field(default_factory=lambda: Semaphore(SCORES))


class Gates:
    """A gate for each host."""

    def __init__(self) -> None:
        self._gates: dict[str, Gate] = {}

    def find(self, url: str) -> Gate:
        """The gate of the host of `url`."""
        return self._gates.setdefault(host_of(url), Gate())


def host_of(url: str) -> str:
    """Host and port of a URL, and nothing else that may be in it."""
    parts = urlsplit(url)
    return f"{parts.hostname}:{parts.port}" if parts.port else f"{parts.hostname}"
