"""A server's key: read from the environment, sent as a header, and in no text that is shown."""

import os
import re
from dataclasses import dataclass, field

from loaders.family import ModelSpec
from loaders.faults import Fault

HIDDEN = "•••"


@dataclass(frozen=True)
class Key:
    """What a server is opened with; empty where it asks for none."""

    value: str = field(default="", repr=False)

    @property
    def headers(self) -> dict[str, str]:
        """What is sent with every request."""
        return {"Authorization": f"Bearer {self.value}"} if self.value else {}

    def scrubbed(self, text: str) -> str:
        """`text` without the key, for what a server or a library says of a request."""
        return text.replace(self.value, HIDDEN) if self.value else text


def read_key(spec: ModelSpec) -> Key:
    """The key in the environment variable that `spec` names; a Fault where there is none in it."""
    if not spec.key_env:
        return Key()
    value = os.environ.get(spec.key_env, "").strip()
    if not value:
        raise Fault(
            f"The environment variable {spec.key_env} is not set; set it to the key of the server "
            f"of {spec.key!r}, and start again."
        )
    if not re.fullmatch(r"[!-~]+", value):
        raise Fault(
            f"The key in {spec.key_env} has a space or a sign that no key has; set it to the key "
            f"of the server of {spec.key!r} alone."
        )
    return Key(value)
