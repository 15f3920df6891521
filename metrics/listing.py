"""Stored records as lines for the terminal; never opens the store."""

from collections.abc import Sequence
from itertools import islice

from metrics.export.columns import Column, as_column, find_columns, short_revision
from metrics.metric import Metric
from metrics.reading.comparison import Comparison, Missing
from metrics.reading.numerals import probability
from metrics.reading.pairing import Change, Pair, changed, compare_pair, shared_metrics
from metrics.registry import HEADLINE, find_metric
from metrics.results import AnySample, LikelihoodSample
from metrics.store.records import Stored, as_results, say_date, say_stored
from metrics.tables import DASH, table

SHOWN = 200  # signs of a long prompt
FACTS = ("id", "stored", "family", "model", "precision", "profile")
ORIGIN = ("seed", "revision", "source", "scale", "device", "rows")


def list_lines(stored: Sequence[Stored]) -> list[str]:
    """An aligned table, one line per record: the headline's values, each with its n."""
    columns = [as_column(metric) for metric in HEADLINE]
    head = [*FACTS, *(column.label for column in columns), "more", *ORIGIN]
    return _aligned([head, *(_line(one, columns) for one in stored)])


def describe_record(stored: Stored, samples: int) -> list[str]:
    """A record in full, and the first `samples` of each metric."""
    lines = [f"{stored.name}: {_when(stored)}", *_facts(stored), ""]
    if stored.record.metrics:
        lines += [table(as_results([stored]), None), ""]
    for column in find_columns([stored]):
        measured = stored.record.metrics[column.key]
        against = f", set against {measured.reference}" if measured.reference else ""
        date = say_date(stored.dates.get(column.key, stored.created))
        lines.append(f"{column.label}: n {measured.n}, {date}{against}")
        for sample in islice(measured.samples, samples):
            lines += ["", *_sample(sample)]
    return lines


def describe_pair(pair: Pair, samples: int) -> list[str]:
    """Two records side by side: each metric's test, then the `samples` that changed most."""
    lines = [f"A  {_who(pair.one)}", f"B  {_who(pair.other)}", ""]
    metrics = shared_metrics(pair)
    if not metrics:
        return [*lines, "They have no metric in common."]
    found = compare_pair(pair)
    head = ["metric", "A", "B", "A − B", "95 % interval", "p", "p (Holm)", "n", "seen 4 in 5"]
    tested = {row.metric: row for row in found.made}
    lines += _aligned([head, *(_tested(pair, m, tested.get(m.key)) for m in metrics)])
    lines += ["", *(_untested(missing) for missing in found.missing)]
    if pair.one.record.data_sha256 == pair.other.record.data_sha256:
        for metric in metrics:
            lines += _changes(pair, metric, samples)
    return lines


def _line(one: Stored, columns: Sequence[Column]) -> list[str]:
    record = one.record
    more = len(set(record.metrics) - {column.key for column in columns})
    return [
        *(one.id, say_date(one.created), one.family, f"{record.model}{one.step}"),
        *(record.precision, record.profile),
        *(_cell(one, column) for column in columns),
        *(f"+{more}" if more else "", str(record.seed), short_revision(record)),
        *(record.source, record.scale, one.device, str(one.rows) if one.rows else ""),
    ]


def _cell(one: Stored, column: Column) -> str:
    measured = one.record.metrics.get(column.key)
    return DASH if measured is None else f"{column.number(measured.value)} (n {measured.n})"


def _when(stored: Stored) -> str:
    if not stored.record.metrics:
        return f"begun {say_date(stored.created)}, half-finished"
    if stored.read_only:
        return f"recorded, {say_date(stored.created)}"
    return say_stored(stored.created)


def _facts(stored: Stored) -> list[str]:
    record = stored.record
    versions = ", ".join(f"{name} {value}" for name, value in stored.versions.items())
    facts = [
        ("family", f"{stored.family} ({record.scale})"),
        ("weights", f"{record.repo} @ {record.revision}"),
        ("run", f"{record.held}, profile {record.profile}, seed {record.seed}"),
        ("source", f"{record.source}, on {stored.device}"),
        ("data", f"sha256:{record.data_sha256}"),
        ("versions", versions),
        ("rows kept", str(stored.rows)),
        *(("note", note) for note in record.notes or ()),
    ]
    return [f"  {name:<10}{value}" for name, value in facts]


def _who(stored: Stored) -> str:
    record = stored.record
    return (
        f"{stored.name}, {stored.family} ({record.scale}), {record.revision}, profile "
        f"{record.profile}, seed {record.seed}, {record.source} {say_date(stored.created)}"
    )


def _tested(pair: Pair, metric: Metric, row: Comparison | None) -> list[str]:
    column = as_column(metric)
    values = [
        column.number(side.record.metrics[metric.key].value) for side in (pair.one, pair.other)
    ]
    if row is None:
        return [metric.label, *values, *[DASH] * 6]
    low, high = (column.number(end) for end in row.ci95)
    return [
        *(metric.label, *values, column.number(row.difference), f"{low} to {high}"),
        *(probability(row.p), probability(row.p_holm), str(row.n)),
        DASH if row.detectable is None else column.number(row.detectable),
    ]


def _untested(missing: Missing) -> str:
    return f"{find_metric(missing.metric).label} is not tested: {missing.reason}"


def _changes(pair: Pair, metric: Metric, samples: int) -> list[str]:
    found = [change for change in changed(pair, metric) if change.by][:samples]
    if not found:
        return []
    lines = ["", f"{metric.label}: the {metric.noun} that changed most"]
    for change in found:
        lines += ["", *_change(change)]
    return lines


def _change(change: Change) -> list[str]:
    one, other = change.one, change.other
    scores = f"{one.id}: A {one.score:.3f}, B {other.score:.3f} ({change.by:+.3f})"
    if isinstance(one, LikelihoodSample) or isinstance(other, LikelihoodSample):
        return [scores]
    texts = (
        ("prompt", _end(one.prompt)),
        ("truth", one.reference),
        ("A says", one.output),
        ("B says", other.output),
    )
    return [scores, *(_text(name, text) for name, text in texts)]


def _end(prompt: str) -> str:
    """A prompt of ten examples, cut to its end."""
    return prompt if len(prompt) <= SHOWN else f"… {prompt[-SHOWN:]}"


def _sample(sample: AnySample) -> list[str]:
    if isinstance(sample, LikelihoodSample):
        return [f"{sample.id} ({sample.split}): {sample.score:.3f}"]
    texts = (("prompt", sample.prompt), ("truth", sample.reference), ("says", sample.output))
    return [f"{sample.id}: {sample.score:.3f}", *(_text(name, text) for name, text in texts)]


def _text(name: str, text: str) -> str:
    """Text of a model or of data in one line: it cannot move the cursor or colour the terminal."""
    plain = "".join(sign if sign.isprintable() else " " for sign in " ".join(text.split()))
    return f"  {name:<7} {plain}"


def _aligned(rows: Sequence[Sequence[str]]) -> list[str]:
    widths = [max(len(cell) for cell in column) for column in zip(*rows, strict=True)]
    return [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    ]
