"""`python -m benchmarks`: what it measures, prints and keeps, with tiny numbers."""

import json
from pathlib import Path

import pytest

from benchmarks.__main__ import main, make_setting, parser
from benchmarks.figure import save
from tests.unit.benchmarks.hand import figure


def test_a_choice_is_measured_printed_and_kept(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "latest.json"
    save(path, [figure("start_page")])
    assert main(["stream", "--quick", "--precision", "fp32", "--out", str(path)]) == 0
    kept = json.loads(path.read_text(encoding="utf-8"))
    names = ["stream_vs_threads", "stream_vs_sequential", "stream_vs_floor"]
    assert list(kept) == ["start_page", *names]
    printed = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in printed[1:]] == names
    for name in names:
        assert len(kept[name]["runs"]) == 1
        assert kept[name]["ratio"] > 0
        assert "fp32, " in kept[name]["device"]
        assert "thread" in kept[name]["device"]
    assert kept["stream_vs_threads"]["details"]["texts_identical"] == 4


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["strean"], "no benchmark 'strean'; choose from suite, stream, visitors, scaling, start"),
        (["suite", "--repeats", "0"], "--repeats is 0; choose 1 or more"),
        (["suite", "--precision", "fp33"], "The precision 'fp33' is unknown"),
    ],
)
def test_a_fault_is_one_sentence(
    arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments) == 2
    assert said in capsys.readouterr().err


def test_options_say_how_much_is_run() -> None:
    setting = make_setting(parser().parse_args(["--rows", "7", "--repeats", "3"]))
    assert (setting.size.rows, setting.size.repeats) == (7, 3)
    assert setting.precisions == ("fp32", "nf4")
    assert make_setting(parser().parse_args(["suite", "--full"])).size.rows is None
