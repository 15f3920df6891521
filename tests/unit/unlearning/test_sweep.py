"""The rule that picks what is shipped, on trials written by hand, and on the shipped sweep."""

import csv
from dataclasses import replace
from pathlib import Path

import pytest

from unlearning.recipe import UNLEARNED, Job
from unlearning.sweep import BETA, LR, STEPS, Trial, choose

RETRAINED = {"verbmem_f": 14.0, "knowmem_f": 0.0, "knowmem_r": 100.0, "fluency": 0.9}
GOOD = Trial(
    method="npo",
    lr=1e-3,
    beta=0.01,
    steps=40,
    retain_weight=1.0,
    seed=0,
    verbmem_f=15.0,
    knowmem_f=2.0,
    knowmem_r=60.0,
    fluency=0.8,
)


def chosen(*trials: Trial) -> list[int]:
    return [place for place, trial in enumerate(choose(trials, RETRAINED)) if trial.chosen]


def test_among_those_that_forgot_the_most_useful_is_chosen() -> None:
    assert chosen(GOOD, replace(GOOD, knowmem_r=70.0), replace(GOOD, knowmem_r=65.0)) == [1]


@pytest.mark.parametrize(
    "short", [{"verbmem_f": 19.1}, {"knowmem_f": 5.1}, {"fluency": 0.71}], ids=str
)
def test_a_setting_that_did_not_forget_or_no_longer_writes_is_not_chosen(
    short: dict[str, float],
) -> None:
    assert chosen(replace(GOOD, knowmem_r=99.0, **short), GOOD) == [1]  # type: ignore[arg-type]


def test_without_one_that_qualifies_the_nearest_is_chosen_and_does_not_qualify() -> None:
    far, near = replace(GOOD, verbmem_f=40.0), replace(GOOD, verbmem_f=30.0)
    marked = choose([far, near], RETRAINED)
    assert [trial.chosen for trial in marked] == [False, True]
    assert not any(trial.qualifies for trial in marked)


def test_each_method_has_its_own_choice() -> None:
    assert chosen(GOOD, replace(GOOD, method="simnpo", knowmem_r=10.0)) == [0, 1]


def shipped(demo: Path) -> list[dict[str, str]]:
    with (demo / "sweep.csv").open(encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_both_methods_had_the_same_budget(demo: Path) -> None:
    trials = shipped(demo)
    for method, betas in BETA.items():
        assert sum(t["method"] == method for t in trials) == len(LR) * len(betas) * len(STEPS)


@pytest.mark.parametrize("job", UNLEARNED, ids=lambda job: job.key)
def test_the_recipe_ships_what_the_sweep_chose(job: Job, demo: Path) -> None:
    (row,) = [t for t in shipped(demo) if t["chosen"] == "True" and t["method"] == job.key]
    config = job.config
    assert (float(row["lr"]), float(row["beta"])) == (config.lr, config.beta)
    assert (int(row["steps"]), float(row["retain_weight"])) == (config.steps, 1.0)
