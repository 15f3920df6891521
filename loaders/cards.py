"""What is published about a model: licence, method, settings and who says so; never its weights.

Sources that disagree are all kept: each value stands beside the one that gives it.
"""

from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

from pydantic import ConfigDict, TypeAdapter, ValidationError

from loaders.faults import Fault

STRICT = ConfigDict(extra="forbid")
# What a trainer calls its settings and how they are read, the telling ones first.
NAMES = {
    "lr": "learning rate",
    "beta": "β",
    "gamma": "γ",
    "retain_weight": "λ (retain weight)",
    "steps": "steps",
    "schedule": "schedule",
    "warmup_steps": "warm-up steps",
    "forget_rows": "forget rows a step",
    "retain_rows": "retain rows a step",
    "row_tokens": "tokens a row",
    "optimizer": "optimizer",
    "weight_decay": "weight decay",
    "clip": "gradient clipping",
    "mixed_precision": "mixed precision",
}
# Settings that a run has and its objective never looks at.
UNUSED = {
    "pretrain": ("beta", "gamma", "retain_weight"),
    "npo": ("gamma",),
    "npo_mean": ("gamma",),
    "npo_logits": ("gamma",),
    "graddiff": ("beta", "gamma"),
}


@dataclass(frozen=True)
class Setting:
    """A hyper-parameter as `source` gives it; several of one name are sources that disagree."""

    __pydantic_config__ = STRICT

    name: str
    value: str
    source: str


@dataclass(frozen=True)
class Source:
    """Where something is to be read: whatever on a card is called `name` leads to `url`."""

    __pydantic_config__ = STRICT

    name: str
    url: str


@dataclass(frozen=True)
class Card:
    """What is published about one model. What is empty is not known, and is said to be so.

    `base` is a Hub id, the key of a model beside it, or words; `remark` is what a reader has to
    know, such as why the label is what it is. `file` is a `card.json` as this project's trainer
    writes it (unlearning/checkpoints.py): it says what the table leaves empty.
    """

    __pydantic_config__ = STRICT

    licence: str = ""
    base: str = ""
    method: str = ""
    data: str = ""
    remark: str = ""
    settings: tuple[Setting, ...] = ()
    sources: tuple[Source, ...] = ()
    file: str = ""


@dataclass(frozen=True)
class _Written:
    """Of a trainer's `card.json` what is shown."""

    method: str
    trained_on: tuple[str, ...]
    start: str
    hyperparameters: dict[str, Any]
    seed: int
    seconds: float
    versions: dict[str, str]
    licence: str


def filled(card: Card, folder: Path) -> Card:
    """`card` with what its `file`, taken from `folder`, says of all that it leaves empty; a Fault
    where that cannot be read."""
    if not card.file:
        return card
    written = _read((folder / card.file).resolve())
    given = {field.name: getattr(card, field.name) for field in fields(Card)}
    return replace(written, **{name: value for name, value in given.items() if value})


def check_sources(card: Card) -> str | None:
    """Which source has an address that is none, as a sentence; None where all lead somewhere."""
    for source in card.sources:
        if not source.url.startswith("https://"):
            return f"the url {source.url!r} of the source {source.name!r} is no https:// address."
    return None


def _read(path: Path) -> Card:
    try:
        written = TypeAdapter(_Written).validate_json(path.read_bytes())
    except OSError as error:
        raise Fault(f"The card {path} cannot be read ({error.strerror}).") from error
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"]) or "the file"
        raise Fault(f"The card {path} is not a trainer's: {where}: {first['msg']}.") from error
    return Card(
        licence=written.licence,
        base=written.start,
        method=written.method,
        data=", ".join(written.trained_on),
        settings=tuple(_settings(written, path.name)),
    )


def _settings(written: _Written, source: str) -> list[Setting]:
    """A trainer's settings in the order of NAMES, without those that changed nothing."""
    used = dict(written.hyperparameters)
    unused = UNUSED.get(str(used.pop("objective", "")), ())
    if "forget" not in written.trained_on:
        unused = (*unused, "forget_rows")
    named = [name for name in NAMES if name in used] + [name for name in used if name not in NAMES]
    values = {NAMES.get(name, name): str(used[name]) for name in named if name not in unused}
    values |= {"seed": str(written.seed), "training took": f"{written.seconds:,.0f} s"}
    values |= {"software": ", ".join(f"{name} {v}" for name, v in written.versions.items())}
    return [Setting(name, value, source) for name, value in values.items()]
