"""The printed table: one line a figure, with what it was held against."""

from benchmarks.table import table
from tests.unit.benchmarks.hand import figure


def test_a_line_has_median_spread_target_and_note() -> None:
    head, line = table([figure(note="texts identical 100.0% of 24")]).splitlines()
    assert head.split() == ["median", "spread", "target", "met", "note"]
    assert line.split("  ")[0] == "suite_vs_reference"
    for part in ("12.0", "11.0–12.5", "≥ 10", "yes", "texts identical 100.0% of 24"):
        assert part in line


def test_a_line_says_why_it_is_not_met() -> None:
    line = table([figure(misses=("scores apart",), note="24 texts")]).splitlines()[1]
    assert line.endswith("no   scores apart; 24 texts")


def test_seconds_have_their_unit_and_an_upper_bound() -> None:
    line = table(
        [figure("start_page", (1.894, 1.95), unit="seconds", bound="at most", target=6.0)]
    ).splitlines()[1]
    for part in ("1.92 s", "1.89–1.95", "≤ 6 s", "yes"):
        assert part in line


def test_columns_stand_under_each_other() -> None:
    lines = table([figure("a", note="x"), figure("a_longer_name", note="x")]).splitlines()
    assert lines[1].index(" x") == lines[2].index(" x")
    assert lines[0].index("note") == lines[1].index("x")
