"""A rebuilt family is compared number by number; a trajectory stops where its run does."""

from dataclasses import replace

import pytest

from unlearning.__main__ import parse_flags
from unlearning.check import Comparison
from unlearning.recipe import UNLEARNED
from unlearning.trajectory import EVERY, list_steps

SAME = Comparison("npo", "knowmem_r", rebuilt=55.0, shipped=56.0, ci95=(46.0, 66.0))


def test_a_number_in_the_shipped_interval_agrees() -> None:
    assert SAME.agrees
    assert str(SAME).endswith("[46.00, 66.00]  ok")


@pytest.mark.parametrize("rebuilt", [45.9, 66.1])
def test_a_number_outside_of_it_differs_and_says_so(rebuilt: float) -> None:
    other = replace(SAME, rebuilt=rebuilt)
    assert not other.agrees
    assert "DIFFERS" in str(other)


def test_a_trajectory_ends_with_its_run() -> None:
    job = UNLEARNED[0]
    odd = replace(job, config=replace(job.config, steps=3 * EVERY + 1))
    assert list_steps(odd) == (EVERY, 2 * EVERY, 3 * EVERY, 3 * EVERY + 1)
    assert list_steps(job)[-1] == job.config.steps


def test_an_unknown_method_is_answered_with_those_there_are(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with pytest.raises(SystemExit):
        parse_flags(["sweep", "--methods", "npo", "dpo"])
    said = capsys.readouterr().err
    assert "'dpo'" in said
    assert "simnpo_sum" in said
