"""The grids, and the shipped sweep: equal budgets, the rule's verdicts, what became of them."""

from collections import Counter
from pathlib import Path

import pytest

from metrics.choosing.rule import mark
from metrics.choosing.trials import Trial, read_trials
from unlearning.recipe import UNLEARNED, Job
from unlearning.sweep import GRIDS, SEEDS, list_runs, list_seeds


@pytest.fixture(scope="module")
def shipped(demo: Path) -> tuple[Trial, ...]:
    return read_trials(demo / "sweep.csv")


def test_npo_and_simnpo_have_the_same_number_of_runs_of_the_same_lengths() -> None:
    ours, theirs = list_runs("npo"), list_runs("simnpo")
    assert [plan.lengths for plan in ours] == [plan.lengths for plan in theirs]
    assert len(ours) == 32


@pytest.mark.parametrize("method", list(GRIDS))
def test_every_method_has_the_budget_of_npo(method: str) -> None:
    runs = list_runs(method)
    assert len(set(runs)) == len(runs) == 32
    assert sum(len(plan.lengths) for plan in runs) == 96


def test_every_run_of_the_grids_is_in_the_file_once(shipped: tuple[Trial, ...]) -> None:
    found = Counter((t.method, t.lr, t.beta, t.retain_weight, t.steps, t.seed) for t in shipped)
    assert set(found.values()) == {1}
    for method in GRIDS:
        for plan in list_runs(method):
            config = plan.config
            for length in plan.lengths:
                assert found[
                    (method, config.lr, plan.beta, config.retain_weight, length, plan.seed)
                ]


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
