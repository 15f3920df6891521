"""The command line of what is stored: `python -m metrics results --help`; never runs a model."""

import argparse
import sys
from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path

from loaders.family import load_family
from loaders.faults import Fault
from metrics.export import FORMATS, find_format
from metrics.files import read_text, write_bytes
from metrics.listing import describe_pair, describe_record, list_lines
from metrics.peer import Claim, from_peer
from metrics.plan import checked_out
from metrics.reading.pairing import Pair, find_retrained
from metrics.store import Filter, Store, Stored, open_store, store_path
from metrics.store.faces import faces_of
from metrics.store.shelf import find_record, list_records, with_samples

Command = Callable[[Store, argparse.Namespace], None]


def main(words: Sequence[str]) -> int:
    """The exit status, 0; a Fault for what cannot be done."""
    options = parser().parse_args(words)
    store = open_store()
    try:
        command: Command = options.command
        command(store, options)
    finally:
        store.close()
    return 0


def parser() -> argparse.ArgumentParser:
    """The commands, each with its options."""
    made = argparse.ArgumentParser(
        prog="python -m metrics results",
        description="Look at what is stored, and at the results that come with the project.",
        epilog="Records are called by the first signs of their id, as many as tell them apart. "
        f"The store is {store_path()}; UNLEARNING_DATA names another folder.",
    )
    commands = made.add_subparsers(required=True, metavar="COMMAND")
    listed = _command(commands, "list", _list, "one line per record, the newest first")
    _add_filters(listed)
    shown = _command(commands, "show", _show, "one record with all that its numbers depend on")
    shown.add_argument("id", metavar="ID")
    _add_samples(shown, 0)
    compared = _command(commands, "compare", _compare, "two records, in numbers and by sample")
    compared.add_argument("one", metavar="A")
    compared.add_argument("other", metavar="B")
    _add_samples(compared, 3)
    _add_export(_command(commands, "export", _export, "records as a file for other programs"))
    _add_import(_command(commands, "import", _import, "open-unlearning's files as records"))
    deleted = _command(commands, "delete", _delete, "remove records from the store, for good")
    deleted.add_argument("ids", nargs="+", metavar="ID")
    return made


def _command(
    commands: "argparse._SubParsersAction[argparse.ArgumentParser]",
    name: str,
    command: Command,
    says: str,
) -> argparse.ArgumentParser:
    made: argparse.ArgumentParser = commands.add_parser(name, help=says, description=says)
    made.set_defaults(command=command)
    return made


def _add_filters(made: argparse.ArgumentParser) -> None:
    for name in ("family", "model", "precision", "profile"):
        made.add_argument(f"--{name}", help=f"only this {name}")
    made.add_argument("--since", metavar="DATE", help="only what was stored since, 2026-11-24")


def _add_samples(made: argparse.ArgumentParser, default: int) -> None:
    made.add_argument(
        *("--samples", "-n"),
        type=int,
        default=default,
        metavar="N",
        help=f"samples shown of each metric; default {default}",
    )


def _add_export(made: argparse.ArgumentParser) -> None:
    names = tuple(form.name for form in FORMATS)
    made.add_argument("ids", nargs="*", metavar="ID", help="or which ones, with the filters")
    made.add_argument("--format", choices=names, required=True)
    made.add_argument("--out", type=Path, help="the file; what is text is printed without it")
    made.add_argument(
        "--rows",
        choices=("numbers", "samples"),
        default="numbers",
        help="csv, parquet: what a row is; html: samples adds every text; default numbers",
    )
    _add_filters(made)


def _add_import(made: argparse.ArgumentParser) -> None:
    made.add_argument("file", type=Path, metavar="MUSE_EVAL.json")
    made.add_argument("--model", required=True, help="what to call it, since the file does not")
    made.add_argument("--precision", default="bf16", help="what it was measured in; default bf16")
    made.add_argument("--family", default="muse-books", help="whose data; default muse-books")


def _list(store: Store, options: argparse.Namespace) -> None:
    found = list_records(store, _filter(options))
    print("\n".join(list_lines(found)) if found else "No record is stored that is like this.")


def _show(store: Store, options: argparse.Namespace) -> None:
    print("\n".join(describe_record(find_record(store, options.id), options.samples)))


def _compare(store: Store, options: argparse.Namespace) -> None:
    one, other = find_record(store, options.one), find_record(store, options.other)
    if one.id == other.id:
        raise Fault(f"{one.name} was named twice; name two records.")
    known = find_retrained(one, other, list_records(store, Filter(family=one.family)))
    retrained = None if known is None else with_samples(store, [known])[0]
    print("\n".join(describe_pair(Pair(one, other, retrained), options.samples)))


def _export(store: Store, options: argparse.Namespace) -> None:
    form, out = find_format(options.format), checked_out(options.out)
    if out is None and not form.is_text:
        raise Fault(f"{form.name} is no text; name a file with --out, like results{form.suffix}.")
    content = form.write(_chosen(store, options), options.rows)
    if out is not None:
        write_bytes(out, content)
        return
    sys.stdout.write(content.decode("utf-8"))


def _chosen(store: Store, options: argparse.Namespace) -> tuple[Stored, ...]:
    """The records that are named, in that order, or those that the filters take."""
    wanted = _filter(options)
    if options.ids and wanted != Filter():
        raise Fault("Name records or give filters, not both.")
    if options.ids:
        found = [find_record(store, name) for name in options.ids]
        return tuple({one.id: one for one in found}.values())
    if wanted == Filter():
        raise Fault("Which records? Name them, or give filters like --family demo.")
    if not (listed := list_records(store, wanted)):
        raise Fault("No record is stored that is like this.")
    return with_samples(store, listed)


def _import(store: Store, options: argparse.Namespace) -> None:
    family = load_family(options.family)
    results = from_peer(read_text(options.file), family, Claim(options.model, options.precision))
    for name in store.save(results, faces_of(family)):
        print(f"{options.model} @ {options.precision} is stored as {name}.")
    for note in results.records[0].notes or ():
        print(note)


def _delete(store: Store, options: argparse.Namespace) -> None:
    for name in options.ids:
        record = find_record(store, name)
        if record.read_only:
            raise Fault(f"{record.name} comes with the project and stays.")
        store.delete(record.id)
        print(f"{record.name} is deleted.")


def _filter(options: argparse.Namespace) -> Filter:
    return Filter(
        family=options.family,
        model=options.model,
        precision=options.precision,
        profile=options.profile,
        since=_since(options.since),
    )


def _since(text: str | None) -> str | None:
    if text is None:
        return None
    try:
        datetime.fromisoformat(text)
    except ValueError as error:
        raise Fault(f"--since {text!r} is no date; write it like 2026-11-24.") from error
    return text.replace(" ", "T")
