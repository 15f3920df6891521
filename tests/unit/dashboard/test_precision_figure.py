"""The charts of the Precision page, by the data they draw."""

import itertools
from dataclasses import replace
from typing import Any

import pytest

from dashboard.escape import json_text
from dashboard.precision.axes import choose_scale
from dashboard.precision.figure import over_precision
from dashboard.precision.published import load_pairs
from dashboard.precision.reading import read
from dashboard.precision.slopes import slopes
from metrics import HEADLINE, Results
from metrics.registry import find_metric
from tests.precisions import BACK, NOTHING, made_results
from tests.stage import staged_family

FAMILY = staged_family()
PAIRS = load_pairs()
VERBMEM, PRIVLEAK = find_metric("verbmem_f"), find_metric("privleak")


def drawn(results: Results | None, metric: str = "verbmem_f") -> dict[str, Any]:
    return over_precision(read(FAMILY, results), find_metric(metric))


def trace(figure: dict[str, Any], name: str) -> dict[str, Any]:
    (found,) = [trace for trace in figure["data"] if trace["name"] == name]
    return found


def texts(figure: dict[str, Any]) -> list[str]:
    return [note["text"] for note in figure["layout"]["annotations"]]


def test_a_model_is_a_line_over_the_precisions_that_were_measured() -> None:
    npo = trace(drawn(made_results(BACK)), "NPO")
    assert npo["y"] == pytest.approx([10.0, 10.0, 50.0])
    assert [round(x) for x in npo["x"]] == [0, 3, 4]
    assert npo["line"]["color"] == "@npo"
    assert npo["marker"]["symbol"] == "triangle-up"


def test_models_at_one_precision_stand_side_by_side() -> None:
    figure = drawn(made_results())
    firsts = [trace["x"][0] for trace in figure["data"]]
    assert firsts == sorted(firsts)
    assert len(set(firsts)) == 4
    assert max(firsts) - min(firsts) < 0.5


def test_retrained_is_the_dashed_one() -> None:
    figure = drawn(made_results())
    dashes = {trace["name"]: trace["line"]["dash"] for trace in figure["data"]}
    assert [name for name, dash in dashes.items() if dash == "dash"] == ["Retrained"]


def test_every_number_has_its_interval_and_says_its_n() -> None:
    npo = trace(drawn(made_results(), "privleak"), "NPO")
    assert npo["y"][0] == pytest.approx(-20.0)
    assert npo["error_y"]["array"][0] > 0
    assert npo["error_y"]["arrayminus"][0] > 0
    assert "n = 20" in npo["hovertext"][0]
    assert "against retrained @ fp32" in npo["hovertext"][1]


def test_what_was_not_measured_is_a_grey_band_that_says_so() -> None:
    figure = drawn(made_results())
    assert [(shape["x0"], shape["x1"]) for shape in figure["layout"]["shapes"]] == [
        (0.5, 1.5),
        (1.5, 2.5),
    ]
    assert texts(figure).count("not measured") == 2


def test_without_results_there_is_an_axis_and_a_word() -> None:
    figure = drawn(None)
    assert figure["data"] == []
    assert texts(figure) == ["not measured yet"]
    assert figure["layout"]["xaxis"]["ticktext"] == ["fp32", "bf16", "int8", "nf4", "fp4"]
    assert figure["description"] == "VerbMem over precision. Nothing measured yet."


def test_lines_are_labelled_at_their_end_without_overlap_and_briefly_on_a_phone() -> None:
    names = [note for note in drawn(made_results())["layout"]["annotations"] if "name" in note]
    assert [note["name"] for note in names] == ["O", "R", "N", "S"]
    heights = sorted(note["y"] for note in names)
    assert all(high - low > 8 for low, high in itertools.pairwise(heights))


def test_a_screen_reader_hears_every_number() -> None:
    heard = drawn(made_results(BACK))["description"]
    assert "NPO fp32 10.0, nf4 10.0, fp4 50.0" in heard


def test_an_axis_holds_what_is_drawn_on_it() -> None:
    assert choose_scale(VERBMEM, []).ticks == (0, 25, 50, 75, 100)
    assert choose_scale(find_metric("fluency"), []).ticks == (0, 0.25, 0.5, 0.75, 1)
    leak = choose_scale(PRIVLEAK, [-99.0, 62.0])
    assert leak.low < -100
    assert leak.high > 62
    assert leak.ticks == (-100, -50, 0, 50)


def test_a_name_is_never_run() -> None:
    models = (replace(FAMILY.models[0], label="<b>x</b>"), *FAMILY.models[1:])
    figure = over_precision(read(replace(FAMILY, models=models), made_results()), VERBMEM)
    assert "&lt;b&gt;x&lt;/b&gt;" in texts(figure)
    assert "<b>x" not in figure["data"][0]["hovertext"][0]


def test_all_of_it_is_json() -> None:
    for metric in HEADLINE:
        for results in (made_results(NOTHING), made_results(BACK), None):
            json_text(over_precision(read(FAMILY, results), metric))
        json_text(slopes(PAIRS, metric))


def test_a_published_pair_is_a_slope_from_full_to_fp4() -> None:
    figure = slopes(PAIRS, VERBMEM)
    assert figure["layout"]["xaxis"]["ticktext"] == ["full precision", "FP4"]
    assert trace(figure, "NPO (GDR), Table 1")["y"] == [0.4, 66.0]
    assert trace(figure, "Target, Table 1")["y"] == [99.8, 85.3]
    assert (
        "66\N{NO-BREAK SPACE}% of the way back"
        in trace(figure, "NPO (GDR), Table 1")["hovertext"][0]
    )


def test_another_value_of_the_same_paper_is_dotted_and_hollow() -> None:
    figure = slopes(PAIRS, VERBMEM)
    other = trace(figure, "NPO (GDR), Table 3")
    assert other["y"] == [3.2, 66.0]
    assert other["line"]["dash"] == "dot"
    assert other["marker"]["symbol"].endswith("-open")
    assert trace(figure, "NPO (GDR), Table 1")["line"]["dash"] == "solid"


def test_published_retrained_is_a_ruler_without_a_slope() -> None:
    figure = slopes(PAIRS, VERBMEM)
    (ruler,) = figure["layout"]["shapes"]
    assert (ruler["y0"], ruler["y1"], ruler["line"]["dash"]) == (14.3, 14.3, "dash")
    assert trace(figure, "Retrained, Table 1")["y"] == [14.3]


def test_a_re_run_is_not_drawn_over_the_paper() -> None:
    assert not any("bitsandbytes" in trace["name"] for trace in slopes(PAIRS, VERBMEM)["data"])


def test_a_published_model_has_no_colour_of_ours() -> None:
    """A family may call a model what the paper calls one; the two are never the same line."""
    figure = slopes(PAIRS, VERBMEM)
    for known in figure["palette"].values():
        assert not {spec.key for spec in FAMILY.models} & set(known)
    for line in figure["data"]:
        assert line["line"]["color"].removeprefix("@") in figure["palette"]["dark"]
