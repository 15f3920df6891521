"""Lines through seconds, longer data, wider families, and memory read from the system."""

from dataclasses import replace

import pytest

from benchmarks.fresh import Fresh, peak_bytes
from benchmarks.rows import of_length
from benchmarks.scaling import fit, memory_figure, models_figure, rows_figure, widened
from loaders import load_family
from tests.unit.metrics.library import DATA

MIB = 2**20
PASSES = [
    [Fresh(rows, seconds, peak * MIB) for rows, seconds, peak in run]
    for run in (((25, 1.5, 400), (50, 2.0, 500), (100, 3.0, 510)),)
]


def test_a_straight_line_is_found_and_explains_all() -> None:
    line = fit([1, 2, 4], [3.0, 5.0, 9.0])
    assert (line.slope, line.start, line.r2) == pytest.approx((2.0, 1.0, 1.0))


def test_a_bent_line_explains_less() -> None:
    # By hand: slope 4.5, start −4; residuals 0.5, −1, 0.5, deviations from the mean −4, −1, 5.
    assert fit([1, 2, 3], [1.0, 4.0, 10.0]).r2 == pytest.approx(1 - 1.5 / 42)


def test_rows_are_told_in_milliseconds() -> None:
    figure = rows_figure(PASSES, "nf4")
    assert figure.name == "scaling_rows_nf4"
    assert figure.value == pytest.approx(1.0)
    assert "20.0 ms a row + 1.00 s" in figure.note
    assert figure.details["rows"] == [25, 50, 100]


def test_memory_is_set_against_the_middle_row_count() -> None:
    figure = memory_figure(PASSES, "fp32")
    assert figure.value == 510 / 500
    assert figure.met
    assert figure.note == "400–510 MiB at 25–100 rows"


def test_a_line_that_starts_below_zero_says_so() -> None:
    figure = models_figure({1: [1.0], 2: [3.0]}, "nf4", 8)
    assert figure.note.endswith("2.00 s a model − 1.00 s")


def test_models_are_fitted_over_the_median_laps() -> None:
    figure = models_figure({1: [1.0, 1.0, 9.0], 2: [2.0, 2.0, 2.0], 4: [4.0, 4.0, 4.0]}, "fp32", 8)
    assert figure.name == "scaling_models"
    assert "1.00 s a model + 0.00 s" in figure.note
    assert len(figure.runs) == 3
    assert figure.runs[2] < 0.98


def test_longer_data_begins_again_with_new_ids() -> None:
    data = of_length(DATA, 5)
    assert [row.id for row in data.verbmem] == [
        "verbmem-0",
        "verbmem-1",
        "verbmem-0+1",
        "verbmem-1+1",
        "verbmem-0+2",
    ]
    assert data.verbmem[4].prompt == DATA.verbmem[0].prompt
    assert {len(rows) for rows in (data.knowmem_f, data.knowmem_r)} == {5}
    assert {len(rows) for rows in (data.privleak_forget, data.privleak_holdout)} == {5}
    assert data.shots_f == DATA.shots_f
    assert of_length(DATA, 1).knowmem_r == DATA.knowmem_r[:1]


def test_a_wider_family_has_one_retrained_model_and_keys_of_its_own() -> None:
    family = widened(load_family("demo"), 6)
    keys = [spec.key for spec in family.models]
    assert keys == ["retrained", "original", "npo", "simnpo", "retrained_1", "original_1"]
    assert [spec.role for spec in family.models].count("retrained") == 1
    assert family.models[4].repo == family.models[0].repo
    assert replace(family, models=family.models[:1]).retrained is family.models[0]


def test_peak_memory_counts_what_was_touched() -> None:
    before = peak_bytes()
    block = bytearray(b"x") * (before + 64 * MIB)
    assert peak_bytes() >= before + 32 * MIB
    assert len(block) > before
