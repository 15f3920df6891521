"""A run over models that do not fit at once: the panes say what they wait for."""

import asyncio
import threading
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace
from typing import Any

import gradio as gr
import pytest

from dashboard.compare import Compare
from dashboard.facts import Facts
from dashboard.layout import CompareView, lay_out
from dashboard.precision.view import gather
from dashboard.run import WIDTHS, is_settled
from loaders import Request, TokenEvent
from loaders.fake import BYTES, FakeEngine
from loaders.session import Session
from loaders.together.residency import Need, Room, listed, make_plan
from loaders.together.waves import WavesEngine
from tests.stage import reply, staged_data, staged_family

FAMILY = staged_family()
FIRST = FAMILY.models[0]  # loaded first, and the first to leave
OTHERS = [spec.label for spec in FAMILY.models[1:]]
ROOM = "3 of 4 models fit in 15.3 MiB"
WAITS = f"waits for {listed(OTHERS)} to finish: {ROOM}"


class Slow(FakeEngine):
    """Answers, and loads again, only when it was seen to wait for that."""

    def __init__(self, seen: Mapping[str, threading.Event]) -> None:
        super().__init__(reply)
        self._seen = seen
        self._loads = 0

    def fetch(self, model: str) -> Iterator[None]:
        """Everything is here."""
        yield None

    def unload(self, model: str) -> None:
        del self._statuses[model]

    def check(self, request: Request) -> None:
        """Everything fits."""

    def load(self, model: str) -> Iterator[None]:
        self._loads += 1
        while self._loads > len(FAMILY.models) and not self._seen["loading …"].is_set():
            yield None
        yield from super().load(model)

    def stream(self, requests: Sequence[Request]) -> Iterator[TokenEvent | None]:
        while not self._seen[WAITS].is_set():
            yield None
        yield from super().stream(requests)


def open_waves(seen: Mapping[str, threading.Event]) -> WavesEngine:
    """Three of the four models at once, as on a card of 16 GB."""
    needs = [Need(s.key, s.label, 1, BYTES, 0, 1024) for s in FAMILY.models]
    plan = make_plan(needs, [Room("cpu", 16_000_000)])
    return WavesEngine(Slow(seen), plan, plan.shares[0])


@pytest.fixture(scope="module")
def view() -> CompareView:
    session = Session(FAMILY, lambda: FakeEngine(reply))
    with gr.Blocks():
        precisions = gather(FAMILY, staged_data(), (), None, None)
        return lay_out(Facts(session).provenance, staged_data(), (), precisions, False).compare


async def run(compare: Compare, seen: Mapping[str, threading.Event]) -> list[str]:
    """What the pane of FIRST looked like, one after the other."""
    while not is_settled(compare.session):
        await asyncio.sleep(0.02)
    visitor: Any = SimpleNamespace(session_hash="me")
    asked = compare.run("own", None, "Once upon a time", 6, 0, 1, 0, (), visitor)
    pane, panes = compare.view.panes[FIRST.key], list[str]()
    async for updates in asked:
        panes += [updates[pane]] if pane in updates else []
        for text, event in seen.items():
            if text in panes[-1]:
                event.set()
    return panes


def test_the_pane_of_a_model_that_is_not_held_says_what_it_waits_for(view: CompareView) -> None:
    seen = {WAITS: threading.Event(), "loading …": threading.Event()}
    session = Session(FAMILY, lambda: open_waves(seen), WIDTHS)
    compare = Compare(session, staged_data(), Facts(session), view, {})
    session.start()
    try:
        with ThreadPoolExecutor(1) as own:  # a browser may have the main thread's loop
            panes = own.submit(asyncio.run, run(compare, seen)).result()
    finally:
        session.stop()
    assert f"loaded when it is asked: {ROOM}" in panes[0]
    assert all(event.is_set() for event in seen.values())
    assert 'data-phase="finished"' in panes[-1]
