"""The YAML block on top of a Space's README: read, written, held against the documented fields.

It never asks the Hub. The fields and what they may be are those of the Hub's "Spaces Configuration
Reference"; that a short description has at most 60 characters is what the Hub answers to a push.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import yaml
from huggingface_hub import SpaceHardware

from loaders.faults import Fault

COLOURS = ("red", "yellow", "green", "blue", "indigo", "purple", "pink", "gray")
SHORT = 60  # characters of a short description
HEADERS = tuple(f"cross-origin-{name}-policy" for name in ("embedder", "opener", "resource"))
REPO = re.compile(r"[A-Za-z0-9][\w.-]*(/[A-Za-z0-9][\w.-]*)?")
PRELOAD = re.compile(r"\S+/\S+( [^\s,]+(,[^\s,]+)*)?( [0-9a-f]{40})?")
# ZeroGPU is chosen in the Space's settings and cannot be suggested.
HARDWARE = tuple(str(one.value) for one in SpaceHardware if not one.value.startswith("zero"))

Values = Mapping[str, Any]


@dataclass(frozen=True)
class Field:
    """A documented field: what it may be, in words, and whether a value is that."""

    name: str
    may_be: str
    allows: Callable[[Any], bool]


def _text(value: Any) -> bool:
    return isinstance(value, str) and bool(value.strip())


def _like(pattern: str) -> Callable[[Any], bool]:
    return lambda value: isinstance(value, str) and bool(re.fullmatch(pattern, value))


def _one_of(*values: str) -> Callable[[Any], bool]:
    return lambda value: value in values


def _each(allows: Callable[[Any], bool]) -> Callable[[Any], bool]:
    return lambda value: isinstance(value, list) and all(allows(one) for one in value)


def _is_bool(value: Any) -> bool:
    return isinstance(value, bool)


def _is_count(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value > 0


def _is_short(value: Any) -> bool:
    return _text(value) and len(value) <= SHORT


def _is_emoji(value: Any) -> bool:
    return isinstance(value, str) and len(value) in (1, 2) and not value.isascii()


def _is_repo(value: Any) -> bool:
    return isinstance(value, str) and bool(REPO.fullmatch(value))


def _is_headers(value: Any) -> bool:
    return isinstance(value, dict) and all(str(name).lower() in HEADERS for name in value)


FIELDS = (
    Field("title", "text", _text),
    Field("emoji", "one emoji", _is_emoji),
    Field("colorFrom", f"one of {', '.join(COLOURS)}", _one_of(*COLOURS)),
    Field("colorTo", f"one of {', '.join(COLOURS)}", _one_of(*COLOURS)),
    Field("sdk", "gradio, docker or static", _one_of("gradio", "docker", "static")),
    Field("sdk_version", "a version in quotes", _like(r"\d+\.\d+(\.\d+)?")),
    Field("python_version", "3.x or 3.x.x in quotes", _like(r"3\.\d+(\.\d+)?")),
    Field("app_file", "a file of the Space", _text),
    Field("app_port", "a port", _is_count),
    Field("app_build_command", "text", _text),
    Field("base_path", "a path that begins with /", _like(r"/\S*")),
    Field("fullWidth", "true or false", _is_bool),
    Field("header", "mini or default", _one_of("mini", "default")),
    Field("short_description", f"text of at most {SHORT} characters", _is_short),
    Field("license", "a licence's short name", _like(r"[a-z0-9.-]+")),
    Field("thumbnail", "an https address", _like(r"https://\S+")),
    Field("suggested_hardware", f"one of {', '.join(HARDWARE)}", _one_of(*HARDWARE)),
    Field("models", "a list of repositories", _each(_is_repo)),
    Field("datasets", "a list of repositories", _each(_is_repo)),
    Field("tags", "a list of words", _each(_text)),
    Field("pinned", "true or false", _is_bool),
    Field("hf_oauth", "true or false", _is_bool),
    Field("hf_oauth_scopes", "a list of scopes", _each(_text)),
    Field("hf_oauth_expiration_minutes", "a number of minutes", _is_count),
    Field("hf_oauth_authorized_org", "text or a list", lambda v: _text(v) or _each(_text)(v)),
    Field("disable_embedding", "true or false", _is_bool),
    Field("startup_duration_timeout", "a time like 30m or 1h", _like(r"\d+\s?[smhd]")),
    Field("custom_headers", "COEP, COOP or CORP headers", _is_headers),
    Field(
        "preload_from_hub",
        "a list of 'owner/name file,file commit'",
        _each(lambda one: isinstance(one, str) and bool(PRELOAD.fullmatch(one))),
    ),
)
NEEDED = ("title", "sdk", "sdk_version", "python_version", "app_file")


def read(readme: str) -> Values:
    """The front matter of a README's text; a Fault where there is none or it is not YAML."""
    parts = readme.split("---\n", 2)
    if len(parts) < 3 or parts[0].strip():
        raise Fault("The README does not begin with a front matter between two lines of ---.")
    try:
        found = yaml.safe_load(parts[1])
    except yaml.YAMLError as error:
        raise Fault(f"The front matter is not valid YAML: {error}.") from error
    if not isinstance(found, dict):
        raise Fault("The front matter is not a list of fields with their values.")
    return found


def write(values: Values, body: str) -> str:
    """A README with `values` as its front matter."""
    block = yaml.safe_dump(dict(values), sort_keys=False, allow_unicode=True, width=1000)
    return f"---\n{block}---\n\n{body}"


def problems(values: Values) -> list[str]:
    """What is wrong with a front matter, a sentence each; empty where nothing is."""
    known = {one.name: one for one in FIELDS}
    found = [f"{name!r} is missing" for name in NEEDED if name not in values]
    found += [f"{name!r} is no documented field" for name in values if name not in known]
    for name, value in values.items():
        if name in known and not known[name].allows(value):
            found.append(f"{name!r} is {value!r}; it may be {known[name].may_be}")
    return found
