"""What PrivLeak is set against where it is not the retrained model of the same run."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from math import nan
from pathlib import Path

import pytest

from loaders import Family, Fault, Score
from loaders.fake import FakeEngine
from loaders.family import ReferenceAuc
from metrics import Data, Finished, Measurement, Results, Skipped, run
from metrics.formulas.privleak import PRIVLEAK, measure, privleak
from metrics.metric import Reference
from metrics.passes import Task
from metrics.profile import MUSE, OPEN_UNLEARNING, Profile
from metrics.reading.statistics import (
    auc,
    percentile_interval,
    resampled_auc,
    resampled_counts,
    wins,
)
from metrics.references import declared_reference, full_reference
from tests.unit.metrics.formulas.test_privleak import samples
from tests.unit.metrics.library import DATA, FAMILY, make_family, ready

DECLARED = ReferenceAuc("Shi et al. 2024", {"privleak": 0.5393})


class FourBit(FakeEngine):
    """At nf4, where its retrained model finds texts as likely as `npo` does."""

    precision = "nf4"

    def score(
        self,
        model: str,
        texts: Sequence[str],
        prompts: Sequence[str] | None = None,
        moments: bool = False,
    ) -> Iterator[Score | None]:
        other = "npo" if model == "retrained" else model
        yield from super().score(other, texts, prompts, moments)


@pytest.fixture
def family(tmp_path: Path) -> Family:
    return make_family(tmp_path)


def privleaks(results: Results) -> dict[str, Measurement]:
    """By model."""
    return {record.model: record.metrics["privleak"] for record in results.records}


def measured(
    engine: FakeEngine,
    family: Family,
    full: Results | None = None,
    *,
    data: Data = DATA,
    profile: Profile = MUSE,
    models: Sequence[str] | None = None,
) -> Results:
    """A run of PrivLeak alone."""
    found = run(
        ready(engine, family),
        family,
        data,
        models=models,
        metrics=["privleak"],
        profile=profile,
        resamples=50,
        full=full,
    )
    last = list(found)[-1]
    assert isinstance(last, Finished)
    return last.results


def full_precision(family: Family) -> Results:
    return measured(FakeEngine(lambda model, prompt: ""), family)


def four_bit(family: Family, full: Results | None, data: Data = DATA) -> dict[str, Measurement]:
    return privleaks(measured(FourBit(lambda model, prompt: ""), family, full, data=data))


def test_a_declared_auc_stands_in_for_a_retrained_model(family: Family) -> None:
    family = replace(family, reference_auc=DECLARED)
    found = privleaks(measured(FakeEngine(lambda m, p: ""), family, models=["original", "npo"]))
    # npo: Min-40% of the forget texts 4.7075 and 3.4375, of the holdout texts 3.4375 and 3.61:
    # one holdout text is lower than the first, ties with the second, the other only than the first:
    # AUC = (1 + ½ + 1 + 0) / 4
    assert found["npo"].auc == 0.625
    assert found["npo"].value == pytest.approx(100 * (0.625 - 0.5393) / 0.5393)
    assert {m.reference for m in found.values()} == {"declared: Shi et al. 2024"}


def test_a_retrained_model_of_the_run_goes_before_a_declared_auc(family: Family) -> None:
    family = replace(family, reference_auc=DECLARED)
    found = privleaks(measured(FakeEngine(lambda m, p: ""), family))
    assert {m.reference for m in found.values()} == {"retrained @ fp32, this run"}
    assert found["npo"].value == pytest.approx(100 * (0.625 - 0.5) / 0.5)


def test_with_a_declared_auc_only_the_models_own_is_resampled() -> None:
    forget, holdout = [5.0, 2.0, 4.0, 1.0], [3.0, 1.5, 4.5]
    found = measure(samples(forget, holdout), Reference("declared: x", auc=0.4), 3, 400)
    drawn_f, drawn_h = resampled_counts(4, (3, 0), 400), resampled_counts(3, (3, 1), 400)
    ours = resampled_auc(wins(holdout, forget), drawn_h, drawn_f)
    assert found.auc == auc(holdout, forget)
    assert found.ci95 == pytest.approx(percentile_interval(100 * (ours - 0.4) / 0.4))
    assert found.ci95[0] < found.value < found.ci95[1]


def test_where_no_resample_changes_the_models_auc_the_interval_is_a_point() -> None:
    found = measure(samples([8, 9], [1, 2]), Reference("declared: x", auc=0.5), 0, 100)
    assert (found.value, found.ci95) == (100.0, (100.0, 100.0))


def test_one_text_a_split_leaves_the_whole_axis_of_a_declared_auc() -> None:
    found = measure(samples([2], [1]), Reference("declared: x", auc=0.8), 0, 100)
    assert found.ci95 == pytest.approx((-100, 25))


@pytest.mark.parametrize("declared", [0.0, -0.5, 53.93, nan])
def test_an_auc_that_is_none_is_a_fault(declared: float) -> None:
    family = replace(FAMILY, reference_auc=ReferenceAuc("x", {"privleak": declared}))
    with pytest.raises(Fault, match=r"of the family lamp has privleak = .*; an AUC is more than 0"):
        declared_reference(family, PRIVLEAK)


def test_an_auc_of_another_metric_is_no_reference() -> None:
    family = replace(FAMILY, reference_auc=ReferenceAuc("x", {"loss": 0.47}))
    with pytest.raises(Fault, match=r"family lamp has none; \[reference_auc\] in its file can"):
        declared_reference(family, PRIVLEAK)


def test_below_full_precision_it_is_set_against_full_precision_too(family: Family) -> None:
    full = full_precision(family)
    npo = four_bit(family, full)["npo"]
    # At nf4 the retrained model has npo's AUC, .625; in fp32 it had .5.
    assert (npo.value, npo.reference) == (0.0, "retrained @ nf4, this run")
    assert npo.full is not None
    assert npo.full.value == pytest.approx(100 * (0.625 - 0.5) / 0.5)
    assert npo.full.reference == f"retrained @ fp32, {full.created[:10]}"
    assert npo.full.ci95[0] <= npo.full.value <= npo.full.ci95[1]


def test_the_retrained_model_itself_shows_what_quantization_did_to_it(family: Family) -> None:
    found = four_bit(family, full_precision(family))["retrained"]
    assert found.value == 0.0
    assert found.full is not None
    assert found.full.value == pytest.approx(25)


def test_without_results_at_full_precision_there_is_no_second_number(family: Family) -> None:
    assert four_bit(family, None)["npo"].full is None


def test_at_full_precision_there_is_no_second_number(family: Family) -> None:
    again = measured(FakeEngine(lambda m, p: ""), family, full_precision(family))
    assert privleaks(again)["npo"].full is None


def test_on_other_data_there_is_no_second_number(family: Family) -> None:
    other = replace(DATA, sha256="1" * 64)
    assert four_bit(family, full_precision(family), other)["npo"].full is None


def test_by_another_profile_there_is_no_second_number(family: Family) -> None:
    full = measured(FakeEngine(lambda m, p: ""), family, profile=OPEN_UNLEARNING)
    assert four_bit(family, full)["npo"].full is None


def test_against_fewer_texts_there_is_no_second_number_and_the_first_stands(
    family: Family,
) -> None:
    some = replace(DATA, privleak_forget=DATA.privleak_forget[:1])
    full = measured(FakeEngine(lambda m, p: ""), family, data=some)
    npo = four_bit(family, full)["npo"]
    assert (npo.value, npo.full) == (0.0, None)


def test_full_precision_without_the_retrained_model_or_its_number_is_no_reference(
    family: Family,
) -> None:
    full, task = full_precision(family), Task(family, DATA)
    assert full_reference(full, task, "nf4", PRIVLEAK) is not None
    others = tuple(record for record in full.records if record.model != "retrained")
    assert full_reference(replace(full, records=others), task, "nf4", PRIVLEAK) is None
    dashes = tuple(replace(record, metrics={}) for record in full.records)
    assert full_reference(replace(full, records=dashes), task, "nf4", PRIVLEAK) is None
    alone = replace(family, models=tuple(s for s in family.models if s.role != "retrained"))
    assert full_reference(full, Task(alone, DATA), "nf4", PRIVLEAK) is None


def test_a_declared_auc_out_of_bounds_is_a_dash_and_not_a_number(family: Family) -> None:
    family = replace(family, reference_auc=ReferenceAuc("x", {"privleak": 53.93}))
    engine = ready(FakeEngine(lambda model, prompt: ""), family)
    found = list(run(engine, family, DATA, models=["npo"], metrics=["privleak"]))
    (dash,) = [event for event in found if isinstance(event, Skipped)]
    assert "has privleak = 53.93" in dash.reason


def test_profiles_that_show_aucs_the_other_way_round_have_the_same_privleak() -> None:
    # open-unlearning: ((1 − s) − (1 − r)) / (1 − r) of the AUCs that it shows
    shown, reference = OPEN_UNLEARNING.shown_auc(0.236), OPEN_UNLEARNING.shown_auc(0.539)
    theirs = 100 * ((1 - shown) - (1 - reference)) / (1 - reference)
    assert privleak(0.236, 0.539) == pytest.approx(theirs)
