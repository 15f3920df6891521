"""Recovery: hand-worked ratios, where there is a dash, and what all of them say together."""

from dataclasses import replace

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from loaders.family import ReferenceAuc
from metrics import HEADLINE, Results
from metrics.reading.recovery import (
    Dash,
    Recovery,
    full_precision,
    judge,
    list_precisions,
    measured_at,
    recover,
    recovery,
)
from metrics.registry import find_metric
from metrics.results import Against
from tests.precisions import BACK, FULL, NOTHING, TRACES, Values, made_results
from tests.stage import staged_family

FAMILY = staged_family()
PRIVLEAK = find_metric("privleak")
VALUE = st.floats(-100, 100)


def cells(results: Results) -> dict[tuple[str, str, str], Recovery | Dash]:
    found = recover(results, FAMILY, HEADLINE, resamples=300)
    return {(cell.model, cell.metric, cell.precision): cell for cell in found}


def made(values: Values, *key: str) -> Recovery:
    cell = cells(made_results(values))[key[0], key[1], key[2]]
    assert isinstance(cell, Recovery)
    return cell


def test_the_formula_by_hand() -> None:
    assert recovery(66.0, 0.4, 99.8) == pytest.approx(0.66, abs=0.001)
    assert recovery(10.0, 20.0, 100.0) == -0.125
    assert recovery(50.0, 40.0, 45.0) == 2.0


def test_under_five_points_or_a_twentieth_there_is_none() -> None:
    assert recovery(50.0, 40.0, 44.9) is None
    assert recovery(50.0, 40.0, 35.1) is None
    assert recovery(0.5, 0.4, 0.46, least=0.05) == pytest.approx(1.667, abs=0.001)
    assert recovery(0.5, 0.4, 0.44, least=0.05) is None


@given(VALUE, VALUE)
def test_what_full_precision_has_is_nothing_and_what_the_original_has_is_all(
    full: float, original: float
) -> None:
    assume(abs(original - full) >= 5)
    assert recovery(full, full, original) == 0
    assert recovery(original, full, original) == 1


def test_of_answers_it_is_the_ratio_of_means_with_an_interval_around_it() -> None:
    cell = made(BACK, "npo", "verbmem_f", "fp4")
    assert (cell.at_p, cell.at_full, cell.original) == pytest.approx((50.0, 10.0, 90.0))
    assert cell.value == pytest.approx(0.5)
    assert cell.n == 20
    assert cell.ci95 is not None
    assert cell.ci95[0] <= 0.5 <= cell.ci95[1]
    assert cell.is_above_zero


def test_an_interval_draws_the_same_rows_for_all_three() -> None:
    """Scores that rise and fall together leave a ratio without any spread."""
    cell = made(BACK, "npo", "verbmem_f", "fp4")
    assert cell.ci95 == pytest.approx((0.5, 0.5))


def test_of_texts_it_is_that_of_their_auc() -> None:
    """(0.3 − 0.4) / (0 − 0.4), whatever they are set against."""
    cell = made(BACK, "npo", "privleak", "fp4")
    assert cell.value == pytest.approx(0.25)
    assert (cell.at_p, cell.at_full, cell.original) == pytest.approx((-40.0, -20.0, -100.0))
    assert cell.ci95 is not None
    assert cell.ci95[0] < 0.25 < cell.ci95[1]


def test_lost_utility_can_come_back_too() -> None:
    assert made(BACK, "npo", "knowmem_r", "fp4").value == pytest.approx(0.25)
    assert made(NOTHING, "npo", "knowmem_r", "fp4").value == pytest.approx(-0.5)


def test_a_dash_says_why() -> None:
    near = cells(made_results())["simnpo", "knowmem_r", "nf4"]
    assert isinstance(near, Dash)
    assert near.reason == "Original is 2.0 away; to less than 5 points a ratio says nothing."
    close = {**FULL, "simnpo": replace(FULL["simnpo"], fluency=0.88)}
    fluency = cells(made_results({"fp32": close, "nf4": close}))["simnpo", "fluency", "nf4"]
    assert isinstance(fluency, Dash)
    assert fluency.reason == "Original is 0.02 away; to less than 0.05 a ratio says nothing."


def test_fluency_is_on_a_scale_of_its_own() -> None:
    """0.85 is 0.05 from the original's 0.9: five points of a hundred, and there is a ratio."""
    values = {"fp32": FULL, "nf4": {**FULL, "npo": replace(FULL["npo"], fluency=0.85)}}
    assert made(values, "npo", "fluency", "nf4").value == pytest.approx(0.5)


def test_what_was_not_measured_is_a_dash() -> None:
    without = {"fp32": FULL, "nf4": {k: v for k, v in FULL.items() if k != "npo"}}
    cell = cells(made_results(without))["npo", "verbmem_f", "nf4"]
    assert isinstance(cell, Dash)
    assert cell.reason == "NPO was not measured at nf4."


def test_other_data_at_one_precision_is_not_compared() -> None:
    results = made_results()
    records = tuple(
        replace(r, data_sha256="cd" * 32) if r.precision == "nf4" else r for r in results.records
    )
    cell = cells(replace(results, records=records))["npo", "verbmem_f", "nf4"]
    assert isinstance(cell, Dash)
    assert cell.reason == "NPO was measured on other data at nf4 than at fp32."


