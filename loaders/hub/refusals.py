"""What the Hub's refusals and a network's failures mean, each with its cure; asks nothing.

No sentence quotes an address or what a server said: a signed address is as good as a key.
"""

import errno
from dataclasses import dataclass

from huggingface_hub.constants import ENDPOINT, HF_HUB_CACHE
from huggingface_hub.errors import (
    GatedRepoError,
    HfHubHTTPError,
    LocalEntryNotFoundError,
    OfflineModeIsEnabled,
    RemoteEntryNotFoundError,
    RepositoryNotFoundError,
    RevisionNotFoundError,
)

from loaders.faults import Fault
from loaders.sizes import say_size

# What the client's HTTP library raises, whichever library that is: refusals and broken connections.
HTTPError: type[Exception] = HfHubHTTPError.__bases__[0]
LOG_IN = "`hf auth login`, or set HF_TOKEN"
PASSING = (408, 429, 500, 502, 503, 504)  # of these more may be had by asking again
FULL = (errno.ENOSPC, errno.EDQUOT)
# All that can go wrong. RuntimeError: the client closes the connections of all its threads when one
# of them fails, and those that read then say that their stream is closed.
FAILURES: tuple[type[Exception], ...] = (HTTPError, OSError, ValueError, RuntimeError)


@dataclass(frozen=True)
class Asked:
    """What was asked for, as it is called in a sentence."""

    repo: str
    revision: str

    @property
    def page(self) -> str:
        """Where people look at it."""
        return f"https://huggingface.co/{self.repo}"


class Unreachable(Fault):
    """There is no Hub to be asked: whatever else is asked for will not come either."""


class Incomplete(OSError):
    """A file came to its end with too few or too many bytes."""

    def __init__(self, name: str, came: int, expected: int) -> None:
        super().__init__(name)
        self.name, self.came, self.expected = name, came, expected


class Damaged(OSError):
    """A file came whole and is not what the Hub says it is."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.name = name


def is_passing(error: Exception) -> bool:
    """Whether the same request may succeed when it is made again."""
    if isinstance(error, HfHubHTTPError):
        return error.response.status_code in PASSING
    return isinstance(error, (HTTPError, Incomplete, RuntimeError))


def wanted_wait(error: Exception) -> float | None:
    """The seconds after which the server wants to be asked again; None where it says nothing."""
    if not isinstance(error, HfHubHTTPError):
        return None
    said = error.response.headers.get("retry-after", "")
    return float(said) if said.isdecimal() else None


def as_fault(asked: Asked, error: Exception) -> Fault:
    """A sentence for `error`, which asking for `asked` has raised; a Fault stays what it is."""
    if isinstance(error, Fault):
        return error
    cause = error.__cause__
    if isinstance(error, LocalEntryNotFoundError) and isinstance(cause, Exception):
        return as_fault(asked, cause)
    if isinstance(error, (HTTPError, OfflineModeIsEnabled)) and not _refused(asked, error):
        return Unreachable(_broken(asked, error))
    return Fault(_refused(asked, error) or _broken(asked, error) or _unknown(asked, error))


def _refused(asked: Asked, error: Exception) -> str:
    """What the Hub's own refusals mean; empty for everything else."""
    if isinstance(error, GatedRepoError):
        return f"{asked.repo} is gated: ask for access on {asked.page}, then {LOG_IN}."
    if isinstance(error, RepositoryNotFoundError):
        return f"{asked.repo} is not on the Hub, or it is private; correct 'repo', or {LOG_IN}."
    if isinstance(error, RevisionNotFoundError):
        return f"{asked.repo} has no revision {asked.revision!r}; correct 'revision'."
    if isinstance(error, RemoteEntryNotFoundError):
        return f"A file of {asked.repo} is not on the Hub at {asked.revision}; correct 'revision'."
    if isinstance(error, HfHubHTTPError):
        return _status(asked, error.response.status_code, wanted_wait(error))
    return ""


def _status(asked: Asked, status: int, wait: float | None) -> str:
    if status == 401:
        return f"The Hub does not know the token that is set here; {LOG_IN} anew."
    if status == 403:
        return (
            f"The Hub does not let this token read {asked.repo} (403); ask for access on "
            f"{asked.page}, or set another one (HF_TOKEN)."
        )
    if status == 429:
        when = f"in {wait:,.0f} s" if wait else "in some minutes"
        return (
            f"The Hub takes no more requests from here now (429), so {asked.repo} has to wait; try "
            f"again {when}."
        )
    if status >= 500:
        return f"The Hub has a fault of its own ({status}) with {asked.repo}; try again later."
    return f"The Hub refuses {asked.repo} ({status}); look at {asked.page}."


def _broken(asked: Asked, error: Exception) -> str:
    """What went wrong on the way or on this machine; empty for everything else."""
    if isinstance(error, OfflineModeIsEnabled):
        return (
            f"{asked.repo} @ {asked.revision[:12]} is not kept here whole, and HF_HUB_OFFLINE is "
            "set; unset it to download what is missing."
        )
    if isinstance(error, Incomplete):
        return (
            f"{error.name} of {asked.repo} came incomplete, {say_size(error.came)} of "
            f"{say_size(error.expected)}; try again."
        )
    if isinstance(error, Damaged):
        return (
            f"{error.name} of {asked.repo} came damaged: its SHA-256 is not what the Hub says. It "
            "is removed; try again."
        )
    if isinstance(error, OSError) and error.errno in FULL:
        return (
            f"The disk of {HF_HUB_CACHE} is full, so {asked.repo} cannot be downloaded; free some, "
            "or set HF_HOME to a larger disk. What has come is kept: try again."
        )
    if isinstance(error, (HTTPError, RuntimeError)):
        return (
            f"The Hub cannot be reached at {ENDPOINT}, for {asked.repo}; check the network, then "
            "try again. What has come is kept."
        )
    return ""


def _unknown(asked: Asked, error: Exception) -> str:
    if isinstance(error, OSError) and error.strerror:
        return f"{asked.repo} cannot be kept in {HF_HUB_CACHE} ({error.strerror})."
    return f"{asked.repo} cannot be had from the Hub ({type(error).__name__}); try again."
