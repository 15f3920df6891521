"""The list of records as HTML: one row each, and all that its numbers depend on; pure."""

from collections.abc import Collection, Sequence

from dashboard.escape import colour, esc
from dashboard.provenance import badge
from metrics.export.columns import Column, as_column, short_revision
from metrics.registry import HEADLINE
from metrics.store import Face, Stored
from metrics.store.records import say_date

COLUMNS = tuple(as_column(metric) for metric in HEADLINE)
BEFORE = ("Select", "Model", "Measured", "Family", "Precision")
SOURCES = {"live": "MEASURED HERE"}


def records_table(stored: Sequence[Stored], picked: Collection[str]) -> str:
    """A row per record, a box to tick in front; nothing in it is a number that was not stored."""
    if not stored:
        return (
            '<p class="sub">No record is like this. Run the metrics, import a file, or ask for '
            "less above.</p>"
        )
    heads = "".join(
        f'<th scope="col">{esc(column.label)}<small>{esc(column.explains)}</small></th>'
        for column in COLUMNS
    )
    before = "".join(f'<th scope="col">{name}</th>' for name in BEFORE[1:])
    rows = "".join(_row(one, one.id in picked) for one in stored)
    return (
        '<div class="scroller" tabindex="0" role="region" aria-label="Records">'
        f'<table class="plain records"><thead><tr><th scope="col"><span class="sr">{BEFORE[0]}'
        f'</span></th>{before}{heads}<th scope="col">More</th></tr></thead>{rows}</table></div>'
    )


def face_style(face: Face) -> str:
    """The two colours of a stored model for a style attribute."""
    return f"--paper:{colour(face.colour)};--night:{colour(face.colour_dark)}"


def face_letter(face: Face) -> str:
    """The square with its letter; it says nothing that the label beside it does not."""
    return f'<span class="letter" aria-hidden="true">{esc(face.letter)}</span>'


def call(one: Stored) -> str:
    """What a record is called on the page: "NPO @ nf4 (1a2b3c4d5e6f)"."""
    return f"{one.face.label}{one.step} @ {one.record.precision} ({one.id})"


def source_badge(one: Stored) -> str:
    """Where a record comes from; "live" would be what is computed at this moment."""
    source = one.record.source
    return badge(SOURCES.get(source, source.upper()), "recorded" if one.read_only else "")


def _row(one: Stored, picked: bool) -> str:
    record = one.record
    numbers = "".join(f"<td>{_number(one, column)}</td>" for column in COLUMNS)
    return (
        f'<tbody class="model" style="{face_style(one.face)}"><tr>'
        f'<td class="pick"><input type="checkbox" data-id="{esc(one.id)}"'
        f' aria-label="Select {esc(call(one))}"{" checked" if picked else ""}></td>'
        f'<th scope="row"><div>{face_letter(one.face)}{esc(one.face.label + one.step)}</div>'
        f"<small>{esc(one.id)}</small></th>"
        f"<td>{esc(say_date(one.created))}<small>{source_badge(one)}</small></td>"
        f"<td>{esc(one.family)}<small>{esc(record.scale)}</small></td>"
        f"<td>{esc(record.precision)}<small>profile {esc(record.profile)}</small></td>"
        f"{numbers}<td>{esc(_more(one))}</td></tr>{_detail(one)}</tbody>"
    )


def _number(one: Stored, column: Column) -> str:
    measured = column.measured(one.record)
    if measured is None:
        return "—<small>not measured</small>"
    low, high = measured.ci95
    half = column.number((high - low) / 2)
    n = f"n {measured.n}" if measured.n else "n not known"
    interval = f"± {half} · " if measured.n else ""
    return f"<b>{esc(column.number(measured.value))}</b><small>{interval}{n}</small>"


def _more(one: Stored) -> str:
    if not one.record.metrics:
        return f"half-finished, {one.rows} rows kept"
    beyond = len(set(one.record.metrics) - {column.key for column in COLUMNS})
    return f"+{beyond}" if beyond else ""


def _detail(one: Stored) -> str:
    facts = "".join(f"<dt>{esc(name)}</dt><dd>{esc(value)}</dd>" for name, value in _facts(one))
    across = len(BEFORE) + len(COLUMNS)
    return (
        f'<tr class="detail"><td></td><td colspan="{across}"><details><summary>All that its '
        f"numbers depend on</summary><dl>{facts}</dl></details></td></tr>"
    )


def _facts(one: Stored) -> list[tuple[str, str]]:
    record = one.record
    counts = dict.fromkeys(f"n {measured.n}" for measured in record.metrics.values())
    against = dict.fromkeys(m.reference for m in record.metrics.values() if m.reference)
    versions = ", ".join(f"{name} {value}" for name, value in one.versions.items())
    rows = [
        ("Weights", f"{record.repo} @ {record.revision}"),
        ("Revision in short", short_revision(record)),
        ("Data", f"sha256:{record.data_sha256}" if record.data_sha256 else "not known"),
        ("Run", f"{record.held}, profile {record.profile}, seed {record.seed}"),
        ("Samples", ", ".join(counts)),
        ("Source", f"{record.source}, {record.scale}, on {one.device}"),
        ("PrivLeak is set against", "; ".join(against)),
        ("Versions", versions),
        ("Rows kept", str(one.rows) if one.rows else ""),
        ("Notes", " ".join(record.notes or ())),
    ]
    return [(name, value) for name, value in rows if value]
