"""Records as flat rows, one a number or one a sample, each with all that it depends on; and CSV."""

import csv
import io
import json
from collections.abc import Sequence
from typing import Literal

from metrics.registry import METRICS
from metrics.results import AnySample, LikelihoodSample, Measurement, Sample
from metrics.store.records import Stored

Rows = Literal["numbers", "samples"]
Value = str | int | float | None
Row = dict[str, Value]

ORIGIN: dict[str, type] = {
    "id": str,
    "family": str,
    "model": str,
    "label": str,
    "role": str,
    "step": int,
    "precision": str,
    "compute": str,
    "metric": str,
}
NUMBER: dict[str, type] = {
    "best": str,
    "value": float,
    "ci95_low": float,
    "ci95_high": float,
    "n": int,
    "auc": float,
    "exact": float,
    "reference": str,
    "full_value": float,
    "full_ci95_low": float,
    "full_ci95_high": float,
    "full_reference": str,
}
SAMPLE: dict[str, type] = {
    "sample": str,
    "score": float,
    "split": str,
    "prompt": str,
    "truth": str,
    "output": str,
}
PROVENANCE: dict[str, type] = {
    "source": str,
    "scale": str,
    "profile": str,
    "repo": str,
    "revision": str,
    "seed": int,
    "data_sha256": str,
    "device": str,
    "created": str,
    "versions": str,
    "notes": str,
}
COLUMNS: dict[Rows, dict[str, type]] = {
    "numbers": ORIGIN | NUMBER | PROVENANCE,
    "samples": ORIGIN | SAMPLE | PROVENANCE,
}
BEST = {metric.key: metric.best for metric in METRICS}


def make_rows(stored: Sequence[Stored], rows: Rows) -> list[Row]:
    """One row per number, or per sample behind it, the columns as in COLUMNS."""
    made: list[Row] = []
    for one in stored:
        for metric, measured in one.record.metrics.items():
            ends = _origin(one, metric), _provenance(one, metric)
            middle = [_number(metric, measured)]
            if rows == "samples":
                middle = [_sample(sample) for sample in measured.samples]
            made += [ends[0] | between | ends[1] for between in middle]
    return made


def write_csv(stored: Sequence[Stored], rows: Rows) -> bytes:
    """UTF-8 with a header; what is not known is an empty cell."""
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, list(COLUMNS[rows]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(make_rows(stored, rows))
    return text.getvalue().encode("utf-8")


def _origin(one: Stored, metric: str) -> Row:
    record = one.record
    return {
        "id": one.id,
        "family": one.family,
        "model": record.model,
        "label": one.face.label,
        "role": one.face.role,
        "step": record.step,
        "precision": record.precision,
        "compute": record.compute,
        "metric": metric,
    }


def _number(metric: str, measured: Measurement) -> Row:
    full = measured.full
    return {
        "best": BEST.get(metric),
        "value": measured.value,
        "ci95_low": measured.ci95[0],
        "ci95_high": measured.ci95[1],
        "n": measured.n,
        "auc": measured.auc,
        "exact": measured.exact,
        "reference": measured.reference,
        "full_value": full.value if full else None,
        "full_ci95_low": full.ci95[0] if full else None,
        "full_ci95_high": full.ci95[1] if full else None,
        "full_reference": full.reference if full else None,
    }


def _sample(sample: AnySample) -> Row:
    row: Row = dict.fromkeys(SAMPLE) | {"sample": sample.id, "score": sample.score}
    if isinstance(sample, LikelihoodSample):
        return row | {"split": sample.split}
    return row | _texts(sample)


def _texts(sample: Sample) -> Row:
    texts = {"prompt": sample.prompt, "truth": sample.reference, "output": sample.output}
    return {name: _whole(text) for name, text in texts.items()}


def _whole(text: str) -> str:
    """JSON can spell half a character, UTF-8 cannot."""
    return text.encode("utf-8", "replace").decode("utf-8")


def _provenance(one: Stored, metric: str) -> Row:
    record = one.record
    return {
        "source": record.source,
        "scale": record.scale,
        "profile": record.profile,
        "repo": record.repo,
        "revision": record.revision,
        "seed": record.seed,
        "data_sha256": record.data_sha256,
        "device": one.device,
        "created": one.dates.get(metric, one.created),
        "versions": json.dumps(dict(one.versions), sort_keys=True),
        "notes": " ".join(record.notes) if record.notes else None,
    }
