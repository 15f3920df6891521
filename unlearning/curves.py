"""Relearning curves as text for the terminal; never trains or measures."""

from collections.abc import Sequence

from metrics.results import Record, Results
from unlearning.relearn import REST, TAUGHT

DASH = "–"
PARTS = ((REST, "the passages that were not shown"), (TAUGHT, "the passages that were shown"))


def table(results: Results) -> str:
    """VerbMem ± half its 95 % interval, a line per step and a column per model, for either part."""
    parts = [f"VerbMem of {told} (n = {_count(results, key)})" for key, told in PARTS]
    grids = [_grid(results, key) for key, _ in PARTS]
    notes = dict.fromkeys(note for record in results.records for note in record.notes or ())
    blocks = ["\n".join([head, *grid]) for head, grid in zip(parts, grids, strict=True)]
    return "\n\n".join([_title(results), *blocks, "\n".join(notes)])


def _title(results: Results) -> str:
    first = results.records[0]
    facts = [
        f"family {results.family} ({first.scale})",
        first.source,
        first.precision,
        f"device {results.device}",
        f"seed {first.seed}",
        f"data sha256:{first.data_sha256[:12]}",
        results.created,
    ]
    return " · ".join(facts)


def _count(results: Results, key: str) -> int:
    return results.records[0].metrics[key].n


def _grid(results: Results, key: str) -> list[str]:
    models = list(dict.fromkeys(record.model for record in results.records))
    steps = sorted({record.step for record in results.records if record.step is not None})
    found = {(record.step, record.model): _cell(record, key) for record in results.records}
    body = [[str(step), *(found.get((step, model), DASH) for model in models)] for step in steps]
    return _aligned([["step", *models], *body])


def _cell(record: Record, key: str) -> str:
    measured = record.metrics[key]
    low, high = measured.ci95
    return f"{measured.value:.1f} ±{(high - low) / 2:.1f}"


def _aligned(rows: Sequence[Sequence[str]]) -> list[str]:
    widths = [max(len(cell) for cell in column) for column in zip(*rows, strict=True)]
    return [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    ]