def test_without_full_precision_or_an_original_everything_is_a_dash() -> None:
    bare = {name: models for name, models in NOTHING.items() if name != "fp32"}
    assert full_precision(made_results(bare)) is None
    for cell in recover(made_results(bare), FAMILY, HEADLINE):
        assert isinstance(cell, Dash)
        assert cell.reason == "Nothing was measured at full precision (fp32 or bf16)."
    family = replace(FAMILY, models=FAMILY.models[1:])
    reasons = {c.reason for c in recover(made_results(), family, HEADLINE) if isinstance(c, Dash)}
    assert reasons == {"The family has no original model, and recovery is the way back to it."}


def test_bf16_stands_for_full_precision_where_there_is_no_fp32() -> None:
    results = made_results({"bf16": FULL, "nf4": NOTHING["nf4"]})
    assert full_precision(results) == "bf16"
    assert list_precisions(results) == ("bf16", "nf4")
    assert {precision for _, _, precision in cells(results)} == {"nf4"}


def test_precisions_stand_from_the_most_bits_to_the_fewest() -> None:
    values = dict.fromkeys(("fp4", "int8", "nf4", "fp32", "bf16"), FULL)
    assert list_precisions(made_results(values)) == ("fp32", "bf16", "int8", "nf4", "fp4")


def test_privleak_is_read_against_retrained_at_full_precision() -> None:
    """At nf4 Retrained has an AUC of .4: against that NPO's .4 would be 0."""
    values = {"fp32": FULL, "nf4": {**FULL, "retrained": replace(FULL["retrained"], likely=4)}}
    results = made_results(values)
    record = results.record("npo", "nf4")
    assert record is not None
    assert record.metrics["privleak"].value == pytest.approx(0.0)
    found = measured_at(results, FAMILY, "npo", "nf4", PRIVLEAK)
    assert found is not None
    assert found.value == pytest.approx(-20.0)
    assert found.reference == "retrained @ fp32"
    ruler = measured_at(results, FAMILY, "retrained", "nf4", PRIVLEAK)
    assert ruler is not None
    assert ruler.value == pytest.approx(-20.0)


def test_the_number_that_the_run_itself_set_against_full_precision_is_taken() -> None:
    results = made_results()
    against = Against(-12.0, (-20.0, -4.0), "retrained @ fp32, 2026-11-24")
    record = results.record("npo", "nf4")
    assert record is not None
    leak = replace(record.metrics["privleak"], full=against)
    newer = replace(record, metrics={**record.metrics, "privleak": leak})
    records = tuple(newer if r is record else r for r in results.records)
    found = measured_at(replace(results, records=records), FAMILY, "npo", "nf4", PRIVLEAK)
    assert found is not None
    assert (found.value, found.ci95, found.reference) == (-12.0, (-20.0, -4.0), against.reference)


def test_a_declared_auc_is_the_same_at_every_precision() -> None:
    """Without a retrained model the numbers stand as they are, and recovery needs no reference."""
    models = {key: scores for key, scores in FULL.items() if key != "retrained"}
    results = made_results({"fp32": FULL, "nf4": FULL | {"npo": replace(FULL["npo"], likely=2)}})
    kept = tuple(record for record in results.records if record.model in models)
    specs = tuple(spec for spec in FAMILY.models if spec.key in models)
    declared = ReferenceAuc("a paper", {"privleak": 0.5})
    family = replace(FAMILY, models=specs, reference_auc=declared)
    found = measured_at(replace(results, records=kept), family, "npo", "nf4", PRIVLEAK)
    record = results.record("npo", "nf4")
    assert record is not None
    assert found == record.metrics["privleak"]


def test_nothing_came_back() -> None:
    verdict = judge(recover(made_results(), FAMILY, HEADLINE, 300), HEADLINE)
    assert verdict.kind == "nothing"
    assert {cell.metric for cell in verdict.forgotten} == {"verbmem_f", "knowmem_f", "privleak"}
    assert verdict.most.value == 0
    assert [(cell.model, cell.metric) for cell in verdict.below] == [("npo", "knowmem_f")]


def test_something_came_back_only_with_an_interval_above_zero_and_a_twentieth() -> None:
    some = judge(recover(made_results(BACK), FAMILY, HEADLINE, 300), HEADLINE)
    assert some.kind == "some"
    assert (some.most.metric, some.most.precision) == ("verbmem_f", "fp4")
    assert [cell.metric for cell in some.above] == ["verbmem_f"]
    traces = judge(recover(made_results(TRACES), FAMILY, HEADLINE, 300), HEADLINE)
    assert traces.kind == "traces"
    assert traces.most.value == pytest.approx(0.01)


def test_utility_that_comes_back_is_no_answer_to_the_question() -> None:
    values = {"fp32": FULL, "nf4": FULL | {"npo": replace(FULL["npo"], knowmem_r=0.9)}}
    assert judge(recover(made_results(values), FAMILY, HEADLINE, 300), HEADLINE).kind == "nothing"


def test_dashes_alone_say_nothing() -> None:
    found = [Dash("npo", "verbmem_f", "nf4", "why")]
    assert judge(found, HEADLINE).kind == "unknown"


def test_one_sample_has_a_value_and_no_interval() -> None:
    results = made_results(BACK)
    records = []
    for record in results.records:
        verbmem = record.metrics["verbmem_f"]
        one = replace(verbmem, samples=verbmem.samples[:1], n=1)
        records.append(replace(record, metrics={**record.metrics, "verbmem_f": one}))
    cell = cells(replace(results, records=tuple(records)))["npo", "verbmem_f", "fp4"]
    assert isinstance(cell, Recovery)
    assert cell.ci95 is None
    assert not cell.is_above_zero
