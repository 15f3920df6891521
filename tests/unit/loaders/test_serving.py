"""A row that a server runs is read whole or refused in a sentence, which quotes no key."""

from pathlib import Path

import pytest

from loaders import Fault, load_family

SERVED = """
name = "mine"
title = "My family"
scale = "full"
data = "data"

[books]
forget = "A"
retain = "B"

[[models]]
key = "original"
label = "Original"
letter = "O"
role = "original"
note = "read the book"
colour = "#000"
colour_dark = "#fff"
marker = "circle"
engine = "openai"
url = "http://10.0.0.5:8000/v1"
served_model = "target"
served_precision = "bf16"
tokenizer = "./tokenizer"
key_env = "TARGET_KEY"
"""


def written(folder: Path, text: str) -> str:
    (folder / "tokenizer").mkdir(exist_ok=True)
    path = folder / "mine.toml"
    path.write_text(text, encoding="utf-8")
    return str(path)


def test_a_served_row_needs_no_weights_here(tmp_path: Path) -> None:
    spec = load_family(written(tmp_path, SERVED)).models[0]
    assert spec.is_served
    assert (spec.url, spec.served_model, spec.repo) == ("http://10.0.0.5:8000/v1", "target", "")
    assert spec.tokenizer == str(tmp_path / "tokenizer")


def test_a_row_is_run_on_this_machine_unless_it_says_otherwise() -> None:
    assert not any(spec.is_served for spec in load_family("demo").models)


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        (
            'url = "http://10.0.0.5:8000/v1"\n',
            "",
            "'original' has engine = \"openai\" and needs 'url'",
        ),
        ('served_model = "target"\n', "", "needs 'served_model'"),
        ('served_precision = "bf16"\n', "", "needs 'served_precision'"),
        ('tokenizer = "./tokenizer"\n', "", "needs 'tokenizer'"),
        ('engine = "openai"\n', "", "'url' of 'original' needs engine = \"openai\" beside it"),
        ('"openai"', '"telnet"', "'models.0.engine' is 'telnet'"),
        ("http://10", "ftp://10", "none that starts with http:// or https:// and a host"),
        ("10.0.0.5:8000", "10.0.0.5:port", "is none; write it like http://host:8000/v1"),
        ("/v1", "/v1?key=sk-secret", "has something after a ? or #"),
        ("10.0.0.5", "me:sk-secret@10.0.0.5", "has a name or a key in it"),
        ("bf16", "fp8", "is served in 'fp8'; choose one of nf4, fp4, int8, bf16, fp32"),
        ("TARGET_KEY", "sk-secret", "is no name of an environment variable"),
        ("key_env", "api_key", "unknown key 'models.0.api_key'"),
        ("./tokenizer", "./nowhere", "of the tokenizer of 'original' does not exist"),
        (
            "./tokenizer",
            "just a name",
            "the tokenizer 'just a name' of 'original' is neither a Hub",
        ),
    ],
)
def test_a_fault_in_a_served_row_is_said_and_no_key_with_it(
    tmp_path: Path, old: str, new: str, says: str
) -> None:
    with pytest.raises(Fault) as caught:
        load_family(written(tmp_path, SERVED.replace(old, new)))
    assert says in str(caught.value)
    assert "sk-secret" not in str(caught.value)


def test_a_row_of_this_machine_needs_a_place(tmp_path: Path) -> None:
    lines = [line for line in SERVED.splitlines() if not line.startswith(("engine", "url", "serv"))]
    text = "\n".join(line for line in lines if not line.startswith("key_env"))
    with pytest.raises(Fault, match="'original' has no 'repo'; give it a folder or a Hub id"):
        load_family(written(tmp_path, text))
