"""One file from the Hub into the cache, resumed where it broke off and checked by its SHA-256.

The Hub's own client throws away what came of a file that breaks off; at gigabytes a file what came
is kept here, and the rest is asked for by range. The cache stays the one that all programs share.
"""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from threading import Event
from typing import Any, BinaryIO, TypeVar

from huggingface_hub import get_hf_file_metadata, get_session, hf_hub_download, hf_hub_url
from huggingface_hub.constants import HF_HUB_DOWNLOAD_TIMEOUT
from huggingface_hub.errors import HfHubHTTPError
from huggingface_hub.utils import (  # type: ignore[attr-defined]
    WeakFileLock,
    build_hf_headers,
    hf_raise_for_status,
)

from loaders.hub.kept import blob, bytes_here, folder_of, part
from loaders.hub.listing import File, Listing
from loaders.hub.progress import Meter
from loaders.hub.refusals import (
    FAILURES,
    Damaged,
    Incomplete,
    is_passing,
    wanted_wait,
)

T = TypeVar("T")
UNSATISFIABLE = 416


@dataclass(frozen=True)
class Patience:
    """`waits` are the seconds before each new try; `longest` is the most that a server's own wish
    is waited for."""

    waits: tuple[float, ...] = (1.0, 2.0, 4.0, 8.0)
    longest: float = 300.0


PATIENCE = Patience()


class Stopped(Exception):
    """Raised in the threads of a download that nobody wants any more."""


class _Silent:
    """A progress bar for the Hub's client that shows nothing."""

    def __init__(self, *_: Any, **__: Any) -> None: ...

    def __enter__(self) -> "_Silent":
        return self

    def __exit__(self, *_: object) -> None: ...

    def update(self, *_: object) -> None: ...


def fetch(
    listing: Listing, file: File, meter: Meter, stopped: Event, patience: Patience = PATIENCE
) -> None:
    """Bring one file; raises what the client raises, Incomplete, Damaged or Stopped.

    What passes by itself is tried again, and whatever came in between begins the tries anew.
    """

    def persist(ask: Callable[[], None]) -> None:
        _persist(ask, lambda: bytes_here(listing.repo, file), meter.wait, stopped, patience)

    if file.sha256:
        with _lock(listing.repo, file.sha256):
            if not blob(listing.repo, file.sha256).exists():
                persist(lambda: _bring(listing, file, meter, stopped))
    else:
        persist(lambda: _look(listing, file))
    persist(lambda: _link(listing, file))
    if not file.sha256:
        meter.add(file.bytes)


def persist(ask: Callable[[], T], stopped: Event, patience: Patience = PATIENCE) -> T:
    """What `ask` gives, asked again while what goes wrong may pass."""
    return _persist(ask, lambda: 0, lambda _: None, stopped, patience)


def _persist(
    ask: Callable[[], T],
    came: Callable[[], int],
    say: Callable[[str], None],
    stopped: Event,
    patience: Patience,
) -> T:
    tries, most = 0, came()
    while True:
        try:
            return ask()
        except FAILURES as error:
            if (now := came()) > most:
                tries, most = 0, now
            seconds = _wait_for(error, tries, patience)
            if seconds is None:
                raise
            tries += 1
            say(_why(error, seconds))
            if stopped.wait(seconds):
                raise Stopped from error
            say("")


def _wait_for(error: Exception, tries: int, patience: Patience) -> float | None:
    """The seconds until the next try; None where there is to be none."""
    if not is_passing(error) or tries == len(patience.waits):
        return None
    wished = wanted_wait(error)
    if wished is None:
        return patience.waits[tries]
    return wished if wished <= patience.longest else None


def _why(error: Exception, seconds: float) -> str:
    if isinstance(error, HfHubHTTPError):
        what = f"the Hub is busy ({error.response.status_code})"
    else:
        what = "the connection broke off"
    return f"{what}: trying again in {seconds:.0f} s"


def _bring(listing: Listing, file: File, meter: Meter, stopped: Event) -> None:
    """The content of a large file, from where it broke off; only what is whole gets its name."""
    path = part(listing.repo, file.sha256)
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("ab") as kept:
        _receive(listing, file, kept, meter, stopped)
        came = kept.tell()
    if came != file.bytes:
        if came > file.bytes:
            path.unlink()
        raise Incomplete(file.name, came, file.bytes)
    with path.open("rb") as whole:
        digest = hashlib.file_digest(whole, "sha256").hexdigest()
    if digest != file.sha256:
        path.unlink()
        meter.add(-came)
        raise Damaged(file.name)
    path.replace(blob(listing.repo, file.sha256))


def _receive(listing: Listing, file: File, kept: BinaryIO, meter: Meter, stopped: Event) -> None:
    """Append what is missing; begins anew where the server does not do ranges or has no such."""
    have = kept.tell()
    if have == file.bytes:
        return
    url = hf_hub_url(listing.repo, file.name, revision=listing.commit)
    headers = build_hf_headers() | {"Accept-Encoding": "identity"}
    if have:
        headers["Range"] = f"bytes={have}-"
    session = get_session()
    with session.stream("GET", url, headers=headers, timeout=HF_HUB_DOWNLOAD_TIMEOUT) as answer:
        if have and answer.status_code in (200, UNSATISFIABLE):
            kept.truncate(0)
            meter.add(-have)
        if have and answer.status_code == UNSATISFIABLE:
            raise Incomplete(file.name, have, file.bytes)
        hf_raise_for_status(answer)
        for chunk in answer.iter_bytes():  # as it comes: what waited to be more would be lost
            if stopped.is_set():
                raise Stopped
            kept.write(chunk)
            meter.add(len(chunk))


def _look(listing: Listing, file: File) -> None:
    """Ask whether a small file can be had, as the client would wait unseen where it cannot."""
    get_hf_file_metadata(hf_hub_url(listing.repo, file.name, revision=listing.commit))


def _link(listing: Listing, file: File) -> None:
    """Let the Hub's client put the file under its name; it finds a large one's content here."""
    hf_hub_download(listing.repo, file.name, revision=listing.commit, tqdm_class=_Silent)


def _lock(repo: str, sha256: str) -> Any:
    """The lock that the Hub's client takes for the same content."""
    folder = folder_of(repo)
    path = folder.parent / ".locks" / folder.name / f"{sha256}.lock"
    path.parent.mkdir(parents=True, exist_ok=True)
    return WeakFileLock(path)
