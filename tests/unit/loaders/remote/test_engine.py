"""The remote engine says what the local one says, and what goes wrong on the way is said too."""

import gc
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from math import isnan
from pathlib import Path
from typing import Any

import httpx
import pytest

from loaders import Engine, Family, Fault, Request, Sampling, TokenEvent
from loaders.engine.local import LocalEngine
from loaders.remote import client
from loaders.remote.engine import RemoteEngine
from tests.completions import OPENAI, PLAIN, VLLM, Log, Manner, Speaker, completions_server
from tests.serving import free_port
from tests.tiny import TEXT, tiny_family

GREEDY = Sampling(12)
DRAWN = Sampling(12, temperature=0.9, top_p=0.9, seed=7)
TEXTS = ("The keeper climbed the steps.", "Question: who? Answer: the keeper.", "ninety-one")


@dataclass(frozen=True)
class Stage:
    """Two untrained models, on this machine and for a server."""

    family: Family
    local: LocalEngine
    speakers: dict[str, Speaker]


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Stage:
    family = tiny_family(tmp_path_factory.mktemp("tiny"), keys=("original", "npo"))
    local = LocalEngine(family, "fp32", "cpu")
    load(local, *keys(family))
    speakers = {f"{spec.key}-7b": Speaker(Path(spec.repo)) for spec in family.models}
    return Stage(family, local, speakers)


def keys(family: Family) -> list[str]:
    return [spec.key for spec in family.models]


def at(family: Family, url: str, **changes: Any) -> Family:
    """`family` with every row at a server."""
    served = {"engine": "openai", "url": url, "served_precision": "fp32", "repo": ""} | changes
    rows = [replace(s, served_model=f"{s.key}-7b", **served) for s in family.models]
    return replace(family, models=tuple(rows))


def load(engine: Engine, *models: str) -> None:
    for model in models:
        for _ in engine.load(model):
            pass


@dataclass(frozen=True)
class Remote:
    engine: RemoteEngine
    log: Log
    url: str


@contextmanager
def remote(stage: Stage, manner: Manner = VLLM, **changes: Any) -> Iterator[Remote]:
    """An engine whose server behaves in `manner`, its models asked to be loaded."""
    with completions_server(stage.speakers, manner) as (url, log):
        engine = RemoteEngine(at(stage.family, url, **changes), "fp32")
        load(engine, *keys(stage.family))
        log.bodies.clear()
        yield Remote(engine, log, url)


def told(steps: Iterator[Any]) -> list[Any]:
    return [event for event in steps if event is not None]


def in_order(steps: Iterator[Any]) -> list[Any]:
    return sorted(told(steps), key=lambda one: one.index)


def requests(family: Family, sampling: Sampling) -> list[Request]:
    return [Request(f"{key} 1", key, TEXT[:40], sampling) for key in keys(family)]


def of(events: Sequence[TokenEvent], model: str) -> list[TokenEvent]:
    return [event for event in events if event.model == model]


@pytest.mark.parametrize("sampling", [GREEDY, DRAWN], ids=["greedy", "drawn"])
def test_streams_are_those_of_this_machine(stage: Stage, sampling: Sampling) -> None:
    asked = requests(stage.family, sampling)
    ours = told(stage.local.stream(asked))
    with remote(stage, Manner(splits_bytes=True)) as there:
        theirs = told(there.engine.stream(asked))
    for key in keys(stage.family):
        mine, its = of(ours, key), of(theirs, key)
        assert [event.token_id for event in its] == [event.token_id for event in mine]
        assert [event.text for event in its] == [event.text for event in mine]
        assert [e.logprob for e in its] == pytest.approx([e.logprob for e in mine], abs=1e-4)
        assert its[-1].finish == mine[-1].finish
        assert [event.seconds for event in its] == sorted(event.seconds for event in its)


def test_a_server_that_calls_tokens_by_their_text_says_the_same(stage: Stage) -> None:
    asked = requests(stage.family, GREEDY)
    with remote(stage, OPENAI) as there:
        theirs = of(told(there.engine.stream(asked)), "npo")
    mine = of(told(stage.local.stream(asked)), "npo")
    assert "".join(event.text for event in theirs) == "".join(event.text for event in mine)
    assert theirs[-1].finish == mine[-1].finish


def test_another_seed_is_another_answer(stage: Stage) -> None:
    with remote(stage) as there:
        first, second = (
            [e.token_id for e in told(there.engine.stream(requests(stage.family, sampling)))]
            for sampling in (DRAWN, replace(DRAWN, seed=8))
        )
    assert first != second
    assert {body["seed"] for body in there.log.bodies} == {7, 8}


