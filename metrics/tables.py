"""Results as text: an aligned table for the terminal and CSV; never computes a metric."""

from collections.abc import Sequence

from metrics.knowmem import floor
from metrics.metric import Metric
from metrics.registry import METRICS
from metrics.results import Measurement, Record, Results, Sample

DASH = "–"


def table(results: Results, retrained: str | None) -> str:
    """One line per model and precision: value ± half its 95 % interval (distance to retrained).

    `retrained` is the key of the retrained model, where the family has one. PrivLeak is a
    distance already and shows its AUC instead.
    """
    shown = [m for m in METRICS if any(m.key in record.metrics for record in results.records)]
    head = [
        ["model", "precision", *(metric.label for metric in shown), "revision"],
        ["best", "", *(metric.best for metric in shown), ""],
        ["n", "", *(_counts(results, metric) for metric in shown), ""],
    ]
    body = [_line(results, record, shown, retrained) for record in results.records]
    legend = [_legend(retrained), *_floors(results, shown)]
    return "\n".join([_title(results), "", *_aligned([*head, *body]), "", *legend])


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
    cells = [_cell(results, record, metric.key, retrained) for metric in shown]
    return [record.model, record.precision, *cells, record.revision]


def _cell(results: Results, record: Record, key: str, retrained: str | None) -> str:
    measurement = record.metrics.get(key)
    if measurement is None:
        return DASH
    digits = 1 if key != "fluency" else 2
    low, high = measurement.ci95
    text = f"{measurement.value:.{digits}f} ±{(high - low) / 2:.{digits}f}"
    if measurement.auc is not None:
        return f"{text} (AUC {measurement.auc:.3f})"
    if measurement.exact is not None:
        text = f"{text} EM {measurement.exact:.0f}"
    away = distance(results, record, key, retrained)
    return text if away is None or record.model == retrained else f"{text} ({away:+.{digits}f})"


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
