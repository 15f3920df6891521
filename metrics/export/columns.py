"""The metrics of some records as columns, and their numbers as text; for paper and the report."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from loaders.checkpoint import shorten
from metrics.metric import Best, Group, Metric
from metrics.reading.numerals import number
from metrics.registry import METRICS
from metrics.results import Measurement, Record
from metrics.store.records import Stored


@dataclass(frozen=True)
class Column:
    """One metric as it is shown. `best` and `group` are None for one this version does not know."""

    key: str
    label: str
    explains: str
    best: Best | None
    group: Group | None
    decimals: int

    def number(self, value: float) -> str:
        """A value as it is written, with the metric's decimals."""
        return number(value, self.decimals)

    def interval(self, measured: Measurement) -> str:
        """The 95 % interval: "12.0 to 18.2"; none where a summary without samples was imported."""
        if not measured.n:
            return "no interval"
        low, high = measured.ci95
        return f"{self.number(low)} to {self.number(high)}"

    def measured(self, record: Record) -> Measurement | None:
        """This metric's number in a record, where there is one."""
        return record.metrics.get(self.key)


def find_columns(stored: Iterable[Stored]) -> tuple[Column, ...]:
    """A column for every metric that one of the records has a number of; ours in our order."""
    found = dict.fromkeys(key for one in stored for key in one.record.metrics)
    known = [as_column(metric) for metric in METRICS if metric.key in found]
    ours = {column.key for column in known}
    other = [Column(key, key, "", None, None, 1) for key in found if key not in ours]
    return (*known, *other)


def as_column(metric: Metric) -> Column:
    """A metric of this version as a column."""
    return Column(
        key=metric.key,
        label=metric.label,
        explains=metric.explains,
        best=metric.best,
        group=metric.group,
        decimals=metric.decimals,
    )


def count_samples(stored: Sequence[Stored], column: Column) -> str:
    """n of a metric over the records: "100", or "4 / 100" where they differ."""
    found = (column.measured(one.record) for one in stored)
    counts = sorted({measured.n for measured in found if measured is not None})
    return " / ".join(str(count) for count in counts)


def find_references(stored: Sequence[Stored], columns: Sequence[Column]) -> tuple[str, ...]:
    """What PrivLeak and its kin are set against, each once."""
    found = (column.measured(one.record) for one in stored for column in columns)
    names = dict.fromkeys(m.reference for m in found if m is not None and m.reference)
    return tuple(name for name in names if name)


def name_rows(stored: Sequence[Stored]) -> dict[str, str]:
    """What to call each record by its id: its label, with the id where two would be the same."""
    names = [f"{one.face.label}{one.step}" for one in stored]
    alike = [
        (name, one.record.precision, one.family) for one, name in zip(stored, names, strict=True)
    ]
    return {
        one.id: f"{name} ({one.id})" if alike.count(label) > 1 else name
        for one, name, label in zip(stored, names, alike, strict=True)
    }


def short_revision(record: Record) -> str:
    """A revision in a few signs."""
    return shorten(record.revision)
