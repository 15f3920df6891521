"""The chart of a sweep, by the data it draws."""

from typing import Any

import pytest

from dashboard.sweep.axes import make_panels, stretch
from dashboard.sweep.figure import sweep_figure
from dashboard.sweep.names import Box, Point, place_names
from tests.trials import RETRAINED, small_sweep, tried
from tests.unit.dashboard.sight import FAMILY

FIGURE = sweep_figure(FAMILY, small_sweep())
LAYOUT = FIGURE["layout"]


def traces(axis: str, name: str) -> list[dict[str, Any]]:
    return [t for t in FIGURE["data"] if t["xaxis"] == f"x{axis}" and t["name"] == name]


def texts() -> list[str]:
    return [note["text"] for note in LAYOUT["annotations"]]


def test_every_method_has_a_panel_and_the_last_place_is_the_key() -> None:
    titles = ["NPO", "SimNPO", "NPO on token means", "SimNPO on the token sum", "Gradient ascent"]
    assert [text for text in texts() if text in titles[:1] + titles[2:]].count("NPO") == 2
    assert set(titles) <= set(texts())
    assert {t["xaxis"] for t in FIGURE["data"] if t["name"] == "key"} == {"x6"}
    assert LAYOUT["xaxis2"]["matches"] == "x"
    assert LAYOUT["yaxis5"]["matches"] == "y"


def test_a_trial_stands_at_what_is_left_and_what_is_kept() -> None:
    (npo,) = traces("", "trials")
    assert npo["x"] == [stretch(4.0)] * 2 == [20.0, 20.0]
    assert npo["y"] == [60.0, 80.0]
    (ascent,) = traces("5", "trials")
    assert ascent["x"] == [stretch(4.0), stretch(26.0)]


def test_colour_and_shape_are_the_weight_and_filling_is_the_verdict() -> None:
    (npo,) = traces("", "trials")
    assert npo["marker"]["symbol"] == ["circle", "diamond-open"]
    assert npo["marker"]["color"] == ["@lambda1", "@lambda2"]
    (ascent,) = traces("5", "trials")
    assert set(ascent["marker"]["symbol"]) == {"hexagon-open"}
    assert set(ascent["marker"]["color"]) == {"@lambda0"}


def test_what_has_collapsed_is_crossed_through_and_nothing_else_is() -> None:
    (crosses,) = traces("5", "collapsed")
    assert crosses["y"] == [0.0]
    assert traces("", "collapsed")[0]["y"] == []


def test_retrained_is_the_star_of_every_panel() -> None:
    for axis in ("", "2", "3", "4", "5"):
        (star,) = traces(axis, "Retrained")
        assert (star["x"], star["y"], star["marker"]["symbol"]) == ([0.0], [98.0], "star")
    bands = [shape for shape in LAYOUT["shapes"] if shape["type"] == "rect"]
    assert {band["x1"] for band in bands} == {stretch(5.0)}
    assert len(bands) == 5


def test_a_shipped_setting_is_ringed_and_named_and_its_seeds_are_bars() -> None:
    (ring,) = traces("", "NPO")
    assert (ring["y"], ring["marker"]["color"]) == ([60.0], "@npo")
    (seeds,) = traces("", "seeds of NPO")
    assert seeds["y"] == [58.0]
    assert seeds["error_y"]["array"] == [6.0]
    assert seeds["error_y"]["arrayminus"] == [8.0]
    mean = stretch((4.0 + 4.0 + 9.0) / 3)
    assert seeds["error_x"]["array"] == [pytest.approx(stretch(9.0) - mean)]
    assert {"SimNPO", "SimNPO tuned"} <= set(texts())


def test_pointing_at_a_mark_tells_its_whole_setting_and_all_values() -> None:
    text = traces("", "trials")[0]["hovertext"][0]
    assert "lr 0.001 · β 0.01 · λ 1 · 20 steps · seed 0" in text
    assert "forgot · shipped as NPO" in text
    assert "VerbMem 15.0 · KnowMem, forget 4.0" in text
    assert "PrivLeak −20.0 (AUC 0.400)" in text
    assert "KnowMem, retain 60.0 · fluency 0.85" in text
    assert "Memorization left 4.0" in text


def test_the_key_draws_what_it_explains() -> None:
    key = [trace for trace in FIGURE["data"] if trace["name"] == "key"]
    said = [text for trace in key for text in trace.get("text", ())]
    assert said[:3] == ["λ 10", "λ 1", "λ 0"]
    assert {"forgot (all 4 bounds)", "not forgotten", "collapsed", "Retrained"} <= set(said)
    assert "≤ 5 above Retrained" in said


def test_its_colours_are_known_by_day_and_by_night() -> None:
    for palette in FIGURE["palette"].values():
        assert {"lambda0", "lambda4", "npo", "ink"} <= set(palette)
    assert FIGURE["palette"]["light"]["lambda4"] != FIGURE["palette"]["dark"]["lambda4"]


def test_a_screen_reader_hears_counts_and_what_is_shipped() -> None:
    heard = FIGURE["description"]
    assert "NPO: 1 of 2 forgot" in heard
    assert "SimNPO tuned: 4.0 points of memorization left, KnowMem, retain 90.0" in heard


def test_a_method_that_nobody_knows_is_called_by_its_key_and_harmless() -> None:
    figure = sweep_figure(FAMILY, [RETRAINED, tried("<b>new", 1.0, 50.0)])
    assert "&lt;b&gt;new" in [note["text"] for note in figure["layout"]["annotations"]]


def test_places_fill_row_by_row_inside_the_chart() -> None:
    panels = make_panels(8)
    assert [panel.is_first for panel in panels] == [True, False, False, False] * 2
    assert panels[3].is_lowest  # only the key is below
    assert not panels[0].is_lowest
    for panel in panels:
        assert 0 <= panel.left < panel.right <= 1
        assert 0 <= panel.bottom < panel.top <= 1


def test_names_in_one_place_do_not_run_into_each_other_or_hide_a_ring() -> None:
    rings = [Point(2.0, 97.0), Point(3.0, 99.0), Point(98.0, 96.0)]
    names = place_names(["NPO", "NPO tuned", "SimNPO tuned"], rings, [], Box(-9, 106, -6, 108))
    for i, name in enumerate(names):
        assert Box(-9, 106, -6, 108).holds(name.box)
        assert not any(name.box.meets(other.box) for other in names[i + 1 :])
    assert names[2].side == "left"


def test_a_name_goes_where_it_hides_no_mark() -> None:
    row = [Point(float(x), 97.0) for x in range(0, 100, 5)]
    (name,) = place_names(["NPO"], [Point(0.0, 97.0)], row, Box(-9, 106, -6, 108))
    assert name.is_moved
    assert not any(name.box.low < mark.y < name.box.high for mark in row)


def test_names_stand_in_the_order_of_their_rings_and_off_their_lines() -> None:
    rings = [Point(12.0, 52.0), Point(12.0, 64.0)]
    marks = [Point(float(x), y) for x in range(12, 60, 4) for y in (52.0, 58.0, 64.0)]
    low, high = place_names(["NPO", "NPO tuned"], rings, marks, Box(-9, 106, -6, 108))
    assert low.y < high.y
    assert not any(low.box.left < p.x and abs(low.y - p.y) < 4 for p in high.line)
