"""Numbers as people read them."""

import pytest

from metrics.reading.numerals import number, probability


@pytest.mark.parametrize(
    ("value", "decimals", "text"),
    [(12.34, 1, "12.3"), (-12.34, 1, "−12.3"), (-0.04, 1, "0.0"), (137140.4, 1, "137,140")],
)
def test_a_number(value: float, decimals: int, text: str) -> None:
    assert number(value, decimals) == text


@pytest.mark.parametrize(
    ("p", "text"), [(0.0004, "< .001"), (0.0123, ".012"), (0.5, ".500"), (0.9999, "1")]
)
def test_a_p_value(p: float, text: str) -> None:
    assert probability(p) == text
