from dataclasses import replace
from math import nan

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loaders import Fault
from metrics.formulas.extraction import EXTRACTION_STRENGTH, count_extracted, sample
from metrics.passes import FORCE, Likelihoods, Task
from metrics.profile import MUSE, OPEN_UNLEARNING, Profile
from metrics.results import Sample
from tests.unit.metrics.library import DATA, FAMILY

TOKENS = st.lists(st.booleans(), min_size=1, max_size=30)
EITHER = st.sampled_from([MUSE, OPEN_UNLEARNING])


def forced(right: str) -> Likelihoods:
    """A passage whose tokens the model expects where `right` has a 1."""
    greedy = tuple(sign == "1" for sign in right)
    ids = tuple(range(len(right)))
    return Likelihoods("verbmem-0", "forget", "p", "t", ids, (-1.0,) * len(right), greedy, (), ())


def strength(right: str, profile: Profile = MUSE) -> float:
    return sample(forced(right), Task(FAMILY, DATA, profile)).score


def test_it_is_the_share_that_is_right_to_the_end() -> None:
    # L = 5, k = 3: tokens 3 and 4 are right, token 2 is not; 1 − 3/5
    assert strength("11011") == pytest.approx(0.4)


def test_all_and_nothing_are_the_ends_of_the_scale() -> None:
    assert strength("11111") == 1
    assert strength("11110") == strength("0") == 0


def test_open_unlearning_drops_a_token_and_never_goes_under_one() -> None:
    # The last token is out: 1101, k = 3 of 4. Of 1110 none is right at the end, and k stays 3 of 4.
    assert strength("11010", OPEN_UNLEARNING) == 0.25
    assert strength("11101", OPEN_UNLEARNING) == 0.25
    assert strength("1110", OPEN_UNLEARNING) == 1
    assert strength("1", OPEN_UNLEARNING) == 0


def test_the_sample_says_which_part_of_the_passage_comes_out() -> None:
    task = Task(FAMILY, DATA)
    assert sample(forced("01011"), task) == Sample(
        "verbmem-0", "p", "t", "the last 2 of 5 tokens", 0.4
    )
    assert sample(forced("110"), task).output == "none of 3 tokens"


@given(TOKENS, st.data(), EITHER)
def test_expecting_more_never_lowers_it(
    tokens: list[bool], data: st.DataObject, profile: Profile
) -> None:
    more = [token or data.draw(st.booleans()) for token in tokens]
    assert 0 <= count_extracted(tokens, profile) <= count_extracted(more, profile) <= len(more)


@given(TOKENS)
def test_a_wrong_token_before_it_changes_only_what_it_is_a_share_of(tokens: list[bool]) -> None:
    assert count_extracted([*tokens, False]) == 0
    assert count_extracted([False, *tokens]) == count_extracted(tokens)


def test_a_log_prob_that_is_no_number_names_the_passage() -> None:
    broken = replace(forced("11"), logprobs=(-1.0, nan))
    with pytest.raises(Fault, match="verbmem-0: a log-prob is not a finite number"):
        sample(broken, Task(FAMILY, DATA))


def test_its_value_is_the_mean_in_points_and_one_passage_has_the_whole_scale() -> None:
    task = Task(FAMILY, DATA)
    two = [sample(forced("01"), task), sample(forced("11"), task)]
    assert EXTRACTION_STRENGTH.measure(two, None, 0, 100).value == 75
    assert EXTRACTION_STRENGTH.measure(two[:1], None, 0, 100).ci95 == (0, 100)
    assert EXTRACTION_STRENGTH.source is FORCE


def test_without_the_models_first_choices_there_is_no_number() -> None:
    row = replace(forced("101"), greedy=())
    with pytest.raises(Fault, match="verbmem-0 was scored without the model's first choices"):
        sample(row, Task(FAMILY, DATA, MUSE))
