"""Options are checked before anything is read, and a second run goes on where the first was."""

from dataclasses import replace
from pathlib import Path

import pytest

from loaders import Fault
from loaders.__main__ import main, parser
from loaders.prequantized.command import prequantize
from loaders.prequantized.plan import Plan, make_plan
from tests.tiny import tiny_family

FILE = """
name = "tiny"
title = "Tiny"
scale = "toy"
data = "./data"
books = {{ forget = "a", retain = "b" }}
{rows}
"""
ROW = """
[[models]]
key = "{key}"
label = "{key}"
letter = "O"
role = "unlearned"
note = "n"
repo = "./{key}"
colour = "#D55E00"
colour_dark = "#ff8a3d"
marker = "circle"
"""
SERVED = """
engine = "openai"
url = "http://127.0.0.1:1/v1"
served_model = "m"
served_precision = "bf16"
tokenizer = "./npo"
"""


@pytest.fixture
def plan(tmp_path: Path) -> Plan:
    family = tiny_family(tmp_path, keys=("original", "npo"))
    rows = "".join(ROW.format(key=spec.key) for spec in family.models)
    (tmp_path / "tiny.toml").write_text(FILE.format(rows=rows), encoding="utf-8")
    file, out = tmp_path / "tiny.toml", tmp_path / "out"
    return Plan(file, family, family.models, out, "cpu", "", False, True)


def test_a_second_run_goes_on_and_a_users_folder_stays(plan: Plan) -> None:
    first, second = replace(plan, models=plan.models[:1]), plan
    said: list[str] = []
    prequantize(first, said.append)
    assert "bit-equal when loaded again." in said[1]
    assert said[2] == (
        f"original: {plan.models[0].repo} is a folder of yours and stays; --delete-source removes "
        "only copies of the Hub's."
    )
    assert (Path(plan.models[0].repo) / "model.safetensors").is_file()
    text = (plan.out / "family.toml").read_text("utf-8")
    assert 'repo = "./original"' in text
    assert f'repo = "{plan.models[1].repo}"' in text
    said.clear()
    prequantize(second, said.append)
    assert said[0].startswith("original: made and verified before, 20")
    assert said[3].startswith("npo: quantizing npo, ")
    assert 'repo = "./npo"' in (plan.out / "family.toml").read_text("utf-8")


def test_a_damaged_or_another_models_folder_is_neither_used_nor_overwritten(
    plan: Plan, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["prequantize", "--family", str(plan.file), "--out", str(plan.out)]
    words += ["--models", "original", "--device", "cpu"]
    assert main(words) == 0
    weights = plan.out / "original" / "model.safetensors"
    whole = weights.read_bytes()
    weights.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
    assert main(words) == 2
    assert "is damaged: its files are not those in its prequantized.json" in capsys.readouterr().err
    weights.write_bytes(whole)
    plan.file.write_text(plan.file.read_text("utf-8").replace('"./original"', '"./npo"'), "utf-8")
    assert main(words) == 2
    assert "holds original @ a folder already, and not npo @ a folder" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--models", "nobody"], "The family demo has no model 'nobody'; it has original"),
        (["--push-to", "a/b"], "--push-to is 'a/b'; give the name of a user or organization."),
        (["--public"], "--public says how something is pushed; give --push-to as well."),
        (["--device", "tpu"], "The device 'tpu' is unknown"),
        (["--push-to", "us"], "--push-to needs a token that may write; put it into the environme"),
    ],
)
def test_options_are_checked_first(
    words: list[str],
    said: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("HF_TOKEN", raising=False)
    out = tmp_path / "out"
    assert main(["prequantize", "--family", "demo", "--out", str(out), *words]) == 2
    assert f"python -m loaders prequantize: {said}" in capsys.readouterr().err
    assert not out.exists()


def test_what_a_server_runs_has_no_weights_here(plan: Plan) -> None:
    text = plan.file.read_text("utf-8").replace('key = "npo"', f'key = "npo"\n{SERVED}')
    plan.file.write_text(text, "utf-8")
    options = parser().parse_args(["prequantize", "--family", str(plan.file), "--out", "out"])
    assert [spec.key for spec in make_plan(options).models] == ["original"]
    options.models = "original,npo"
    with pytest.raises(Fault, match="--models names 'npo', whose weights are a server's and not"):
        make_plan(options)
