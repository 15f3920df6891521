"""What a command line asks for, checked before anything is loaded; never runs it."""

import argparse
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from loaders import PRECISIONS, Family, Fault, family_names, load_family, require_precision
from loaders.choices import Place, require_context, require_device_name
from loaders.family import Books, is_local
from loaders.trajectory import with_checkpoints
from metrics.inputs.data import Data, load_data
from metrics.metric import Metric
from metrics.profile import PROFILES, Profile, find_profile
from metrics.references import declared_reference
from metrics.registry import ALL, HEADLINE, METRICS, choose
from metrics.suite import chosen_models

FORMATS = ("table", "json", "csv")
OTHER = Books("the forget set", "the retain set")  # what nobody has given a name


@dataclass(frozen=True)
class Plan:
    """A run over one family at one precision or more. `notes` say what was left out, and why.

    `fresh` ignores what is stored; `stores` says whether the store is used at all. At the
    precisions in `brief` the headline is enough.
    """

    family: Family
    data: Data
    models: tuple[str, ...]
    metrics: tuple[str, ...]
    profile: Profile
    notes: tuple[str, ...]
    precisions: tuple[str, ...]
    device: str
    context: int | None
    force: bool
    seed: int
    out: Path | None
    fresh: bool
    stores: bool
    brief: tuple[str, ...] = ()

    def metrics_at(self, precision: str) -> tuple[str, ...]:
        """What is measured at one of the precisions."""
        if precision not in self.brief:
            return self.metrics
        headline = {metric.key for metric in HEADLINE}
        return tuple(key for key in self.metrics if key in headline)


def parser() -> argparse.ArgumentParser:
    """The options, each with what it takes."""
    metrics = ", ".join([metric.key for metric in METRICS] + [ALL])
    profiles = ", ".join(profile.name for profile in PROFILES)
    made = argparse.ArgumentParser(
        prog="python -m metrics",
        description="Measure the models of a family: memorization, privacy leakage, utility.",
        epilog="Exit status: 0 every number came, 1 some are dashes (why is on stderr), 2 a fault. "
        "What is stored already is not run again; see python -m metrics results --help.",
    )
    add = made.add_argument
    add("--family", default="demo", help=f"{', '.join(family_names())}, or a .toml file")
    add("--precision", default="nf4", help=f"one or more of {','.join(PRECISIONS)}; default nf4")
    add_choices(made)
    add("--models", help="model keys of the family, by commas; default all")
    add("--metrics", help=f"by commas, of {metrics}; default the headline")
    brief = "those of the precisions at which the headline of --metrics is enough"
    add("--headline-only", metavar="PRECISIONS", help=brief)
    add("--profile", default=PROFILES[0].name, help=f"{profiles}; default {PROFILES[0].name}")
    add("--limit", type=int, help="rows per data set; default all")
    add("--seed", type=int, default=0, help="of the bootstrap intervals; default 0")
    add_place(made)
    add("--out", type=Path, help="file to write the results to, as JSON")
    add("--format", choices=FORMATS, default="table", help="what is printed; default table")
    add("--fresh", action="store_true", help="run what is stored too, and replace it")
    add("--no-store", action="store_true", help="neither read nor keep anything in the store")
    return made


def add_choices(parser: argparse.ArgumentParser) -> None:
    """The options that put other data or other models into a family, the same for every program."""
    add, where = parser.add_argument, "DIR_OR_HUB_ID[@REVISION]"
    add("--data", metavar=where, help="another data set: a folder in MUSE's layout, or a Hub id")
    checkpoints = "folder of checkpoint-N or step-N, which take the place of the unlearned models"
    add("--checkpoints", type=Path, metavar="DIR", help=checkpoints)


def add_place(parser: argparse.ArgumentParser) -> None:
    """The options that say where models run, the same for every program."""
    add = parser.add_argument
    add("--device", default="auto", help="auto, cpu, mps, cuda or cuda:N; default auto: all GPUs")
    context = "most tokens of a prompt and its answer; default what there is memory for"
    add("--context", type=int, metavar="TOKENS", help=context)
    add("--force", action="store_true", help="try models that are too large for the device")


