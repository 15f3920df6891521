"""What went wrong between here and a server, in a sentence; never with the key in it."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

import httpx

from loaders.faults import Fault
from loaders.remote.keys import Key

SAID = 200  # characters of a server's own words


class Refused(Fault):
    """A server answered, and with an error; `status` is HTTP's."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(text)
        self.status = status


def refused(host: str, status: int, body: str, key: Key) -> Refused:
    """The error that a server answered with. Its own words are quoted, cut and scrubbed."""
    words = key.scrubbed(said(body))[:SAID].strip(" .")
    quoted = f" ({words})" if words else ""
    cures = {
        401: f"it takes no request without the right key{quoted}; set 'key_env' and that variable",
        403: f"it forbids this key the request{quoted}; use another key",
        404: f"it does not know the model or the path{quoted}; check 'served_model' and 'url'",
        429: f"it is busy, and was after several tries{quoted}; try again later",
        503: f"it is not ready, and was not after several tries{quoted}; try again later",
    }
    if 300 <= status < 400:
        cure = "it sends requests elsewhere; set 'url' to where they end"
    elif status >= 500:
        cure = cures.get(status, f"it failed{quoted}; look at its log")
    else:
        cure = cures.get(status, f"it refuses the request{quoted}; check what it can serve")
    return Refused(status, f"The server at {host} answered {status}: {cure}.")


def unanswered(host: str, error: httpx.TransportError, key: Key) -> Fault:
    """Nothing, or not all of it, came back."""
    if isinstance(error, httpx.ConnectTimeout | httpx.ConnectError):
        return Fault(
            f"The server at {host} cannot be reached ({_why(error, key)}); start it, or correct "
            "'url' in the family's file."
        )
    if isinstance(error, httpx.TimeoutException):
        return Fault(f"The server at {host} went silent for too long; see whether it is stuck.")
    return Fault(
        f"The server at {host} broke the connection off ({_why(error, key)}); see whether it is "
        "still running."
    )


def said(body: str) -> str:
    """The message in a body, whatever shape the server gives it."""
    try:
        found = json.loads(body)
    except ValueError:
        return "" if body.lstrip().startswith("<") else " ".join(body.split())
    while isinstance(found, dict):
        found = next((found[name] for name in ("error", "message", "detail") if name in found), "")
    return found if isinstance(found, str) else json.dumps(found)


def seconds_to_wait(headers: Mapping[str, str]) -> float | None:
    """What Retry-After says, in seconds or as a date; None where it says nothing."""
    text = headers.get("retry-after", "").strip()
    try:
        return max(0.0, float(text))
    except ValueError:
        pass
    try:
        until = parsedate_to_datetime(text)
    except ValueError:
        return None
    return max(0.0, (until.astimezone(UTC) - datetime.now(UTC)).total_seconds())


def _why(error: httpx.TransportError, key: Key) -> str:
    return key.scrubbed(str(error)).strip(" .")[:SAID] or type(error).__name__
