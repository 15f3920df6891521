"""Server-sent events out of bytes as they come; never knows what is in them."""

from codecs import getincrementaldecoder
from collections.abc import AsyncGenerator, AsyncIterator

DONE = "[DONE]"


async def read_events(chunks: AsyncIterator[bytes]) -> AsyncGenerator[str, None]:
    """The data of each event, up to DONE or the end of `chunks`.

    A chunk may end in the middle of a character, a line or an event. Comments, which servers send
    to keep a connection open, and fields other than data are passed over.
    """
    data: list[str] = []
    async for line in _lines(chunks):
        if line.startswith("data:"):
            data.append(line.removeprefix("data:").removeprefix(" "))
        elif not line and data:
            event, data = "\n".join(data), []
            if event == DONE:
                return
            yield event
    if data and data != [DONE]:
        yield "\n".join(data)


async def _lines(chunks: AsyncIterator[bytes]) -> AsyncIterator[str]:
    """Lines without their ends, of which the protocol has three."""
    decoder, rest = getincrementaldecoder("utf-8")("replace"), ""
    async for chunk in chunks:
        rest += decoder.decode(chunk)
        whole = rest.replace("\r\n", "\n")
        held = whole.endswith("\r")  # its \n may be in the next chunk
        *lines, rest = (whole[:-1] if held else whole).replace("\r", "\n").split("\n")
        rest += "\r" if held else ""
        for line in lines:
            yield line
    for line in (rest + decoder.decode(b"", final=True)).replace("\r", "\n").split("\n"):
        yield line
