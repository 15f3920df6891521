"""Numbers in the READMEs are those of the files that they are said to come from."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from dashboard.sweep.words import describe_sweep
from loaders import PRECISIONS, load_family
from metrics import HEADLINE, Measurement, Record, Results, from_json, load_data
from metrics.choosing.trials import Trial, read_trials
from metrics.files import read_text
from unlearning.library.books import SPLITS, load_book

ROOT = Path(__file__).parent.parent.parent
DEMO = ROOT / "assets" / "demo"
HEAD = (
    "| {precision}, toy | VerbMem Df ↓ | KnowMem Df ↓ (EM) | PrivLeak → 0 (AUC) "
    "| KnowMem Dr ↑ (EM) | Fluency ↑ |"
)


@pytest.fixture(scope="module")
def results() -> Results:
    return from_json(read_text(DEMO / "results.json.gz"))


def cell(key: str, measured: Measurement) -> str:
    """A number as the tables write it: value ± half the interval, and what stands beside it."""
    digits = 2 if key == "fluency" else 1
    low, high = measured.ci95
    text = f"{measured.value:.{digits}f} ± {(high - low) / 2:.{digits}f}".replace("-", "−")
    if measured.auc is not None:
        return f"{text} ({measured.auc:.3f})"
    return text if measured.exact is None else f"{text} ({measured.exact:.0f})"


def line(record: Record) -> str:
    label = load_family("demo-tuned").model(record.model).label
    cells = [cell(metric.key, record.metrics[metric.key]) for metric in HEADLINE]
    return f"| {' | '.join([label, *cells])} |"


def markdown(results: Results, precision: str) -> str:
    """The table of one precision as it stands in the READMEs."""
    rows = [line(record) for record in results.records if record.precision == precision]
    return "\n".join([HEAD.format(precision=precision.upper()), "|---" * 6 + "|", *rows])


@pytest.mark.parametrize(
    ("page", "precision"),
    [("README.md", "nf4"), ("assets/demo/README.md", "nf4"), ("assets/demo/README.md", "fp32")],
)
def test_the_tables_are_the_recorded_results(page: str, precision: str, results: Results) -> None:
    assert markdown(results, precision) in (ROOT / page).read_text(encoding="utf-8")


def test_the_recorded_results_are_of_the_data_that_is_shipped(results: Results) -> None:
    wanted = load_data(load_family("demo-tuned")).sha256
    assert {record.data_sha256 for record in results.records} == {wanted}
    assert {record.precision for record in results.records} == set(PRECISIONS)


FIGURES = {
    "suite_vs_reference": "Headline metrics of four models, over one prompt at a time",
    "suite_vs_batched": "Headline metrics of four models, over batches in data order",
    "stream_vs_threads": "Four panes at once, over four threads of `generate`",
    "stream_vs_sequential": "Four panes at once, over four calls in turn",
    "stream_vs_floor": "Four panes at once, time over that of bare forward passes",
    "visitors_8": "8 visitors at once, over one after the other",
    "visitors_30": "30 visitors at once, over one after the other",
    "start_page": "From start to page",
    "start_ready": "From start to four models ready",
}


def figure(found: dict[str, Any]) -> str:
    """A median with its unit; what a target is missed by is for all to see."""
    text = f"{found['ratio']:.1f} ×" if "ratio" in found else f"{found['seconds']:.1f} s"
    if found["met"]:
        return text
    return f"{text} ({'texts differ' if found['misses'] else 'missed'})"


def speed_line(key: str, words: str, figures: dict[str, Any]) -> str:
    full, bits = figures[key], figures.get(f"{key}_nf4")
    sign = "≥" if full["bound"] == "at least" else "≤"
    cells = [words, figure(full), figure(bits) if bits else "", f"{sign} {full['target']:g}"]
    return f"| {' | '.join(cells)} |"


def test_the_table_of_speeds_is_what_was_measured() -> None:
    figures = json.loads((ROOT / "benchmarks" / "results" / "latest.json").read_text("utf-8"))
    lines = [speed_line(key, words, figures) for key, words in FIGURES.items()]
    assert "\n".join(lines) in (ROOT / "README.md").read_text(encoding="utf-8")


def test_what_is_said_of_speed_is_what_was_measured() -> None:
    found = json.loads((ROOT / "benchmarks" / "results" / "latest.json").read_text("utf-8"))
    readme = " ".join((ROOT / "README.md").read_text(encoding="utf-8").split())
    ways = {key: found[f"suite_vs_{key}_nf4"]["details"] for key in ("reference", "batched")}
    alike = {key: f"{100 * way['agreement']['identical_share']:.0f} %" for key, way in ways.items()}
    others = ways["reference"]["agreement_of_the_rivals"]["identical_share"]
    waits = [
        found[f"visitors_30{end}"]["details"]["p95_first_token_seconds"]["together"]
        for end in ("", "_nf4")
    ]
    assert (
        f"the two other ways share {100 * others:.0f} % of their texts, ours {alike['reference']} "
        f"with one and {alike['batched']} with the other"
    ) in readme
    assert f"within {waits[0]:.2f} s in fp32 and {waits[1]:.2f} s in nf4" in readme
    assert all(way["agreement"]["largest_difference_points"] < 1 for way in ways.values())
    agreement = found["suite_vs_reference"]["details"]["agreement"]
    assert (agreement["identical_share"], agreement["largest_difference_points"]) == (1, 0)


def last_steps() -> list[Trial]:
    trials = read_trials(DEMO / "trajectories.csv")
    return [max((t for t in trials if t.method == m), key=lambda t: t.steps) for m in methods()]


def methods() -> list[str]:
    return [m.key for m in load_family("demo-tuned").models if m.role == "unlearned"]


@pytest.mark.parametrize("place", range(len(methods())), ids=methods())
def test_a_trajectory_ends_where_the_shipped_model_is(place: int, results: Results) -> None:
    trial = last_steps()[place]
    record = results.record(trial.method, "fp32")
    assert record is not None
    for key in ("verbmem_f", "knowmem_f", "privleak", "knowmem_r", "fluency"):
        low, high = record.metrics[key].ci95
        assert low <= getattr(trial, key) <= high


@pytest.mark.parametrize("page", ["README.md", "assets/demo/README.md"])
def test_what_is_said_of_the_sweep_is_what_its_trials_say(page: str) -> None:
    text = (ROOT / page).read_text(encoding="utf-8")
    for said in describe_sweep(read_trials(DEMO / "sweep.csv")):
        assert f"**{said.about}.** {said.text}" in text


def test_every_page_that_is_quoted_is_in_its_book() -> None:
    quoted = re.findall(r"^> (\S.*)$", (DEMO / "README.md").read_text("utf-8"), re.MULTILINE)
    books = [load_book(key) for keys in SPLITS.values() for key in keys]
    assert len(quoted) >= 3 * len(books)
    assert [text for text in quoted if not any(text in book.passages for book in books)] == []
