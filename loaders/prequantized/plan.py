"""What is asked for on the command line, checked before anything is read; does none of it."""

import argparse
import re
from dataclasses import dataclass
from pathlib import Path

from loaders.choices import require_device_name
from loaders.family import Family, ModelSpec, find_family, load_family
from loaders.faults import Fault

OWNER = re.compile(r"[A-Za-z0-9][\w.-]*")


@dataclass(frozen=True)
class Plan:
    """`file` is the family's TOML; `push_to` an owner on the Hub, or empty to push nothing."""

    file: Path
    family: Family
    models: tuple[ModelSpec, ...]
    out: Path
    device: str
    push_to: str
    is_public: bool
    deletes_source: bool

    def hub_id(self, spec: ModelSpec) -> str:
        """Where a model is pushed to."""
        return f"{self.push_to}/{self.family.name}-{spec.key}-nf4"


def add_flags(parser: argparse.ArgumentParser) -> None:
    """The options, each with what it takes."""
    add = parser.add_argument
    add("--family", required=True, metavar="FAMILY", help="a family's name or its FILE.toml")
    add("--out", required=True, type=Path, metavar="DIR", help="a folder for all of it")
    add("--models", metavar="KEYS", help="some of its models, by commas; default all")
    add("--device", default="auto", help="what quantizes: auto | cpu | cuda | cuda:N")
    add("--push-to", default="", metavar="ORG", help="push to ORG on the Hub; needs HF_TOKEN")
    add("--public", action="store_true", help="what is pushed is public, not private")
    add(
        "--delete-source",
        action="store_true",
        help="remove the source from the Hub's cache once its copy is verified; folders stay",
    )


def make_plan(options: argparse.Namespace) -> Plan:
    """A Fault says which option is wrong and what it may be."""
    family = load_family(options.family)
    own = [spec.key for spec in family.models if not spec.is_served]
    keys = [key.strip() for key in options.models.split(",")] if options.models else own
    if served := next((key for key in keys if family.model(key).is_served), None):
        raise Fault(f"--models names {served!r}, whose weights are a server's and not here.")
    if options.push_to and not OWNER.fullmatch(options.push_to):
        raise Fault(f"--push-to is {options.push_to!r}; give the name of a user or organization.")
    if options.public and not options.push_to:
        raise Fault("--public says how something is pushed; give --push-to as well.")
    out = options.out.expanduser().resolve()
    if out.exists() and not out.is_dir():
        raise Fault(f"--out is {out}, which is a file; give a folder.")
    return Plan(
        file=find_family(options.family),
        family=family,
        models=tuple(family.model(key) for key in dict.fromkeys(keys)),
        out=out,
        device=require_device_name(options.device),
        push_to=options.push_to,
        is_public=options.public,
        deletes_source=options.delete_source,
    )
