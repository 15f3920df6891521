"""Rows of several engines are one family: one stream, each asked where it runs."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from loaders import Family, Fault, Request, Sampling
from loaders.engine.local import LocalEngine
from loaders.fake import FakeEngine
from loaders.opening import open_engine
from loaders.remote.engine import RemoteEngine
from loaders.together.mixed import MixedEngine
from tests.completions import VLLM, Manner, Speaker, completions_server
from tests.tiny import TEXT, tiny_family


def say(model: str, prompt: str) -> str:
    return "a b c" if model == "here" else "d e f g h"


def mixed() -> MixedEngine:
    engines = {
        "here": FakeEngine(say),
        "there": FakeEngine(say, failing={"gone": "no such server"}),
    }
    engine = MixedEngine(engines | {"gone": engines["there"]}, "fp32", "cpu")
    for model in ("here", "there", "gone"):
        told(engine.load(model))
    return engine


def told(steps: Iterator[Any]) -> list[Any]:
    return [event for event in steps if event is not None]


def asked(*models: str) -> list[Request]:
    return [Request(f"{model} 1", model, "go on", Sampling(8)) for model in models]


def test_both_streams_advance_together_to_their_own_ends() -> None:
    events = told(mixed().stream(asked("here", "there")))
    assert "".join(event.model[0] for event in events) == "hththttt"
    assert [e.model for e in events if e.finish] == ["here", "there"]


def test_a_model_that_is_not_ready_is_said_before_the_first_token_of_any() -> None:
    with pytest.raises(Fault, match="'gone' is not ready"):
        next(mixed().stream(asked("here", "gone")))


def test_everything_else_is_asked_of_the_models_own_engine() -> None:
    engine = mixed()
    assert engine.status("gone").reason == "no such server"
    assert [c.text for c in told(engine.generate("there", ["go on"], 2))] == ["d e"]
    (score,) = told(engine.score("here", ["a b"]))
    assert engine.decode("here", score.token_ids) == "a b"
    assert engine.context("there") == 1024


class Breaking(FakeEngine):
    """Its streams break off after the first token."""

    broken = False

    def stream(self, requests: Any) -> Iterator[Any]:
        try:
            yield None
            yield next(super().stream(requests))
            raise Fault("the server hung up")
        finally:
            self.broken = True


def test_what_breaks_off_is_raised_when_the_others_have_said_all() -> None:
    breaking = Breaking(say)
    engine = MixedEngine({"there": breaking, "here": FakeEngine(say)}, "fp32", "cpu")
    for model in ("here", "there"):
        told(engine.load(model))
    events: list[Any] = []
    with pytest.raises(Fault, match="the server hung up"):
        events.extend(engine.stream(asked("there", "here")))
    assert [event.text for event in events if event and event.model == "here"] == ["a", " b", " c"]


def test_closing_it_closes_all_of_them() -> None:
    breaking = Breaking(say)
    engine = MixedEngine({"there": breaking, "here": FakeEngine(say)}, "fp32", "cpu")
    for model in ("here", "there"):
        told(engine.load(model))
    stream = engine.stream(asked("there", "here"))
    next(stream)
    stream.close()  # type: ignore[attr-defined]
    assert breaking.broken


@pytest.fixture(scope="module")
def family(tmp_path_factory: pytest.TempPathFactory) -> Family:
    return tiny_family(tmp_path_factory.mktemp("tiny"), keys=("original", "npo"))


def served(family: Family, url: str, *keys: str) -> Family:
    there = {"engine": "openai", "url": url, "served_model": "npo", "served_precision": "fp32"}
    rows = [replace(s, **there) if s.key in keys else s for s in family.models]  # type: ignore[arg-type]
    return replace(family, models=tuple(rows))


def test_a_family_is_opened_as_its_rows_say(family: Family) -> None:
    url = "http://127.0.0.1:9/v1"
    assert isinstance(open_engine(family, "fp32", "cpu"), LocalEngine)
    assert isinstance(open_engine(served(family, url, "npo"), "fp32", "cpu"), MixedEngine)
    assert isinstance(open_engine(served(family, url, "npo", "original"), "fp32"), RemoteEngine)
    with pytest.raises(Fault, match="'nf5' is unknown"):
        open_engine(served(family, url, "npo", "original"), "nf5")


@pytest.mark.parametrize("manner", [VLLM, Manner(hangs_up_after=2)], ids=["well", "badly"])
def test_one_row_here_and_one_at_a_server(family: Family, manner: Manner) -> None:
    speakers = {"npo": Speaker(Path(family.model("npo").repo))}
    requests = [Request(s.key, s.key, TEXT[:40], Sampling(12)) for s in family.models]
    local, here = open_engine(family, "fp32", "cpu"), list[Any]()
    with completions_server(speakers, manner) as (url, _):
        engine = open_engine(served(family, url, "npo"), "fp32", "cpu")
        for one in (local, engine):
            for spec in family.models:
                told(one.load(spec.key))
        ours = told(local.stream(requests))
        if manner is VLLM:
            here = told(engine.stream(requests))
        else:
            with pytest.raises(Fault, match="hung up in the middle"):
                here.extend(engine.stream(requests))
    for key, tokens in (("original", 12), ("npo", 12 if manner is VLLM else 2)):
        mine = [event.token_id for event in ours if event.model == key]
        its = [event.token_id for event in here if event is not None and event.model == key]
        assert its == mine[:tokens]
