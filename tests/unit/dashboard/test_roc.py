"""The ROC curves by the data they draw."""

from dashboard.board import Board, CellKey
from dashboard.results.roc import ATTACKS, roc_figure
from metrics.formulas.privleak import PRIVLEAK
from tests.unit.dashboard.sight import FAMILY, leaked


def test_a_perfect_attack_goes_up_before_it_goes_right_and_is_named_by_its_area() -> None:
    board = Board("finished", {CellKey("npo", "privleak"): leaked(-100.0, 0.0)})
    figure = roc_figure(FAMILY, board, PRIVLEAK)
    chance, npo = figure["data"]
    assert (chance["x"], chance["y"]) == ([0, 100], [0, 100])
    assert (npo["x"], npo["y"]) == ([0.0, 0.0, 100.0], [0.0, 100.0, 100.0])
    (name,) = figure["layout"]["annotations"]
    assert name["text"] == "NPO 1.00"
    assert figure["description"] == "PrivLeak, area under the curve: NPO 1.00."


def test_a_number_that_is_still_growing_has_no_curve_yet() -> None:
    key = CellKey("npo", "privleak")
    board = Board("running", {key: leaked(-100.0, 0.0)}, unfinished=frozenset({key}))
    assert len(roc_figure(FAMILY, board, PRIVLEAK)["data"]) == 1


def test_every_attack_has_a_curve() -> None:
    assert [metric.key for metric in ATTACKS] == [
        "privleak",
        "privleak_loss",
        "privleak_zlib",
        "privleak_min_k_pp",
        "privleak_reference",
    ]
