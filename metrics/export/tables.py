"""The report's tables of a batch of records: their numbers, and how they differ; HTML of data."""

from collections.abc import Sequence

from metrics.export.columns import (
    Column,
    count_samples,
    find_references,
    short_revision,
)
from metrics.export.groups import Batch
from metrics.export.svg import esc
from metrics.reading.comparison import Comparison, compare
from metrics.reading.meaning import interpret
from metrics.reading.numerals import MINUS
from metrics.registry import METRICS, find_metric
from metrics.results import Measurement
from metrics.store.records import Stored, as_results

ARROWS = {"low": "↓", "high": "↑", "zero": "→ 0", None: ""}
WORDS = {"low": "low is best", "high": "high is best", "zero": "zero is best", None: ""}


def source_line(batch: Batch) -> str:
    """Where the numbers of a batch come from, as HTML."""
    one, record = batch.first, batch.first.record
    sources = ", ".join(dict.fromkeys(other.record.source for other in batch.stored))
    devices = ", ".join(dict.fromkeys(other.device for other in batch.stored))
    return esc(
        f"{one.family} ({record.scale}) · {record.held} · {sources} · profile "
        f"{record.profile} · device {devices} · seed {record.seed} · data sha256:"
        f"{record.data_sha256[:12]}"
    )


def numbers_table(batch: Batch, columns: Sequence[Column], names: dict[str, str]) -> str:
    """A row per record: value, interval, distance to the retrained model; a dash where none is."""
    heads = "".join(
        f'<th scope="col">{esc(column.label)} {ARROWS[column.best]}'
        f'<span class="under">{WORDS[column.best]}, n {count_samples(batch.stored, column)}'
        "</span></th>"
        for column in columns
    )
    rows = "".join(_row(batch, one, columns, names) for one in batch.stored)
    references = "; ".join(find_references(batch.stored, columns))
    against = f" · set against {esc(references)}" if references else ""
    return (
        f'<div class="card"><table><caption>{source_line(batch)}{against}</caption>'
        f'<thead><tr><th scope="col">Model</th>{heads}</tr></thead>'
        f"<tbody>{rows}</tbody></table></div>\n"
    )


def _row(batch: Batch, one: Stored, columns: Sequence[Column], names: dict[str, str]) -> str:
    record = one.record
    cells = "".join(_cell(batch, one, column) for column in columns)
    return (
        f'<tr><th scope="row">{letter(one)}{esc(names[one.id])}<span class="under">'
        f"{esc(record.precision)} · {esc(short_revision(record))} · {esc(record.source)}</span>"
        f"</th>{cells}</tr>"
    )


def letter(one: Stored) -> str:
    return (
        f'<span class="letter" style="background: var(--m-{one.id})">{esc(one.face.letter)}</span>'
    )


def _cell(batch: Batch, one: Stored, column: Column) -> str:
    measured = column.measured(one.record)
    if measured is None:
        return '<td>–<span class="under">not measured</span></td>'
    under = [column.interval(measured), *_beside(batch, one, column, measured)]
    said = "".join(f'<span class="under">{esc(text)}</span>' for text in under)
    return f"<td>{column.number(measured.value)}{said}</td>"


def _beside(batch: Batch, one: Stored, column: Column, measured: Measurement) -> list[str]:
    """What stands under a value and its interval."""
    said = []
    if measured.auc is not None:
        said.append(f"AUC {measured.auc:.3f}")
    if measured.exact is not None:
        said.append(f"exact match {measured.exact:.0f}")
    if measured.full is not None:
        said.append(f"{column.number(measured.full.value)} against {measured.full.reference}")
    ruler = column.measured(batch.retrained.record) if batch.retrained else None
    if ruler is not None and one is not batch.retrained and column.best != "zero":
        said.append(f"{_signed(column, measured.value - ruler.value)} to Retrained")
    return said


def comparison_table(
    batch: Batch, made: Sequence[Comparison], columns: Sequence[Column], names: dict[str, str]
) -> str:
    """Every model against one other, metric by metric, of comparisons that share their reference;
    empty where there are none."""
    models = dict.fromkeys(row.model for row in made)
    found = {(row.model, row.metric): row for row in made}
    known = [column for column in columns if any(row.metric == column.key for row in made)]
    if not known:
        return ""
    labels = {one.record.model: f"{letter(one)}{esc(names[one.id])}" for one in batch.stored}
    heads = "".join(f'<th scope="col">{esc(column.label)}</th>' for column in known)
    rows = "".join(
        f'<tr><th scope="row">{labels[model]}</th>'
        + "".join(_difference(found.get((model, column.key)), column) for column in known)
        + "</tr>"
        for model in models
    )
    return (
        f'<div class="card"><table><caption>Difference to {labels[made[0].against]} · paired '
        f"permutation tests, p after Holm over {made[0].tests} comparisons · {source_line(batch)}"
        "</caption>"
        f'<thead><tr><th scope="col">Model</th>{heads}</tr></thead><tbody>{rows}</tbody></table>'
        "</div>\n"
    )


def find_comparisons(batch: Batch) -> tuple[Comparison, ...]:
    """Every model against the retrained and the original one, tested; none where neither is there
    or a model is there twice."""
    retrained, original = batch.retrained, batch.original
    if not batch.is_one_run or (retrained is None and original is None):
        return ()
    return compare(
        as_results(batch.stored),
        METRICS,
        retrained.record.model if retrained else None,
        original.record.model if original else None,
        seed=batch.first.record.seed,
    ).made


def _difference(row: Comparison | None, column: Column) -> str:
    if row is None:
        return '<td>–<span class="under">not compared</span></td>'
    low, high = (column.number(end) for end in row.ci95)
    p = "p < .001" if row.p_holm < 0.001 else f"p = {row.p_holm:.3f}"
    under = (f"{low} to {high}", f"{p}, n {row.n}", interpret(row, find_metric(row.metric)))
    said = "".join(f'<span class="under">{esc(text)}</span>' for text in under)
    return f"<td>{_signed(column, row.difference)}{said}</td>"


def _signed(column: Column, value: float) -> str:
    text = column.number(value)
    return text if text[0] == MINUS else f"+{text}"
