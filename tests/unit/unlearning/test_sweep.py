"""The grids, and the shipped sweep: equal budgets, the rule's verdicts, what became of them."""

from collections import Counter
from pathlib import Path

import pytest

from metrics.rule import mark
from metrics.trials import Trial, read_trials
from unlearning.recipe import UNLEARNED, Job
from unlearning.sweep import GRIDS, SEEDS, STEPS, list_runs, list_seeds


@pytest.fixture(scope="module")
def shipped(demo: Path) -> tuple[Trial, ...]:
    return read_trials(demo / "sweep.csv")


def test_every_method_has_the_same_number_of_runs() -> None:
    runs = {method: len(list_runs(method)) for method in GRIDS}
    assert runs.pop("ascent") == 6
    assert len(set(runs.values())) == 1
    for method in GRIDS:
        assert len(set(list_runs(method))) == len(list_runs(method))


def test_every_method_had_the_same_number_of_trials(shipped: tuple[Trial, ...]) -> None:
    planned = {
        (run.method, run.config.lr, run.beta, run.config.retain_weight, run.seed)
        for method in GRIDS
        for run in list_runs(method)
    }
    found = Counter(
        t.method for t in shipped if (t.method, t.lr, t.beta, t.retain_weight, t.seed) in planned
    )
    assert found == {method: len(list_runs(method)) * len(STEPS) for method in GRIDS}


def test_the_verdicts_are_the_rule_s(shipped: tuple[Trial, ...]) -> None:
    assert list(shipped) == mark(shipped)


def test_what_is_shipped_was_run_with_every_seed(shipped: tuple[Trial, ...]) -> None:
    for chosen in (trial for trial in shipped if trial.shipped_as):
        assert {t.seed for t in shipped if t.setting == chosen.setting} >= set(SEEDS)
    assert {plan.seed for plan in list_seeds(shipped)} == set(SEEDS[1:])


@pytest.mark.parametrize("job", UNLEARNED, ids=lambda job: job.key)
def test_the_recipe_ships_what_the_sweep_chose(job: Job, shipped: tuple[Trial, ...]) -> None:
    (chosen,) = [trial for trial in shipped if trial.shipped_as == job.key]
    config = job.config
    assert (chosen.lr, chosen.beta) == (config.lr, config.beta)
    assert (chosen.steps, chosen.retain_weight) == (config.steps, config.retain_weight)


def test_all_that_was_chosen_is_shipped(shipped: tuple[Trial, ...]) -> None:
    assert {t.shipped_as for t in shipped if t.shipped_as} == {job.key for job in UNLEARNED}
