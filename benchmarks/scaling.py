"""How the suite's time grows with rows and with models, and that its memory does not grow.

A straight line is fitted to seconds over n; R² is the share of their variance that it explains.
"""

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from statistics import median
from typing import Any

import numpy as np

from benchmarks.figure import Figure, named
from benchmarks.fresh import Fresh, fresh_suite
from benchmarks.models import ready_engine
from benchmarks.race import race, seconds
from benchmarks.rows import of_length
from benchmarks.setting import Setting, device_words
from benchmarks.suite import headline, retrained
from loaders import Family
from metrics import Results, load_data

STRAIGHT = 0.98
FLAT = 1.1
WARM_UP_ROWS = 1


@dataclass(frozen=True)
class Line:
    """seconds ≈ slope · n + start; `r2` in 0–1."""

    slope: float
    start: float
    r2: float


def fit(counts: Sequence[int], times: Sequence[float]) -> Line:
    """The least-squares line through `times` over `counts`; needs two different counts."""
    slope, start = np.polyfit(counts, times, 1)
    rest = np.asarray(times) - (slope * np.asarray(counts) + start)
    spread = np.asarray(times) - np.mean(times)
    return Line(float(slope), float(start), float(1 - (rest @ rest) / (spread @ spread)))


def measure(setting: Setting) -> Iterator[Figure]:
    """Models in one engine, then rows and memory in fresh processes, at every precision."""
    for precision in setting.precisions:
        yield models_figure(_model_laps(setting, precision), precision, setting.size.rows_per_model)
        passes = _passes(setting, precision)
        yield rows_figure(passes, precision)
        yield memory_figure(passes, precision)


def _passes(setting: Setting, precision: str) -> list[list[Fresh]]:
    """Each pass goes through all row counts, one process each."""
    size, name = setting.size, setting.family.name
    return [
        [fresh_suite(name, precision, rows) for rows in size.row_counts] for _ in range(size.passes)
    ]


def _model_laps(setting: Setting, precision: str) -> dict[int, list[float]]:
    """Seconds by number of models, lap by lap; one row first, to warm up."""
    size = setting.size
    family = widened(setting.family, max(size.model_counts))
    engine, data = ready_engine(family, precision), load_data(family)
    keys = tuple(spec.key for spec in family.models)

    def contenders(rows: int) -> dict[str, Callable[[], Results]]:
        some = of_length(data, rows)
        return {
            str(n): partial(headline, engine, family, some, keys[:n]) for n in size.model_counts
        }

    race(contenders(WARM_UP_ROWS), 1)
    laps = race(contenders(size.rows_per_model), size.repeats)
    return {int(count): times for count, times in seconds(laps).items()}


def models_figure(laps: Mapping[int, Sequence[float]], precision: str, rows: int) -> Figure:
    """Seconds over the number of models, of `rows` rows."""
    counts = list(laps)
    times = [list(found) for found in zip(*laps.values(), strict=True)]
    line = fit(counts, _medians(times))
    return _line_figure(
        "scaling_models",
        f"{rows} rows, four metrics, models loaded already",
        [fit(counts, found) for found in times],
        precision,
        note=f"R² of a straight line; {line.slope:.2f} s a model {_signed(line.start)} s",
        details={
            "seconds_per_model": round(line.slope, 4),
            "start_seconds": round(line.start, 4),
            "rows": rows,
            "models": counts,
            "seconds": times,
        },
    )


def rows_figure(passes: Sequence[Sequence[Fresh]], precision: str) -> Figure:
    """Seconds over rows, of one model."""
    counts = [run.rows for run in passes[0]]
    times = [[run.seconds for run in found] for found in passes]
    line = fit(counts, _medians(times))
    return _line_figure(
        "scaling_rows",
        "one model, four metrics, a fresh process for each row count",
        [fit(counts, found) for found in times],
        precision,
        note=f"R² of a straight line; {1000 * line.slope:.1f} ms a row {_signed(line.start)} s",
        details={
            "ms_per_row": round(1000 * line.slope, 3),
            "start_seconds": round(line.start, 4),
            "rows": counts,
            "seconds": [[round(value, 4) for value in found] for found in times],
        },
    )


def memory_figure(passes: Sequence[Sequence[Fresh]], precision: str) -> Figure:
    """The peak at the most rows over the peak at the middle row count, where batches are full."""
    counts = [run.rows for run in passes[0]]
    peaks = [[run.peak_bytes for run in found] for found in passes]
    middle, mib = len(counts) // 2, [round(peak / 2**20) for peak in peaks[-1]]
    return Figure(
        name=named("scaling_memory", precision),
        unit="ratio",
        runs=tuple(found[-1] / found[middle] for found in peaks),
        bound="at most",
        target=FLAT,
        baseline=f"peak resident memory at {counts[middle]} rows",
        device=device_words(precision, os.cpu_count()),
        note=f"{mib[0]}–{mib[-1]} MiB at {counts[0]}–{counts[-1]} rows",
        details={"rows": counts, "peak_bytes": peaks},
    )


def _line_figure(
    name: str,
    baseline: str,
    lines: Sequence[Line],
    precision: str,
    note: str,
    details: dict[str, Any],
) -> Figure:
    return Figure(
        name=named(name, precision),
        unit="ratio",
        runs=tuple(line.r2 for line in lines),
        bound="at least",
        target=STRAIGHT,
        baseline=baseline,
        device=device_words(precision, os.cpu_count()),
        note=note,
        details=details,
    )


def _signed(number: float) -> str:
    """`number` as it is added: "+ 0.12" or "− 0.12"."""
    return f"{'−' if round(number, 2) < 0 else '+'} {abs(number):.2f}"


def _medians(times: Sequence[Sequence[float]]) -> list[float]:
    """The median of each column: of one count, over all laps."""
    return [median(column) for column in zip(*times, strict=True)]


def widened(family: Family, count: int) -> Family:
    """`count` models on the folders of `family`, the retrained one first.

    A folder that comes again is an unlearned model under a key of its own: a family has one
    retrained model and no two equal keys.
    """
    first = family.model(retrained(family))
    specs = [first, *(spec for spec in family.models if spec is not first)]
    models = []
    for number in range(count):
        turn, place = divmod(number, len(specs))
        spec = specs[place]
        again = replace(spec, key=f"{spec.key}_{turn}", role="unlearned")
        models.append(again if turn else spec)
    return replace(family, models=tuple(models))