def test_all_requests_advance_together_as_their_tokens_come(stage: Stage) -> None:
    with remote(stage, Manner(seconds_per_token=0.02)) as there:
        events = told(there.engine.stream(requests(stage.family, GREEDY)))
    assert there.log.most == 2
    first = {model: events.index(of(events, model)[0]) for model in keys(stage.family)}
    last = {model: events.index(of(events, model)[-1]) for model in keys(stage.family)}
    assert max(first.values()) < min(last.values())


def test_stops_and_texts_of_batches_are_those_of_this_machine(stage: Stage) -> None:
    for stops in ((), ("e", "\n")):
        ours = in_order(stage.local.generate("npo", TEXTS, 16, stops))
        with remote(stage) as there:
            theirs = in_order(there.engine.generate("npo", TEXTS, 16, stops))
        assert theirs == ours


@pytest.mark.parametrize("manner", [Manner(), Manner(ranks=False), OPENAI], ids=["v", "w", "o"])
def test_logprobs_of_given_texts_are_those_of_this_machine(stage: Stage, manner: Manner) -> None:
    before = ("Who? ", "", "Answer: the")
    ours = in_order(stage.local.score("original", TEXTS, before))
    with remote(stage, manner) as there:
        theirs = in_order(there.engine.score("original", TEXTS, before, moments=True))
    for mine, its in zip(ours, theirs, strict=True):
        assert its.token_ids == mine.token_ids
        assert its.logprobs == pytest.approx(mine.logprobs, abs=1e-4)
        assert its.greedy == mine.greedy
        assert (its.means, its.variances) == ((), ())


def test_a_text_that_fills_the_context_is_scored_without_a_token_more(stage: Stage) -> None:
    with remote(stage) as there:
        context = there.engine.context("original")
        text = "q" * (context - 1)
        assert len(there.engine.encode("original", text)) == context == 256
        (score,) = told(there.engine.score("original", [text]))
        assert len(score.logprobs) == context - 1
        assert there.log.bodies[-1]["max_tokens"] == 0
        with pytest.raises(Fault, match="can take 256; shorten it"):
            told(there.engine.score("original", [text + "q"]))


def test_without_the_likeliest_tokens_greedy_is_not_made_up(stage: Stage) -> None:
    with remote(stage, replace(OPENAI, names_greedy=False)) as there:
        assert {score.greedy for score in told(there.engine.score("npo", TEXTS))} == {()}


def test_a_plain_server_gives_text_and_says_why_no_more(stage: Stage) -> None:
    ours = in_order(stage.local.generate("npo", TEXTS, 16))
    asked = requests(stage.family, GREEDY)
    with remote(stage, PLAIN) as there:
        assert in_order(there.engine.generate("npo", TEXTS, 16))[0].text == ours[0].text
        events = of(told(there.engine.stream(asked)), "npo")
        status = there.engine.status("npo")
        with pytest.raises(Fault, match="gives no log-probs of a given text") as caught:
            told(there.engine.score("npo", TEXTS))
    said = "".join(event.text for event in of(told(stage.local.stream(asked)), "npo"))
    assert "".join(event.text for event in events) == said
    assert all(isnan(event.logprob) for event in events)
    assert status.note == "served by openai of unknown version: text metrics only"
    assert "such as vLLM, or run the model on this machine" in str(caught.value)
    assert all(isinstance(body["prompt"], str) for body in there.log.bodies)


def test_a_server_that_ignores_echo_is_not_taken_at_its_word(stage: Stage) -> None:
    with remote(stage, Manner(echoes=False, ranks=False)) as there:
        assert there.engine.status("original").note.endswith("text metrics only")
        (one,) = in_order(there.engine.generate("original", TEXTS[:1], 4))
    assert one.token_ids == in_order(stage.local.generate("original", TEXTS[:1], 4))[0].token_ids


def test_closing_a_stream_breaks_it_off_at_the_server(stage: Stage) -> None:
    asked = requests(stage.family, Sampling(200))
    with remote(stage, Manner(seconds_per_token=0.01)) as there:
        stream = there.engine.stream(asked)
        heard: set[str] = set()
        while len(heard) < 2:
            heard |= {event.model for event in [next(stream)] if event is not None}
        stream.close()  # type: ignore[attr-defined]
        deadline = time.monotonic() + 5
        while there.log.broken_off < 2 and time.monotonic() < deadline:
            time.sleep(0.01)
    assert there.log.broken_off == 2


def test_an_end_without_done_is_an_end(stage: Stage) -> None:
    with remote(stage, Manner(ends_with_done=False)) as there:
        events = told(there.engine.stream(requests(stage.family, GREEDY)))
    assert [e.finish for e in events if e.finish] == ["length"] * 2


