"""The charts, by the data they draw."""

from dataclasses import replace

from dashboard.board import CellKey
from dashboard.figures import bars, curves, scatter
from metrics import HEADLINE
from tests.unit.dashboard.sight import FAMILY, board, leaked, measured, said

BY_KEY = {metric.key: metric for metric in HEADLINE}


def test_a_curve_is_a_models_rouge_by_tokens_in_points() -> None:
    figure = curves(FAMILY, [said("original", 1.0), said("npo", 0.2)], 96)
    first, second = figure["data"]
    assert (first["name"], first["x"], first["y"]) == ("Original", [1, 2], [50.0, 100.0])
    assert second["line"]["color"] == "@npo"
    assert first["marker"]["symbol"] != second["marker"]["symbol"]
    assert figure["layout"]["xaxis"]["range"] == [0, 96]


def test_curves_are_labelled_at_their_end_without_overlap() -> None:
    answers = [said(model, 0.14) for model in ("retrained", "npo", "simnpo")]
    labels = curves(FAMILY, answers, 96)["layout"]["annotations"]
    assert [label["text"] for label in labels] == ["Retrained 14", "NPO 14", "SimNPO 14"]
    heights = sorted(label["y"] for label in labels)
    assert heights[1] - heights[0] >= 8
    assert heights[2] - heights[1] >= 8


def test_a_chart_says_in_words_what_it_shows() -> None:
    assert curves(FAMILY, [], 96)["description"] == "ROUGE-L to the true text so far: no run."
    assert "Original 100" in curves(FAMILY, [said("original", 1.0)], 96)["description"]
    assert "VerbMem: Original 98.6" in bars(FAMILY, board(original=98.6), HEADLINE)["description"]


def test_bars_have_their_intervals_and_retrained_is_a_dashed_line() -> None:
    figure = bars(FAMILY, board(original=98.0, retrained=14.0), HEADLINE)
    original = next(trace for trace in figure["data"] if trace["name"] == "Original")
    assert original["y"] == [98.0]
    assert original["error_y"]["array"] == [2.0]
    assert original["error_y"]["arrayminus"] == [2.0]
    (ruler,) = figure["layout"]["shapes"]
    assert (ruler["y0"], ruler["y1"], ruler["line"]["dash"]) == (14.0, 14.0, "dash")


def test_privleak_has_an_axis_of_its_own_around_zero() -> None:
    found = {CellKey("npo", "privleak"): leaked(-96.8, 0.02)}
    figure = bars(FAMILY, replace(board(), measurements=found), HEADLINE)
    (bar,) = figure["data"]
    assert (bar["yaxis"], bar["y"]) == ("y2", [-96.8])
    assert figure["layout"]["yaxis2"]["range"] == [-104, 104]


def test_the_scatter_needs_both_numbers_and_draws_retrained_as_a_star() -> None:
    both = board(retrained=14.0, npo=15.0)
    found = {**both.measurements, CellKey("retrained", "knowmem_r"): measured(99.0)}
    figure = scatter(
        FAMILY, replace(both, measurements=found), BY_KEY["verbmem_f"], BY_KEY["knowmem_r"]
    )
    (star,) = figure["data"]
    assert (star["x"], star["y"], star["marker"]["symbol"]) == ([14.0], [99.0], "star-open")
    assert figure["layout"]["xaxis"]["range"][0] > figure["layout"]["xaxis"]["range"][1]


def test_zoom_is_kept_between_updates_by_one_name() -> None:
    first, second = (bars(FAMILY, board(npo=value), HEADLINE)["layout"] for value in (1.0, 2.0))
    assert first["uirevision"] == second["uirevision"] != ""


def test_every_model_has_its_colour_in_light_and_dark() -> None:
    palette = curves(FAMILY, [], 96)["palette"]
    assert palette["light"]["original"] == "#D55E00"
    assert palette["dark"]["original"] == "#ff8a3d"
