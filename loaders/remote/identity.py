"""Which server it is and which version, by its own word; never what it can do."""

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import httpx

from loaders.checkpoint import served_name
from loaders.family import ModelSpec
from loaders.faults import Fault
from loaders.remote.client import Client
from loaders.remote.keys import read_key
from loaders.remote.wire import Wire

TIMEOUT = httpx.Timeout(3.0)


@dataclass(frozen=True)
class Identity:
    """`name` is the server's with its version, as far as it says; `context` is in tokens."""

    name: str
    context: int | None = None


async def identify(client: Client, model: str) -> Identity:
    """What /version and /v1/models say, as far as there are such. Fault where nothing answers."""
    version = await client.get(f"{client.url.removesuffix('/v1')}/version")
    listed = await client.get(f"{client.url}/models")
    cards = listed.get("data") if isinstance(listed, dict) else None
    known = [card for card in cards or [] if isinstance(card, dict)]
    mine = next((card for card in known if card.get("id") == model), {})
    longest = mine.get("max_model_len")
    return Identity(_name(mine, version), longest if isinstance(longest, int) else None)


def served_revision(spec: ModelSpec) -> str:
    """What exactly a row of a server is: its name there, and the server with its version.

    Asks the server, once in a process. One that does not answer is an unknown one: its numbers are
    not those of a known server, and no run takes them for such.
    """
    try:
        server = _ask(spec)
    except Fault:
        server = "an unknown server"
    return f"{served_name(spec)} @ {server}"


@lru_cache(maxsize=64)
def _ask(spec: ModelSpec) -> str:
    wire, client = Wire(), Client(spec.url, read_key(spec), TIMEOUT)
    try:
        return wire.send(_name_of(client, spec.served_model)).result()
    finally:
        wire.stop()


async def _name_of(client: Client, model: str) -> str:
    try:
        return (await identify(client, model)).name
    finally:
        await client.close()


def _name(card: dict[str, Any], version: Any) -> str:
    number = version.get("version") if isinstance(version, dict) else None
    owner = card.get("owned_by")
    kind = owner if isinstance(owner, str) and owner else "a server"
    return f"{kind} {number}" if isinstance(number, str) else f"{kind} of unknown version"
