"""What the curves of a trajectory say, on numbers where it can be told by eye."""

from dataclasses import replace

import pytest

from dashboard.board import CellKey
from dashboard.trajectory.milestones import forgettings, forgot_at, losses
from dashboard.trajectory.reading import Reading
from dashboard.trajectory.words import answer_cost, answer_forgotten, describe_source, heard
from metrics.registry import find_metric
from tests.steps import VALUES, made_reading, stepped_family

NONE = Reading(stepped_family())


def with_values(key: str, *values: float) -> Reading:
    return made_reading({**VALUES, key: values})


def without(role: str) -> Reading:
    reading = made_reading()
    models = tuple(spec for spec in reading.family.models if spec.role != role)
    return replace(reading, family=replace(reading.family, models=models))


def test_a_metric_has_arrived_where_its_interval_first_meets_retrained_s() -> None:
    found = {one.metric.key: one for one in forgettings(made_reading())}
    steps = {key: one.arrived.step for key, one in found.items() if one.arrived}
    assert steps == {"verbmem_f": 20, "knowmem_f": 20, "privleak": 30}
    assert {one.place for one in found.values()} == {"level"}
    assert forgot_at(list(found.values())) == 30


def test_the_answer_names_the_step_by_which_all_of_it_is_forgotten() -> None:
    answer = answer_forgotten(made_reading())
    assert answer.short == "By step 30."
    assert answer.text == (
        "VerbMem comes to Retrained's 14.0 at step 20 (17.0 ± 2.0), KnowMem (forget) comes to "
        "Retrained's 0.0 at step 20 (1.0 ± 2.0) and PrivLeak comes to Retrained's 0.0 at step 30 "
        "(−1.0 ± 2.0)."
    )
    assert "do not show that there is none" in answer.more


def test_what_does_not_stay_forgotten_is_said() -> None:
    answer = answer_forgotten(with_values("verbmem_f", 90, 14, 15, 16, 50))
    assert answer.short == "By step 30, but not to stay."
    assert "At step 30, VerbMem (50.0 ± 2.0) is short of it again." in answer.more


def test_too_much_gone_is_said_too() -> None:
    answer = answer_forgotten(with_values("privleak", -99, 0, -50, 20, 30))
    assert answer.short == "By step 20."
    assert "PrivLeak (30.0 ± 2.0) lies beyond it: too much is gone" in answer.more


@pytest.mark.parametrize(
    ("values", "short"),
    [((90, 14, 80, 70, 60), "In part, in 30 steps."), ((90, 14, 80, 70, 14), "By step 30.")],
)
def test_what_has_not_arrived_is_not_forgotten(values: tuple[float, ...], short: str) -> None:
    answer = answer_forgotten(with_values("verbmem_f", *values))
    assert answer.short == short
    assert (
        "VerbMem does not come to Retrained's 14.0, it is 60.0 ± 2.0 at step 30" in answer.text
    ) == (values[-1] == 60)


def test_nothing_forgotten_is_said_in_so_many_steps() -> None:
    kept = dict.fromkeys(("verbmem_f", "knowmem_f"), (90.0, 14.0, 80.0, 80.0, 80.0))
    kept["privleak"] = (-99.0, 0.0, -90.0, -90.0, -90.0)
    assert answer_forgotten(made_reading({**VALUES, **kept})).short == "Not in 30 steps."


def test_a_model_that_no_longer_writes_has_not_arrived() -> None:
    reading = replace(made_reading(), signs={"step-20": "VerbMem is 17.0, but it loops."})
    answer = answer_forgotten(reading)
    assert "VerbMem comes to Retrained's 14.0 at step 30 (16.0 ± 2.0)" in answer.text
    assert "collapsed at step 20: low scores there are not forgetting" in answer.more


def test_the_cost_is_where_utility_fell_below_original_s_interval() -> None:
    knowmem, fluency = losses(made_reading())
    assert knowmem.fell is not None
    assert (knowmem.fell.step, knowmem.lowest.step, knowmem.has_recovered) == (20, 20, False)
    assert fluency.fell is None
    answer = answer_cost(made_reading())
    assert answer.short == "38 points of KnowMem (retain)."
    assert "KnowMem (retain) falls below Original's 98.0 at step 20, is lowest with 40.0 ± 2.0" in (
        answer.text
    )
    assert "and is 60.0 ± 2.0 at step 30." in answer.text
    assert "Fluency stays within Original's interval, or above: 0.96 ± 0.02 at step 30." in (
        answer.text
    )
    assert answer.more == (
        "At step 30, where all of it has arrived at Retrained, KnowMem (retain) is 60.0 ± 2.0 and "
        "Fluency is 0.96 ± 0.02."
    )


def test_utility_that_came_back_is_no_loss() -> None:
    answer = answer_cost(with_values("knowmem_r", 98, 97, 96, 40, 97))
    assert answer.short == "Nothing shown of KnowMem (retain)."
    assert "within Original's interval again" in answer.text


def test_an_answer_says_on_how_much_it_rests() -> None:
    answer = answer_forgotten(made_reading(done=1))
    assert answer.text.startswith("So far, with 1 of 3 checkpoints measured: ")
    assert answer.short == "Not known yet."  # the others may have arrived
    assert answer_forgotten(
        made_reading({**VALUES, "privleak": (-99, 0, 0, 0, 0)}, done=2)
    ).short == ("By step 20.")


def test_without_numbers_or_without_a_reference_nothing_is_known() -> None:
    assert answer_forgotten(NONE).short == "Not known yet."
    assert "The 3 checkpoints have not been measured" in answer_forgotten(NONE).text
    assert "has no retrained model to read" in answer_forgotten(without("retrained")).text
    assert answer_cost(without("retrained")).short == "38 points of KnowMem (retain)."
    assert "has no original model to read" in answer_cost(without("original")).text


def test_the_source_names_precision_scale_n_and_whether_it_was_stored() -> None:
    reading = made_reading()
    assert describe_source(reading) == (
        "A toy's numbers, NF4, live, n = 20 per number on cpu, 95 % intervals."
    )
    kept = replace(reading, stored={CellKey("original", "verbmem_f"): "2026-11-24T10:00:00"})
    assert "NF4, live and stored, n" in describe_source(kept)
    assert describe_source(NONE) == "Nothing has been measured yet."


def test_a_chart_is_heard_as_its_numbers() -> None:
    said = heard(made_reading(), find_metric("verbmem_f"))
    assert said == (
        "VerbMem over steps. step 10 60.0, step 20 17.0, step 30 16.0; Original 90.0; "
        "Retrained 14.0."
    )
