"""The HTML of the Sweep page, by what it says and what it never lets through."""

from dataclasses import replace

from dashboard.sweep.methods import describe_setting, name_shipped, plain
from dashboard.sweep.tables import forgot_table, shipped_table, sweep_head, sweep_said
from metrics.choosing.rule import mark
from tests.trials import GOOD, RETRAINED, small_sweep, tried
from tests.unit.dashboard.sight import FAMILY, PROVENANCE

SWEEP = small_sweep()


def test_numbers_of_a_sweep_are_recorded_in_fp32_and_a_toy_s() -> None:
    for html in (sweep_head(FAMILY, SWEEP), shipped_table(PROVENANCE, SWEEP)):
        assert "FP32 · RECORDED · TOY" in html
        assert "n = 50 passages, 100 questions a side and 200 texts per trial." in html
        assert "Original sha256:ba9876543210, Retrained sha256:0123456789ab" in html
    assert "selection half of the rows" in shipped_table(PROVENANCE, SWEEP)


def test_older_trials_do_not_say_what_they_do_not_know() -> None:
    unknown = [replace(t, passages=0, questions=0, texts=0, base="") for t in SWEEP]
    assert "n = " not in sweep_head(FAMILY, unknown)
    assert "Revisions" not in sweep_head(FAMILY, unknown)


def test_a_shipped_setting_has_all_values_and_its_seeds_below() -> None:
    html = shipped_table(PROVENANCE, SWEEP)
    npo = html[html.index("</span>NPO</div>") : html.index("</span>SimNPO</div>")]
    for cell in ("0.001", "0.01", "<td>1</td>", "<td>20</td>", "<b>60.0</b>", "<b>0.85</b>"):
        assert cell in npo
    assert "50.0 to 64.0" in npo
    assert "AUC 0.40" in npo
    assert "SimNPO tuned" in html
    assert "out of bounds by 3.0 points on PrivLeak" in html


def test_what_they_are_read_against_stands_above_them() -> None:
    html = shipped_table(PROVENANCE, SWEEP)
    assert html.index("</span>Original") < html.index("</span>Retrained") < html.index("</span>NPO")


def test_counts_say_of_how_many_and_nothing_where_nothing_was_tried() -> None:
    html = forgot_table(SWEEP)
    ascent = html[html.index("Gradient ascent") :]
    assert "<b>0</b> of 2" in ascent
    assert ascent.count("—") == 2
    assert "at most 5 points above Retrained" in html
    assert "at least 80 % of" in html


def test_a_method_s_name_is_never_run() -> None:
    trials = mark([RETRAINED, tried("<script>${1}", 1.0, 50.0)])
    for html in (forgot_table(trials), sweep_said(trials)):
        assert "<script>" not in html
        assert "${" not in html


def test_settings_are_written_as_people_write_them() -> None:
    assert [plain(value) for value in (2e-5, 0.0007, 10.0, 1.0, 0.0, None)] == [
        "0.00002",
        "0.0007",
        "10",
        "1",
        "0",
        "—",
    ]
    assert describe_setting(replace(GOOD, beta=None)) == "lr 0.001 · λ 1 · 20 steps · seed 0"


def test_a_tuned_model_is_called_by_its_own_row_where_the_family_has_one() -> None:
    tuned = replace(GOOD, shipped_as="npo_tuned")
    assert name_shipped(FAMILY, tuned) == "NPO tuned"
    own = replace(FAMILY.model("npo"), key="npo_tuned", label="NPO at its best λ")
    assert name_shipped(replace(FAMILY, models=(*FAMILY.models, own)), tuned) == "NPO at its best λ"
