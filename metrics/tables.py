"""Results as text: aligned tables for the terminal and CSV; never computes a metric."""

from collections.abc import Iterator, Sequence
from itertools import groupby
from math import ceil

from metrics.formulas.collapse import flag_record
from metrics.formulas.knowmem import floor
from metrics.metric import Metric
from metrics.profile import MUSE, PROFILES
from metrics.registry import METRICS
from metrics.results import Measurement, Record, Results, Sample

DASH = "–"
COLUMNS = 5  # metrics side by side; the headline has as many
LARGE = 1e6  # from here on a value is shown as a power of ten


def table(results: Results, retrained: str | None) -> str:
    """One line per model and precision: value ± half its 95 % interval (distance to retrained).

    A block for each group of metrics, two for a wide one; the first has the revisions. Under them
    stands what there is to say of a model that has collapsed. `retrained` is the key of the
    retrained model, where the family has one. PrivLeak is a distance already and shows its AUC
    instead.
    """
    shown = [m for m in METRICS if any(m.key in record.metrics for record in results.records)]
    blocks = list(_blocks(shown)) or [[]]
    lines = [_title(results)]
    for block in blocks:
        lines += [""] if len(blocks) == 1 else ["", block[0].group.upper()]
        lines += _block(results, block, retrained, block is blocks[0])
    legend = [_legend(retrained), *_floors(results, shown)]
    return "\n".join([*lines, "", *legend, *_flags(results, retrained)])


def csv(results: Results, retrained: str | None) -> str:
    """One line per model, precision and metric, with everything its number depends on."""
    import pandas

    rows = [
        _csv_row(results, record, key, measurement, retrained)
        for record in results.records
        for key, measurement in record.metrics.items()
    ]
    return str(pandas.DataFrame(rows).to_csv(index=False))


def distance(results: Results, record: Record, key: str, retrained: str | None) -> float | None:
    """The value of `record` minus the retrained model's at the same precision; None without one."""
    other = results.record(retrained, record.precision) if retrained else None
    if other is None or key not in other.metrics or key not in record.metrics:
        return None
    return record.metrics[key].value - other.metrics[key].value


def _title(results: Results) -> str:
    first = results.records[0]
    facts = [
        f"family {results.family} ({first.scale})",
        first.source,
        f"profile {first.profile}",
        f"device {results.device}",
        f"seed {first.seed}",
        f"data sha256:{first.data_sha256[:12]}",
        results.created,
    ]
    return " · ".join(facts)


def _blocks(shown: Sequence[Metric]) -> Iterator[list[Metric]]:
    """The metrics of each group, at most COLUMNS of them at a time and as even as can be."""
    for _, found in groupby(shown, key=lambda metric: metric.group):
        group = list(found)
        size = ceil(len(group) / ceil(len(group) / COLUMNS))
        yield from (group[start : start + size] for start in range(0, len(group), size))


def _block(
    results: Results, block: Sequence[Metric], retrained: str | None, revisions: bool
) -> list[str]:
    rows = [
        ["model", "precision", *(metric.label for metric in block), "revision"],
        ["best", "", *(metric.best for metric in block), ""],
        ["n", "", *(_counts(results, metric) for metric in block), ""],
        *(_line(results, record, block, retrained) for record in results.records),
    ]
    return _aligned(rows if revisions else [row[:-1] for row in rows])


def _flags(results: Results, retrained: str | None) -> list[str]:
    """A sentence for each model that no longer writes."""
    said = []
    for record in results.records:
        other = results.record(retrained, record.precision) if retrained else None
        if sentence := flag_record(record, other):
            said.append(f"{record.model} @ {record.precision}: {sentence}")
    return said


def _legend(retrained: str | None) -> str:
    against = f", (distance to {retrained} at the same precision)" if retrained else ""
    return f"value ± half the 95 % bootstrap interval{against}"


def _floors(results: Results, shown: Sequence[Metric]) -> list[str]:
    """What KnowMem gives for right answers to the wrong questions, and what EM means."""
    floors = {
        metric.label: floor(tuple(s.reference for s in measured.samples if isinstance(s, Sample)))
        for metric in shown
        for record in results.records
        if (measured := record.metrics.get(metric.key)) is not None
        and measured.exact is not None
        and measured.n > 1
    }
    if not floors:
        return []
    told = ", ".join(f"{label} {value:.1f}" for label, value in floors.items())
    return [f"EM: exact match; floor, the answers shuffled among the questions: {told}"]


def _counts(results: Results, metric: Metric) -> str:
    counts = {r.metrics[metric.key].n for r in results.records if metric.key in r.metrics}
    return " / ".join(str(count) for count in sorted(counts))


def _line(
    results: Results, record: Record, shown: Sequence[Metric], retrained: str | None
) -> list[str]:
    cells = [_cell(results, record, metric, retrained) for metric in shown]
    return [record.model, record.precision, *cells, record.revision]


def _cell(results: Results, record: Record, metric: Metric, retrained: str | None) -> str:
    measurement = record.metrics.get(metric.key)
    if measurement is None:
        return DASH
    low, high = measurement.ci95
    value, half = (_number(x, metric.decimals) for x in (measurement.value, (high - low) / 2))
    text = f"{value} ±{half}" if measurement.n else f"{value} (no interval)"
    if measurement.auc is not None:
        return f"{text} (AUC {_shown_auc(record, measurement.auc):.3f})"
    if measurement.exact is not None:
        text = f"{text} EM {measurement.exact:.0f}"
    away = distance(results, record, metric.key, retrained)
    if away is None or record.model == retrained:
        return text
    return f"{text} ({_number(away, metric.decimals, '+')})"


def _number(value: float, decimals: int, sign: str = "") -> str:
    """No minus sign where it rounds to nothing."""
    text = format(value, f"{sign}.{decimals}f" if abs(value) < LARGE else f"{sign}.1e")
    return text if float(text) else text.replace("-", sign)


def _shown_auc(record: Record, auc: float) -> float:
    """As the record's profile shows it; as it is stored where the profile is none of ours."""
    profile = next((one for one in PROFILES if one.name == record.profile), MUSE)
    return profile.shown_auc(auc)


def _aligned(rows: Sequence[Sequence[str]]) -> list[str]:
    widths = [max(len(cell) for cell in column) for column in zip(*rows, strict=True)]
    return [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    ]


def _csv_row(
    results: Results, record: Record, key: str, measurement: Measurement, retrained: str | None
) -> dict[str, str | int | float | None]:
    return {
        "family": results.family,
        "model": record.model,
        "precision": record.precision,
        "compute": record.compute,
        "metric": key,
        "value": measurement.value,
        "ci95_low": measurement.ci95[0],
        "ci95_high": measurement.ci95[1],
        "n": measurement.n,
        "distance_to_retrained": distance(results, record, key, retrained),
        "auc": measurement.auc,
        "reference": measurement.reference,
        "exact": measurement.exact,
        "source": record.source,
        "scale": record.scale,
        "profile": record.profile,
        "repo": record.repo,
        "revision": record.revision,
        "seed": record.seed,
        "data_sha256": record.data_sha256,
        "device": results.device,
        "created": results.created,
    }
