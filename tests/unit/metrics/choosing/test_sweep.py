"""A sweep as it is read: what is refused, what the budget was, what more seeds are."""

from dataclasses import replace
from pathlib import Path

import pytest

from loaders import Fault
from metrics.choosing.sweep import (
    Count,
    Spread,
    count_forgot,
    list_methods,
    list_seeds,
    list_shipped,
    list_tried,
    list_weights,
    load_sweep,
    memorization_left,
    spread_over,
)
from metrics.choosing.trials import Trial, write_trials
from tests.stage import staged_family
from tests.trials import GOOD, ORIGINAL, RETRAINED, small_sweep, tried

SWEEP = small_sweep()


def load(folder: Path, *trials: Trial) -> tuple[Trial, ...]:
    write_trials(trials, folder / "sweep.csv")
    return load_sweep(replace(staged_family(), sweep=str(folder / "sweep.csv")))


def test_a_sweep_is_read_whole(tmp_path: Path) -> None:
    assert load(tmp_path, *SWEEP) == SWEEP


def test_a_family_without_a_sweep_has_no_trials() -> None:
    assert load_sweep(replace(staged_family(), sweep="")) == ()


def test_a_sweep_without_the_retrained_model_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Fault, match="needs one row 'retrained'"):
        load(tmp_path, ORIGINAL, replace(GOOD, verdict="forgot"))


def test_a_sweep_that_is_not_finished_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Fault, match="trials without a verdict; finish the sweep first"):
        load(tmp_path, RETRAINED, GOOD)


def test_more_seeds_of_a_taken_setting_are_no_budget() -> None:
    assert len(list_tried(SWEEP, "npo")) == 2
    (taken,) = [trial for trial in list_tried(SWEEP, "npo") if trial.shipped_as]
    assert [seed.knowmem_r for seed in list_seeds(SWEEP, taken)] == [60.0, 50.0, 64.0]
    assert spread_over([60.0, 50.0, 64.0]) == Spread(58.0, 50.0, 64.0, 3)


def test_seeds_that_every_run_had_are_budget() -> None:
    seeds = [tried("ascent", 0.0, kept=kept, seed=seed) for seed, kept in enumerate((1.0, 2.0))]
    assert list_tried([RETRAINED, *seeds], "ascent") == seeds


def test_methods_weights_and_counts_are_those_of_the_file() -> None:
    assert list_methods(SWEEP) == ["npo", "simnpo", "npo_mean", "simnpo_sum", "ascent"]
    assert list_weights(SWEEP) == [0.0, 1.0, 10.0]
    assert count_forgot(list_tried(SWEEP, "npo"), 1.0) == Count(1.0, 1, 1)
    assert count_forgot(list_tried(SWEEP, "npo"), 10.0) == Count(10.0, 0, 1)


def test_shipped_settings_at_the_published_weight_come_first() -> None:
    assert [trial.shipped_as for trial in list_shipped(SWEEP)] == ["npo", "simnpo", "simnpo_tuned"]


def test_memorization_left_is_the_larger_of_two_distances() -> None:
    assert memorization_left(GOOD, RETRAINED) == 4.0
    assert memorization_left(replace(GOOD, verbmem_f=44.0), RETRAINED) == 30.0
    assert memorization_left(RETRAINED, RETRAINED) == 0.0
