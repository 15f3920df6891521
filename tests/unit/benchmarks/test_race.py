"""Contenders by turns."""

from benchmarks.race import Lap, race, seconds, times_faster


def test_contenders_take_turns() -> None:
    order: list[str] = []

    def contender(name: str) -> int:
        order.append(name)
        return len(order)

    laps = race({"a": lambda: contender("a"), "b": lambda: contender("b")}, 3)
    assert "".join(order) == "ababab"
    assert [lap.result for lap in laps["b"]] == [2, 4, 6]
    assert all(lap.seconds >= 0 for lap in laps["a"])


def test_ratios_are_taken_lap_by_lap() -> None:
    ours, theirs = [Lap(1.0, ""), Lap(2.0, "")], [Lap(10.0, ""), Lap(24.0, "")]
    assert times_faster(ours, theirs) == (10.0, 12.0)
    assert seconds({"ours": ours}) == {"ours": [1.0, 2.0]}