def choose_place(options: argparse.Namespace) -> Place:
    """Where models are to run; a Fault for a device or a context that there is not."""
    device, context = require_device_name(options.device), require_context(options.context)
    return Place(device, context, options.force)


def choose_family(name: str, data: str | None, checkpoints: Path | None) -> Family:
    """The family called `name`, asked about other `data` and with `checkpoints` for its unlearned
    models where they are given."""
    family = _with_data(load_family(name), data)
    return family if checkpoints is None else with_checkpoints(family, checkpoints)


def make_plan(options: argparse.Namespace) -> Plan:
    """Check the options; a Fault says which one is wrong and what it may be."""
    place = choose_place(options)
    precisions = _keys("--precision", options.precision) or []
    precisions = [require_precision(name) for name in dict.fromkeys(precisions)]
    family = choose_family(options.family, options.data, options.checkpoints)
    models = chosen_models(family, _keys("--models", options.models))
    keys = tuple(spec.key for spec in models)
    wanted = _keys("--metrics", options.metrics)
    why = {metric: _without_reference(family, keys, metric) for metric in choose(wanted)}
    left_out = tuple(reason for reason in why.values() if reason)
    if named := [m for m, reason in why.items() if reason and m.key in (wanted or ())]:
        raise Fault(why[named[0]] or "")
    if len(left_out) == len(why):
        raise Fault(left_out[0])
    if options.seed < 0:
        raise Fault(f"The seed is {options.seed}; choose a whole number from 0 up.")
    metrics = tuple(metric.key for metric, reason in why.items() if not reason)
    return Plan(
        family=family,
        data=load_data(family, options.limit),
        models=keys,
        metrics=metrics,
        profile=find_profile(options.profile),
        notes=left_out,
        precisions=tuple(precisions),
        device=place.device,
        context=place.context,
        force=place.force,
        seed=options.seed,
        out=checked_out(options.out),
        fresh=options.fresh,
        stores=not options.no_store,
        brief=_brief(options.headline_only, precisions, metrics),
    )


def _brief(text: str | None, precisions: Sequence[str], metrics: Sequence[str]) -> tuple[str, ...]:
    """The precisions that --headline-only names; a Fault for one that is not measured, and where
    nothing would be measured at them."""
    named = _keys("--headline-only", text) or []
    for name in named:
        if name not in precisions:
            raise Fault(f"--headline-only names {name!r}; choose from {', '.join(precisions)}.")
    if named and not any(metric.key in metrics for metric in HEADLINE):
        raise Fault(
            "--headline-only leaves nothing to measure: --metrics has none of the headline."
        )
    return tuple(named)


def _with_data(family: Family, data: str | None) -> Family:
    """The family asked about another data set, where one is named: its books have other titles, and
    a declared AUC is of texts that are not asked about."""
    if data is None:
        return family
    family = replace(family, books=OTHER, reference_auc=None)
    if is_local(data) or Path(data).is_dir():
        return replace(family, data=str(Path(data).expanduser().resolve()), data_revision="")
    name, _, pinned = data.partition("@")
    return replace(family, data=name, data_revision=pinned)


def _keys(option: str, text: str | None) -> list[str] | None:
    if text is None:
        return None
    keys = [key.strip() for key in text.split(",") if key.strip()]
    if not keys:
        raise Fault(f"{option} names nothing; leave it out or give it a value.")
    return keys


def _without_reference(family: Family, models: Sequence[str], metric: Metric) -> str | None:
    """Why a metric has nothing to be set against; None where it has."""
    retrained = family.retrained
    if not metric.needs_reference or (retrained is not None and retrained.key in models):
        return None
    try:
        declared_reference(family, metric)
    except Fault as fault:
        return str(fault)
    return None


def checked_out(out: Path | None) -> Path | None:
    """The file that --out names; a Fault where nothing can be written under that name."""
    if out is not None and out.is_dir():
        raise Fault(f"--out {out} is a folder; give it the name of a file.")
    if out is not None and not out.parent.is_dir():
        raise Fault(f"The folder {out.parent} of --out does not exist; make it first.")
    return out
