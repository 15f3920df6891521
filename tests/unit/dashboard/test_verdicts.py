"""What the tests of a run are made to say: in a cell, and on the card below the table."""

from dataclasses import replace

import pytest

from dashboard.board import Board
from dashboard.results.verdicts import compare_all, sure_card, verdict
from metrics import METRICS, Measurement, Record, Results, Sample
from metrics.formulas.verbmem import VERBMEM
from metrics.reading.comparison import Comparison, Comparisons, Missing
from metrics.registry import find_metric
from tests.unit.dashboard.sight import FAMILY

ROW = Comparison(
    model="npo",
    precision="nf4",
    metric="verbmem_f",
    against="retrained",
    role="retrained",
    ours=5.0,
    theirs=14.0,
    difference=-9.0,
    ci95=(-11.0, -7.0),
    p=0.001,
    p_holm=0.004,
    tests=25,
    detectable=3.1,
    n=100,
    noun="answers",
    points=True,
)


@pytest.mark.parametrize(
    ("metric", "difference", "model", "says"),
    [
        ("verbmem_f", -9.0, "npo", "over-forgot"),
        ("verbmem_f", 9.0, "npo", "under-forgot"),
        ("privleak", 9.0, "npo", "over-forgot"),
        ("privleak", -9.0, "npo", "under-forgot"),
        ("knowmem_r", -9.0, "npo", "utility lost"),
        ("perplexity_r", 9.0, "npo", "utility lost"),
        ("perplexity_r", -9.0, "npo", "nothing lost"),
        ("verbmem_f", 9.0, "original", "remembers more"),
        ("knowmem_r", -9.0, "original", "does less well"),
    ],
)
def test_too_much_is_said_as_plainly_as_too_little(
    metric: str, difference: float, model: str, says: str
) -> None:
    row = replace(ROW, metric=metric, difference=difference, model=model)
    assert verdict(FAMILY.model(model), row, find_metric(metric)) == says


def test_what_chance_explains_is_not_called_the_same() -> None:
    row = replace(ROW, p_holm=0.05)
    assert verdict(FAMILY.model("npo"), row, find_metric("verbmem_f")) == "no difference shown"


def card(*rows: Comparison | Missing) -> str:
    record = Record("npo", "", "", "nf4", "muse", "live", "toy", 0, "ab", {})
    results = Results("staged", "cpu", "2026-11-24T14:03:00+00:00", {}, (record,))
    found = Comparisons(
        tuple(row for row in rows if isinstance(row, Comparison)),
        tuple(row for row in rows if isinstance(row, Missing)),
    )
    board = Board("finished", results=results, comparisons=found)
    return sure_card(FAMILY, METRICS, board)


def test_the_card_says_the_difference_and_what_so_many_samples_can_tell() -> None:
    html = card(ROW)
    assert "NPO remembers 9.0 points less than Retrained (−11.0 to −7.0); p = .004" in html
    assert "only differences of 3.1 points or more would be seen 4 times in 5" in html
    assert "The least difference to Retrained that would be seen 4 times in 5: VerbMem 3.1" in html
    assert "over the 25 comparisons of the table" in html


def test_what_was_not_tested_has_its_reason_and_no_text_becomes_markup() -> None:
    html = card(Missing("npo", "nf4", "verbmem_f", "retrained", "<img src=x> ${y} is why"))
    assert "Not tested: &lt;img src=x&gt;" in html
    assert "<img" not in html
    assert "${" not in html


def test_there_is_no_card_before_the_tests() -> None:
    assert sure_card(FAMILY, METRICS, Board("running")) == ""


def test_each_table_is_corrected_by_itself() -> None:
    def record(model: str, score: float) -> Record:
        samples = tuple(Sample(f"s-{i}", "", "", "", score) for i in range(3))
        measured = Measurement(100 * score, (0.0, 100.0), 3, samples)
        metrics = {"verbmem_f": measured, "extraction_strength": measured}
        return Record(model, "", "", "nf4", "muse", "live", "toy", 0, "ab", metrics)

    run = Results("staged", "cpu", "", {}, (record("retrained", 0.2), record("npo", 0.4)))
    made = compare_all(FAMILY, run, (VERBMEM, find_metric("extraction_strength"))).made
    assert [(row.metric, row.tests) for row in made if row.role == "retrained"] == [
        ("verbmem_f", 1),
        ("extraction_strength", 1),
    ]
