"""What a row says of the server that runs its model, checked; no server is asked."""

import re
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from loaders.choices import PRECISIONS

if TYPE_CHECKING:
    from loaders.family import ModelSpec

NEEDED = ("url", "served_model", "served_precision", "tokenizer")
ONLY_SERVED = ("url", "served_model", "served_precision", "key_env")
VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


def check_serving(spec: "ModelSpec") -> str | None:
    """What is wrong with a row's server, as a sentence; None where nothing is.

    No sentence quotes a URL or a variable's name: either may hold a key by mistake.
    """
    if not spec.is_served:
        given = next((name for name in ONLY_SERVED if getattr(spec, name)), None)
        return given and f'{given!r} of {spec.key!r} needs engine = "openai" beside it.'
    if missing := next((name for name in NEEDED if not getattr(spec, name)), None):
        return f'{spec.key!r} has engine = "openai" and needs {missing!r}.'
    if wrong := _why_no_url(spec.url):
        return f"the url of {spec.key!r} {wrong}; write it like http://host:8000/v1."
    if spec.served_precision not in PRECISIONS:
        known = ", ".join(PRECISIONS)
        return f"{spec.key!r} is served in {spec.served_precision!r}; choose one of {known}."
    if spec.key_env and not VARIABLE.fullmatch(spec.key_env):
        return (
            f"the 'key_env' of {spec.key!r} is no name of an environment variable; write the name "
            "there, and the key into the variable."
        )
    return None


def _why_no_url(url: str) -> str | None:
    try:
        parts = urlsplit(url)
        port_fits = parts.port is None or parts.port > 0
    except ValueError:
        return "is none"
    if parts.scheme not in ("http", "https") or not parts.hostname or not port_fits:
        return "is none that starts with http:// or https:// and a host"
    if parts.username is not None or parts.password is not None:
        return "has a name or a key in it, which belongs into the variable that 'key_env' names"
    if parts.query or parts.fragment:
        return "has something after a ? or #"
    return None
