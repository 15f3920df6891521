"""The rule that picks what is shipped, on trials written by hand."""

from dataclasses import replace

import pytest

from metrics.choosing.rule import judge, mark, pick, shortfall
from tests import trials

RETRAINED = replace(trials.RETRAINED, knowmem_r=100.0)
GOOD = replace(trials.GOOD, steps=40, knowmem_f=2.0, fluency=0.8)


def test_among_those_that_forgot_the_most_useful_is_taken() -> None:
    best = replace(GOOD, knowmem_r=70.0)
    assert pick([GOOD, best, replace(GOOD, knowmem_r=65.0)], RETRAINED) == best


def test_of_equals_the_one_that_is_nearest_to_zero_leaks_least_and_is_taken() -> None:
    near = replace(GOOD, privleak=3.0)
    assert pick([GOOD, near, replace(GOOD, privleak=-4.0)], RETRAINED) == near


@pytest.mark.parametrize(
    ("short", "verdict", "points"),
    [
        ({"verbmem_f": 19.5}, "not forgotten", 0.5),
        ({"knowmem_f": 7.0}, "not forgotten", 2.0),
        ({"privleak": 26.0}, "not forgotten", 1.0),
        ({"privleak": -35.0, "knowmem_f": 7.0}, "not forgotten", 12.0),
        ({"fluency": 0.62}, "collapsed", 10.0),
    ],
    ids=str,
)
def test_a_missed_bound_is_named_and_counted_in_points(
    short: dict[str, float], verdict: str, points: float
) -> None:
    trial = replace(GOOD, knowmem_r=99.0, **short)  # type: ignore[arg-type]
    assert judge(trial, RETRAINED) == verdict
    assert shortfall(trial, RETRAINED) == pytest.approx(points)
    assert pick([trial, GOOD], RETRAINED) == GOOD


@pytest.mark.parametrize(
    "low", [{"verbmem_f": 0.0}, {"knowmem_f": 0.0}, {"privleak": 25.0}, {"fluency": 0.721}], ids=str
)
def test_below_the_retrained_model_and_on_a_bound_is_forgotten(low: dict[str, float]) -> None:
    assert judge(replace(GOOD, **low), RETRAINED) == "forgot"  # type: ignore[arg-type]


def test_without_one_that_forgot_the_nearest_is_taken() -> None:
    far, near = replace(GOOD, verbmem_f=40.0), replace(GOOD, verbmem_f=30.0)
    assert pick([far, near], RETRAINED) == near


def test_the_published_weight_has_its_own_choice_and_so_has_each_method() -> None:
    tuned = replace(GOOD, retain_weight=100.0, knowmem_r=90.0)
    other = replace(GOOD, method="simnpo", knowmem_r=50.0)
    marked = mark([RETRAINED, GOOD, tuned, other])
    assert [trial.shipped_as for trial in marked] == ["", "npo", "npo_tuned", "simnpo"]
    assert [trial.verdict for trial in marked] == ["", "forgot", "forgot", "forgot"]


def test_another_seed_is_spread_and_never_chosen() -> None:
    lucky = replace(GOOD, seed=1, knowmem_r=99.0)
    assert [trial.shipped_as for trial in mark([RETRAINED, GOOD, lucky])] == ["", "npo", ""]
