"""The curves of a trajectory, by the data they draw."""

import itertools
from dataclasses import replace
from typing import Any

import pytest

from dashboard.escape import json_text
from dashboard.trajectory.axes import choose_ruler, steps_axis
from dashboard.trajectory.figure import over_steps
from dashboard.trajectory.reading import Reading
from metrics.registry import METRICS, find_metric
from tests.steps import VALUES, made_reading, stepped_family

READING = made_reading()
NONE = Reading(stepped_family())


def drawn(reading: Reading = READING, metric: str = "verbmem_f") -> dict[str, Any]:
    return over_steps(reading, find_metric(metric))


def trace(figure: dict[str, Any], name: str) -> dict[str, Any]:
    (found,) = [trace for trace in figure["data"] if trace["name"] == name]
    return found


def texts(figure: dict[str, Any]) -> list[str]:
    return [note["text"] for note in figure["layout"]["annotations"]]


def test_the_checkpoints_are_one_line_over_their_steps() -> None:
    line = trace(drawn(), "checkpoints")
    assert line["x"] == [10, 20, 30]
    assert line["y"] == [60.0, 17.0, 16.0]
    assert line["line"]["color"] == "@step-30"
    assert line["marker"]["symbol"] == ["triangle-up"] * 3
    assert "<b>step 20</b><br>VerbMem 17.0 (15.0 to 19.0)<br>n = 20" in line["hovertext"][1]


def test_their_intervals_are_an_area_there_and_back() -> None:
    band = trace(drawn(), "95 % intervals")
    assert band["x"] == [10, 20, 30, 30, 20, 10]
    assert band["y"] == [58.0, 15.0, 14.0, 18.0, 19.0, 62.0]
    assert (band["fill"], band["fillcolor"]) == ("toself", "@step-30")


def test_original_and_retrained_are_levels_in_their_colours_with_their_markers_and_bands() -> None:
    figure = drawn()
    original, retrained = trace(figure, "Original"), trace(figure, "Retrained")
    assert (original["x"], original["y"]) == ([0, 30], [90.0, 90.0])
    assert (original["line"]["color"], original["marker"]["symbol"]) == ("@original", "circle")
    assert (retrained["line"]["dash"], retrained["marker"]["symbol"]) == ("dash", "star")
    bands = [shape for shape in figure["layout"]["shapes"] if shape["type"] == "rect"]
    assert [(band["y0"], band["y1"], band["fillcolor"]) for band in bands] == [
        (88.0, 92.0, "@original"),
        (12.0, 16.0, "@retrained"),
    ]


def test_the_step_that_the_sentences_name_is_marked() -> None:
    for metric, step, hue in (("verbmem_f", 20, "@retrained"), ("knowmem_r", 20, "@original")):
        figure = drawn(metric=metric)
        (line,) = [shape for shape in figure["layout"]["shapes"] if shape["type"] == "line"]
        assert (line["x0"], line["x1"], line["line"]["color"]) == (step, step, hue)
        assert f"step {step}" in texts(figure)
    assert not [s for s in drawn(metric="fluency")["layout"]["shapes"] if s["type"] == "line"]


def test_a_collapsed_checkpoint_is_a_cross_and_says_why() -> None:
    line = trace(drawn(replace(READING, signs={"step-20": "it loops"})), "checkpoints")
    assert line["marker"]["symbol"] == ["triangle-up", "x", "triangle-up"]
    assert line["hovertext"][1].endswith("it loops")


def test_names_stand_at_the_end_without_overlap_and_briefly_on_a_phone() -> None:
    names = [note for note in drawn()["layout"]["annotations"] if "name" in note]
    assert [(note["text"], note["name"]) for note in names] == [
        *(("Original", "O"), ("Retrained", "R"), ("step 30", "30")),
    ]
    heights = sorted(note["y"] for note in names)
    assert all(high - low > 8 for low, high in itertools.pairwise(heights))


def test_without_numbers_there_is_an_axis_and_a_word() -> None:
    assert texts(drawn(NONE)) == ["not measured yet"]
    assert drawn(NONE)["data"] == []
    assert drawn(NONE)["description"] == "VerbMem over steps. Nothing measured yet."
    assert texts(over_steps(NONE, None)) == ["pick a metric above"]


def test_references_alone_are_drawn_while_the_first_checkpoint_is_measured() -> None:
    figure = drawn(made_reading(done=0))
    assert [trace["name"] for trace in figure["data"]] == ["Original", "Retrained"]


@pytest.mark.parametrize(
    ("last", "ticks"),
    [(80, [0, 20, 40, 60, 80]), (1000, [0, 250, 500, 750, 1000]), (3, [0, 1, 2, 3]), (0, [0, 1])],
)
def test_steps_are_whole(last: int, ticks: list[int]) -> None:
    assert steps_axis([last])["tickvals"] == ticks


def test_a_metric_that_leaves_its_range_gets_one_that_holds_it() -> None:
    run, perplexity = find_metric("longest_run"), find_metric("perplexity_holdout")
    assert choose_ruler(run, [3.0, 60.0]).scale.ticks[-1] == 100
    assert choose_ruler(run, [3.0, 116.0]).scale.ticks == (0, 50, 100, 150, 200)
    wide = choose_ruler(perplexity, [750.0, 520_000.0])
    assert wide.is_log
    assert wide.axis["ticktext"] == ["100", "1k", "10k", "100k", "1M"]
    assert wide.at(1000.0) == pytest.approx(3.0)


def test_on_a_scale_of_powers_everything_is_a_logarithm() -> None:
    values = {"perplexity_holdout": (750.0, 24_000.0, 100_000.0, 1_000_000.0, 10_000.0)}
    reading = made_reading({**VALUES, **values})
    figure = over_steps(reading, find_metric("perplexity_holdout"))
    assert trace(figure, "checkpoints")["y"] == pytest.approx([5.0, 6.0, 4.0])
    assert trace(figure, "Original")["y"][0] == pytest.approx(2.875, abs=0.001)
    low = figure["layout"]["shapes"][1]["y0"]
    assert low == pytest.approx(4.380, abs=0.001)


@pytest.mark.parametrize("metric", METRICS, ids=lambda metric: metric.key)
def test_every_metric_can_be_drawn(metric: Any) -> None:
    values = {metric.key: (0.9, 0.1, 0.5, 0.3, 0.0)}
    json_text(over_steps(made_reading(values), metric))


def test_what_a_family_calls_its_models_is_never_run() -> None:
    family = stepped_family()
    last = replace(family.models[-1], label="<b>step</b> 30")
    reading = replace(READING, family=replace(family, models=(*family.models[:-1], last)))
    figure = drawn(reading)
    assert "&lt;b&gt;step&lt;/b&gt; 30" in texts(figure)
    assert "<b>&lt;b&gt;step" in trace(figure, "checkpoints")["hovertext"][2]