@pytest.mark.parametrize(
    ("manner", "says"),
    [
        (Manner(hangs_up_after=3), "hung up in the middle of an answer"),
        (Manner(fails_after=3), "broke an answer off: the engine died"),
    ],
)
def test_an_answer_that_breaks_off_is_a_fault_after_what_came(
    stage: Stage, manner: Manner, says: str
) -> None:
    events: list[TokenEvent | None] = []
    with remote(stage, manner) as there, pytest.raises(Fault, match=says):
        events.extend(there.engine.stream(requests(stage.family, GREEDY)))
    assert len(told(iter(events))) == 6


def test_a_busy_server_is_asked_again_when_it_says(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client, "FIRST_PAUSE", 0.01)
    with completions_server(stage.speakers, Manner(refusals=((429, "0.2"), (503, "")))) as (
        url,
        log,
    ):
        engine = RemoteEngine(at(stage.family, url), "fp32")
        started = time.monotonic()
        load(engine, "original")
        assert time.monotonic() - started > 0.2
    assert engine.status("original").state == "ready"
    assert len(log.bodies) == 3


@pytest.mark.parametrize(
    ("manner", "says"),
    [
        (Manner(refusals=((429, "3600"),)), "answered 429: it is busy"),
        (Manner(refusals=((503, "0"),) * 6), "answered 503: it is not ready"),
        (Manner(refusals=((500, ""),) * 3), "answered 500: it failed (that is how it is)"),
        (Manner(refusals=((404, ""),)), "answered 404: it does not know the model"),
        (Manner(key="sk-other"), "answered 401: it takes no request without the right key"),
        (Manner(reads_otherwise=True), "reads a text as other tokens than 'tokenizer' does"),
    ],
)
def test_what_a_server_refuses_fails_one_model_and_keeps_its_key(
    stage: Stage, manner: Manner, says: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TARGET_KEY", "sk-secret")
    with completions_server(stage.speakers, manner) as (url, log):
        engine = RemoteEngine(at(stage.family, url, key_env="TARGET_KEY"), "fp32")
        load(engine, "original")
        status = engine.status("original")
        assert (status.state, says in status.reason) == ("failed", True)
        assert "sk-secret" not in status.reason
        with pytest.raises(Fault, match="'original' is not ready: it is failed"):
            told(engine.score("original", TEXTS))
    assert set(log.keys) <= {"Bearer sk-secret"}


def test_after_a_failure_loading_again_is_enough(stage: Stage) -> None:
    with completions_server(stage.speakers, Manner(refusals=((404, ""),))) as (url, _):
        engine = RemoteEngine(at(stage.family, url), "fp32")
        states = []
        for _ in range(2):
            load(engine, "original")
            states.append(engine.status("original").state)
    assert states == ["failed", "ready"]


def test_an_engine_that_nobody_holds_ends_its_thread(stage: Stage) -> None:
    before = set(threading.enumerate())
    with remote(stage) as there:
        (wire,) = [t for t in set(threading.enumerate()) - before if t.name == "wire"]
    del there
    gc.collect()
    wire.join(timeout=5)
    assert not wire.is_alive()


def test_nobody_there_is_said_with_the_address(stage: Stage) -> None:
    port = free_port()
    engine = RemoteEngine(at(stage.family, f"http://127.0.0.1:{port}/v1"), "fp32")
    load(engine, "original")
    reason = engine.status("original").reason
    assert reason.startswith(f"The server at 127.0.0.1:{port} cannot be reached")
    assert "correct 'url' in the family's file" in reason


def test_a_server_that_goes_silent_is_not_waited_for_for_ever(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client, "TIMEOUT", httpx.Timeout(0.3))
    slow = Manner(seconds_per_token=1.0)
    with remote(stage, slow) as there, pytest.raises(Fault, match="went silent for too long"):
        told(there.engine.stream(requests(stage.family, GREEDY)))


def test_an_address_that_is_no_such_server_is_said(stage: Stage) -> None:
    with completions_server(stage.speakers) as (url, _):
        engine = RemoteEngine(at(stage.family, url.removesuffix("/v1") + "/v2"), "fp32")
        load(engine, "original")
    assert "answered 404" in engine.status("original").reason


def test_numbers_of_another_precision_are_refused(stage: Stage) -> None:
    with remote(stage, served_precision="bf16") as there:
        reason = there.engine.status("original").reason
    assert reason == (
        "Original is served in bf16, and the others run in fp32; start with --precision bf16."
    )


def test_no_more_is_asked_of_a_host_at_once_than_its_gate_lets_through(stage: Stage) -> None:
    with remote(stage, Manner(seconds_per_token=0.05)) as there:
        there.log.most = 0
        told(there.engine.score("original", TEXTS * 8))
        assert there.log.most <= 4
        told(there.engine.generate("npo", TEXTS * 8, 2))
        assert 4 < there.log.most <= 16
