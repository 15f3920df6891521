"""The report's charts of a batch of records, with their captions; how a chart is drawn is `svg`'s
to know."""

from collections.abc import Sequence

from metrics.export.columns import Column, count_samples, short_revision
from metrics.export.groups import Batch
from metrics.export.svg import Dot, Mark, bar_chart, dot_chart, esc
from metrics.results import Measurement
from metrics.store.records import Stored

STEP = {True: 0.25, False: 25}  # to which the end of an axis is rounded


def draw_bars(batch: Batch, columns: Sequence[Column], names: dict[str, str], line: str) -> str:
    """A small chart per metric, the retrained model's value as a dashed line; `line` is HTML that
    says where the numbers come from."""
    figures = "".join(_bars(batch, column, names) for column in columns)
    return (
        f'<div class="card"><div class="charts">{figures}</div><p class="soft">Bars with 95&nbsp;% '
        f"intervals; dashed: Retrained. {line}</p></div>\n"
    )


def draw_dots(batch: Batch, columns: Sequence[Column], names: dict[str, str], line: str) -> str:
    """Forgetting against utility: the first headline metric that is best low and the first that is
    best high; empty where one of them is missing."""
    headline = [column for column in columns if column.group == "headline"]
    forget = next((column for column in headline if column.best == "low"), None)
    utility = next((column for column in headline if column.best == "high"), None)
    if forget is None or utility is None:
        return ""
    dots = [
        Dot(across, up)
        for one in batch.stored
        if (across := _mark(one, forget, names)) and (up := _mark(one, utility, names))
    ]
    if not dots:
        return ""
    chart = dot_chart(dots, (forget.label, utility.label))
    counts = ", ".join(
        f"{esc(column.label)} n {count_samples(batch.stored, column)}"
        for column in (forget, utility)
    )
    return (
        f'<div class="card"><figure>{chart}<figcaption>Forgetting against utility, with 95&nbsp;% '
        f"intervals; {counts}. {line}</figcaption></figure></div>\n"
    )


def find_ends(column: Column, measured: Sequence[Measurement]) -> tuple[float, float]:
    """Where a metric's axis begins and ends: 0 to 100, around zero −100 to 100, 0 to 1 for one in
    shares; wider where a value is beyond."""
    values = [value for m in measured for value in (m.value, *m.ci95)]
    small = column.decimals > 1 and max(map(abs, values), default=0) <= 1
    top = 1.0 if small else 100.0
    step = STEP[small]
    high = max(top, -(-max(values, default=0) // step) * step)
    low = min(-top if column.best == "zero" else 0.0, min(values, default=0) // step * step)
    return low, high


def _bars(batch: Batch, column: Column, names: dict[str, str]) -> str:
    found = [(one, column.measured(one.record)) for one in batch.stored]
    ends = find_ends(column, [measured for _, measured in found if measured is not None])
    marks = [mark for one in batch.stored if (mark := _mark(one, column, names))]
    ruler = _mark(batch.retrained, column, names) if batch.retrained else None
    return (
        f"<figure>{bar_chart(marks, ends, ruler)}<figcaption><b>{esc(column.label)}</b>, n "
        f"{count_samples(batch.stored, column)}</figcaption></figure>"
    )


def _mark(one: Stored, column: Column, names: dict[str, str]) -> Mark | None:
    measured = column.measured(one.record)
    if measured is None:
        return None
    record, value = one.record, column.number(measured.value)
    return Mark(
        letter=one.face.letter,
        label=names[one.id],
        colour=f"var(--m-{one.id})",
        value=measured.value,
        low=measured.ci95[0],
        high=measured.ci95[1],
        text=value,
        heard=f"{names[one.id]}: {column.label} {value} ({column.interval(measured)}), "
        f"n {measured.n}, {record.precision}, revision {short_revision(record)}, "
        f"{record.source}, {record.scale}",
    )
