"""Events come out of bytes, wherever these are cut."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loaders.remote.sse import read_events


def events(chunks: Sequence[bytes]) -> list[str]:
    async def coming() -> AsyncIterator[bytes]:
        for chunk in chunks:
            yield chunk

    async def gather() -> list[str]:
        return [event async for event in read_events(coming())]

    with ThreadPoolExecutor(1) as own:  # a browser of other tests may have the main thread's loop
        return own.submit(asyncio.run, gather()).result()


@pytest.mark.parametrize(
    ("sent", "read"),
    [
        ("data: a\n\ndata: b\n\ndata: [DONE]\n\ndata: c\n\n", ["a", "b"]),
        ("data: a\r\n\r\ndata: b\r\n\r\n", ["a", "b"]),
        ("data: a\r\rdata: b\r\r", ["a", "b"]),
        (": keepalive\n\ndata: a\n\n: so that nobody hangs up\n\n", ["a"]),
        ("event: x\nid: 7\ndata:a\n\n", ["a"]),
        ("data: a\ndata: b\n\n", ["a\nb"]),
        ("data: a\n\ndata: the end is missing", ["a", "the end is missing"]),
        ("data: a\n\ndata: [DONE]", ["a"]),
        ("", []),
    ],
)
def test_events_are_the_data_alone(sent: str, read: list[str]) -> None:
    assert events([sent.encode()]) == read


@given(st.lists(st.integers(1, 9), max_size=40))
def test_it_does_not_matter_where_the_bytes_are_cut(sizes: list[int]) -> None:
    data = 'data: {"text": "ninety–one"}\r\n\r\n: …\n\ndata: 日本\r\rdata: [DONE]\n\n'.encode()
    chunks, start = [], 0
    for size in sizes:
        chunks.append(data[start : start + size])
        start += size
    assert events([*chunks, data[start:]]) == ['{"text": "ninety–one"}', "日本"]
