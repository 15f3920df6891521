"""Numbers and labels as they are written."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dashboard.labels import describe_sampling, duration, signed, spread
from loaders import Sampling
from metrics.reading.numerals import number


def test_labels_that_collide_are_moved_apart_and_no_further() -> None:
    assert spread([100, 14, 13], 8, 0, 104) == [100, 17.5, 9.5]


def test_labels_with_room_stay_where_they_are() -> None:
    assert spread([90, 50, 10], 8, 0, 100) == [90, 50, 10]


@given(st.lists(st.floats(0, 100), min_size=1, max_size=6))
def test_labels_never_overlap_and_stay_on_the_chart(values: list[float]) -> None:
    placed = sorted(spread(values, 8, 0, 100))
    assert all(b - a >= 8 - 1e-6 for a, b in pairwise(placed))
    assert placed[0] >= -1e-6
    assert placed[-1] <= 100 + 1e-6


@pytest.mark.parametrize(
    ("sampling", "chip"),
    [
        (Sampling(96), "greedy · 96 tokens · seed 0"),
        (Sampling(32, 0.7, 0.9, 5), "temperature 0.7 · top-p 0.9 · 32 tokens · seed 5"),
    ],
)
def test_the_chip_says_its_values_in_words(sampling: Sampling, chip: str) -> None:
    assert describe_sampling(sampling) == chip


def test_numbers_have_real_minus_signs_and_no_minus_zero() -> None:
    assert number(-96.84, 1) == "−96.8"
    assert number(-0.01, 1) == "0.0"
    assert signed(-6.7, 0) == "−7"
    assert signed(6.7, 0) == "+7"
    assert signed(0.2, 0) == "±0"


def test_durations_are_rough() -> None:
    assert (duration(0.2), duration(14.4), duration(200)) == ("1 s", "14 s", "3 min")
