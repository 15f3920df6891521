"""Requests to one server: they wait while it is busy, and what fails becomes a Fault.

It knows HTTP and JSON, and not what is asked.
"""

import asyncio
import json
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import aclosing, asynccontextmanager
from typing import Any

import httpx

from loaders.faults import Fault
from loaders.remote.gates import host_of
from loaders.remote.keys import Key
from loaders.remote.refusals import SAID, refused, said, seconds_to_wait, unanswered
from loaders.remote.sse import read_events

Json = Mapping[str, Any]

TIMEOUT = httpx.Timeout(120.0, connect=5.0)  # seconds without a sign of life
BUSY = (429, 503)
TRIES = 6
FIRST_PAUSE = 0.5  # seconds, doubled with every try
LONGEST_PAUSE = 60.0  # seconds; who is asked to wait longer is told so
COMPLETIONS = "/completions"


class Client:
    """One server's API under `url`, which ends in /v1. Used in one event loop.

    Nothing but `url` is ever asked: no proxy or .netrc of the environment, no redirection, so that
    the key goes nowhere else.
    """

    def __init__(self, url: str, key: Key, timeout: httpx.Timeout | None = None) -> None:
        self.url = url.rstrip("/")
        self.host = host_of(url)
        self._key = key
        self._http = httpx.AsyncClient(
            headers=key.headers, timeout=timeout or TIMEOUT, trust_env=False
        )

    async def get(self, url: str) -> Any:
        """JSON under `url`; None where there is none. Fault where the server cannot be reached."""
        return await self._optional("GET", url, None)

    async def look_up(self, url: str, body: Json) -> Any:
        """What a POST gives that only some servers answer; None from those that do not."""
        return await self._optional("POST", url, body)

    async def complete(self, body: Json) -> Any:
        """The whole answer to a request for completions."""
        async with self._sent(body) as response:
            text = (await response.aread()).decode("utf-8", "replace")
        return self._parsed(text)

    async def follow(self, body: Json) -> AsyncGenerator[Any, None]:
        """The events of an answer as they come; leaving off closes the connection."""
        async with (
            self._sent(body) as response,
            aclosing(read_events(response.aiter_bytes())) as events,
        ):
            async for event in events:
                yield self._checked(self._parsed(event))

    async def close(self) -> None:
        """Let go of all connections."""
        await self._http.aclose()

    @asynccontextmanager
    async def _sent(self, body: Json) -> AsyncIterator[httpx.Response]:
        """The response to a request for completions, if it is no error; its body is still to be
        read."""
        request = self._http.build_request("POST", self.url + COMPLETIONS, json=body)
        try:
            response = await self._patiently(request)
            try:
                if response.status_code >= 300:
                    told = (await response.aread()).decode("utf-8", "replace")
                    raise refused(self.host, response.status_code, told, self._key)
                yield response
            finally:
                await response.aclose()
        except httpx.TransportError as error:
            raise unanswered(self.host, error, self._key) from None

    async def _patiently(self, request: httpx.Request) -> httpx.Response:
        """The response, asked for again while the server says that it is busy."""
        response = await self._http.send(request, stream=True)
        for attempt in range(1, TRIES):
            if response.status_code not in BUSY:
                break
            pause = seconds_to_wait(response.headers)
            pause = FIRST_PAUSE * 2 ** (attempt - 1) if pause is None else pause
            if pause > LONGEST_PAUSE:
                break
            await response.aclose()
            await asyncio.sleep(pause)
            response = await self._http.send(request, stream=True)
        return response

    async def _optional(self, method: str, url: str, body: Json | None) -> Any:
        try:
            response = await self._http.request(method, url, json=body)
        except httpx.TransportError as error:
            raise unanswered(self.host, error, self._key) from None
        try:
            return response.json() if response.status_code == 200 else None
        except ValueError:
            return None

    def _parsed(self, text: str) -> Any:
        try:
            return json.loads(text)
        except ValueError:
            shown = self._key.scrubbed(text[:SAID])
            raise Fault(
                f"The server at {self.host} answered what is not JSON ({shown!r}); check that "
                "'url' is that of an OpenAI-compatible server, most often ending in /v1."
            ) from None

    def _checked(self, event: Any) -> Any:
        """`event`, unless it says in the middle of an answer that there will be no more."""
        if isinstance(event, dict) and event.get("error"):
            words = self._key.scrubbed(said(json.dumps(event)))[:SAID].strip(" .")
            raise Fault(f"The server at {self.host} broke an answer off: {words}.")
        return event
