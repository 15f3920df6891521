"""The usage log: one line for each piece of work, without what was asked or answered."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from loaders import Engine, Fault, Request, Sampling
from loaders.fake import FakeEngine
from loaders.usage import UsageLog, open_log


def loaded() -> FakeEngine:
    engine = FakeEngine(lambda model, prompt: "a secret answer")
    list(engine.load("original"))
    return engine


def streamed(engine: Engine) -> Iterator[Any]:
    return engine.stream([Request("r", "original", "a secret prompt", Sampling(8))])


def lines_of(*works: Any) -> list[dict[str, Any]]:
    lines: list[str] = []
    log = UsageLog(lines.append)
    for work in works:
        list(log.metered("compare", work)(loaded()))
    return [json.loads(line) for line in lines]


def test_a_line_says_what_was_run_and_not_what_was_asked() -> None:
    (line,) = lines_of(streamed)
    assert {**line, "time": "", "seconds": 0} == {
        "time": "",
        "event": "compare",
        "models": ["original"],
        "tokens": 3,
        "seconds": 0,
        "precision": "fp32",
        "outcome": "finished",
    }
    assert line["time"].endswith("+00:00")
    assert "secret" not in json.dumps(line)


def test_batches_and_scores_are_counted_by_their_tokens() -> None:
    generated, scored = lines_of(
        lambda engine: engine.generate("original", ["x", "y"], 8),
        lambda engine: engine.score("original", ["one two", "three"]),
    )
    assert (generated["tokens"], scored["tokens"]) == (6, 3)


def test_work_that_asks_no_model_leaves_no_line() -> None:
    assert lines_of(lambda engine: iter([engine.precision])) == []


def test_a_line_says_how_the_work_ended() -> None:
    lines: list[str] = []
    log = UsageLog(lines.append)
    stopped = log.metered("compare", streamed)(loaded())
    next(stopped)
    stopped.close()  # type: ignore[attr-defined]
    with pytest.raises(Fault):
        list(log.metered("compare", streamed)(FakeEngine(lambda model, prompt: "")))
    assert [json.loads(line)["outcome"] for line in lines] == ["stopped", "failed"]


def test_the_log_goes_to_the_end_of_a_file(tmp_path: Path) -> None:
    file = tmp_path / "usage.jsonl"
    file.write_text("before\n", encoding="utf-8")
    list(open_log(str(file)).metered("compare", streamed)(loaded()))
    before, line = file.read_text(encoding="utf-8").splitlines()
    assert (before, json.loads(line)["event"]) == ("before", "compare")


def test_a_file_that_cannot_be_written_is_said_at_once(tmp_path: Path) -> None:
    with pytest.raises(Fault, match="cannot be written"):
        open_log(str(tmp_path / "nowhere" / "usage.jsonl"))
