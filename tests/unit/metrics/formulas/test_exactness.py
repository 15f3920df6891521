from dataclasses import replace
from math import inf

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loaders import Fault
from metrics.formulas.exactness import EXACT_MEMORIZATION, sample
from metrics.formulas.extraction import EXTRACTION_STRENGTH
from metrics.passes import Task
from metrics.profile import MUSE, OPEN_UNLEARNING, Profile
from tests.unit.metrics.formulas.test_extraction import forced
from tests.unit.metrics.library import DATA, FAMILY

RIGHT = st.text("01", min_size=1, max_size=30)


def exactness(right: str, profile: Profile = MUSE) -> float:
    return sample(forced(right), Task(FAMILY, DATA, profile)).score


def test_it_is_the_share_of_tokens_that_are_expected() -> None:
    assert exactness("11010") == pytest.approx(3 / 5)
    # open-unlearning: 3 of the first 4
    assert exactness("11010", OPEN_UNLEARNING) == pytest.approx(3 / 4)
    assert exactness("1", OPEN_UNLEARNING) == 0


def test_the_sample_counts_them() -> None:
    assert sample(forced("110"), Task(FAMILY, DATA)).output == "2 of 3 tokens"


@given(RIGHT)
def test_it_does_not_matter_where_they_stand(right: str) -> None:
    assert exactness(right) == exactness(right[::-1]) == right.count("1") / len(right)


@given(RIGHT)
def test_what_is_extracted_is_expected(right: str) -> None:
    task = Task(FAMILY, DATA)
    assert EXTRACTION_STRENGTH.sample(forced(right), task).score <= exactness(right) <= 1


def test_a_log_prob_that_is_no_number_names_the_passage() -> None:
    broken = replace(forced("11"), logprobs=(-inf, -1.0))
    with pytest.raises(Fault, match="verbmem-0: a log-prob is not a finite number"):
        sample(broken, Task(FAMILY, DATA))


def test_its_value_is_the_mean_in_points_and_one_passage_has_the_whole_scale() -> None:
    task = Task(FAMILY, DATA)
    two = [sample(forced("10"), task), sample(forced("11"), task)]
    assert EXACT_MEMORIZATION.measure(two, None, 0, 100).value == 75
    assert EXACT_MEMORIZATION.measure(two[:1], None, 0, 100).ci95 == (0, 100)
