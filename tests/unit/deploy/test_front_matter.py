"""The front matter of a Space against the documented fields."""

from typing import Any

import pytest

from deploy.front_matter import problems, read, write
from loaders import Fault
from tests.serving import ROOT

GOOD = {
    "title": "A title",
    "sdk": "gradio",
    "sdk_version": "6.31.0",
    "python_version": "3.12",
    "app_file": "app.py",
}


def test_the_projects_own_front_matter_is_documented() -> None:
    assert problems(read((ROOT / "README.md").read_text(encoding="utf-8"))) == []


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("colour", "red", "'colour' is no documented field"),
        ("colorFrom", "orange", "it may be one of red, yellow"),
        ("emoji", "x", "it may be one emoji"),
        ("python_version", 3.12, "'python_version' is 3.12; it may be 3.x or 3.x.x in quotes"),
        ("suggested_hardware", "zero-a10g", "it may be one of cpu-basic"),
        ("suggested_hardware", "l4", "it may be one of cpu-basic"),
        ("short_description", "x" * 61, "it may be text of at most 60 characters"),
        ("startup_duration_timeout", "an hour", "it may be a time like 30m or 1h"),
        ("models", "owner/name", "it may be a list of repositories"),
        ("preload_from_hub", ["name only"], "it may be a list of 'owner/name file,file commit'"),
        ("fullWidth", "yes", "it may be true or false"),
        ("custom_headers", {"x-frame-options": "deny"}, "it may be COEP, COOP or CORP headers"),
    ],
)
def test_what_is_not_documented_is_named(name: str, value: Any, says: str) -> None:
    (found,) = problems({**GOOD, name: value})
    assert says in found


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("emoji", "🏮"),
        ("suggested_hardware", "l4x1"),
        ("startup_duration_timeout", "1h"),
        ("preload_from_hub", ["a/b", "a/b config.json,model.safetensors " + "0a" * 20]),
        ("hf_oauth_expiration_minutes", 480),
        ("python_version", "3.12.12"),
    ],
)
def test_what_is_documented_passes(name: str, value: Any) -> None:
    assert problems({**GOOD, name: value}) == []


def test_a_needed_field_is_missed() -> None:
    assert problems({key: value for key, value in GOOD.items() if key != "sdk"}) == [
        "'sdk' is missing"
    ]


def test_what_is_written_is_read() -> None:
    values = {**GOOD, "emoji": "🏮", "tags": ["muse"]}
    text = write(values, "# A title\n\n---\n")
    assert read(text) == values
    assert "🏮" in text


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("# A title\n", "does not begin with a front matter"),
        ("---\ntitle: [\n---\n", "is not valid YAML"),
        ("---\njust words\n---\n", "is not a list of fields"),
    ],
)
def test_a_readme_without_front_matter_is_refused(text: str, says: str) -> None:
    with pytest.raises(Fault, match=says):
        read(text)
