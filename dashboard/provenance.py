"""Where numbers come from, as small quiet badges; HTML from data, and nothing is computed here."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from dashboard.escape import esc
from loaders.checkpoint import shorten
from loaders.family import Family, ModelSpec


@dataclass(frozen=True)
class Provenance:
    """What every number of this page shares. What is empty is not known yet.

    `revisions` names by model key the very weights that run. `plan` says where models are held
    and `is_whole` whether all are at once, on one device.
    """

    family: Family
    precision: str = ""
    device: str = ""
    source: str = "live"
    revisions: Mapping[str, str] = field(default_factory=dict)
    plan: str = ""
    is_whole: bool = True

    @property
    def line(self) -> str:
        """In one line, for a pane or a caption: "NF4 · LIVE · TOY"."""
        parts = (self.precision, self.source, self.family.scale)
        return " · ".join(part for part in parts if part).upper()


def badge(text: str, kind: str = "", title: str = "") -> str:
    """One badge; `kind` is a class of the style sheet."""
    hint = f' title="{esc(title)}"' if title else ""
    return f'<span class="badge {kind}"{hint}>{esc(text)}</span>'


def header_badges(provenance: Provenance) -> str:
    """The badges at the right of the header."""
    family = provenance.family
    toy = family.scale == "toy"
    scale = badge(
        f"{family.title} · {family.scale}".upper(),
        "toy" if toy else "",
        "Tiny models that show how unlearning looks; their numbers say nothing about large models."
        if toy
        else "",
    )
    where = f"{provenance.precision} · {provenance.device}".upper()
    opened = badge(where, title=provenance.plan)
    running = opened if provenance.precision else badge("OPENING …")
    live = badge(provenance.source.upper(), provenance.source, "Computed now, by these models.")
    return f'<div class="badges">{scale}{running}{live}</div>{_plan(provenance)}'


def _plan(provenance: Provenance) -> str:
    """Where the models are; a CPU that holds all of them is not worth a line."""
    if not provenance.plan or (provenance.device == "cpu" and provenance.is_whole):
        return ""
    return f'<p class="plan" title="{esc(provenance.plan)}">{esc(provenance.plan)}</p>'


def checkpoint(provenance: Provenance, spec: ModelSpec) -> str:
    """Which weights a model has: repository or folder, and their revision."""
    revision = provenance.revisions.get(spec.key, spec.revision)
    return " @ ".join(part for part in (place(spec), revision) if part)


def place(spec: ModelSpec) -> str:
    """Where a model lies: its repository, or the last parts of its folder."""
    return "/".join(spec.repo.replace("\\", "/").rstrip("/").split("/")[-3:])


def short_revision(provenance: Provenance, spec: ModelSpec) -> str:
    """The revision in a few signs, for the table."""
    revision = provenance.revisions.get(spec.key, spec.revision)
    return shorten(revision)
