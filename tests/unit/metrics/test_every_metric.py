"""What holds of all metrics alike, over one data set that has rows for each of them."""

from dataclasses import replace
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from loaders.fake import FakeEngine
from metrics import (
    METRICS,
    Finished,
    Measurement,
    Metric,
    Question,
    Results,
    Text,
    from_json,
    run,
    to_json,
)
from metrics.metric import Reference
from metrics.reading.comparison import Comparison, compare
from tests.unit.metrics.library import DATA, make_family, ready

RICH = replace(
    DATA,
    knowmem_f=(
        Question("forget_qa-0", "Who?", "the keeper", "a keeper", ("a miller", "two owls")),
    ),
    knowmem_r=(Question("retain_qa-0", "What?", "the door", "a door", ("the sea", "the roof")),),
    knowmem_rehearsed=(Question("retain1_qa-0", "Who baked?", "Odwin Tressle"),),
    privleak_retain=(
        Text("privleak_retain-0", "retain", "u v w the keeper lit"),
        Text("privleak_retain-1", "retain", "the lamp out"),
    ),
)
GROUPS = ("headline", "memorization", "membership", "utility")
each_metric = pytest.mark.parametrize("metric", METRICS, ids=lambda metric: metric.key)


@cache
def measured() -> Results:
    with TemporaryDirectory() as folder:
        family = make_family(Path(folder))
        engine = ready(
            FakeEngine(lambda model, prompt: f"the keeper lit {model} and slept"), family
        )
        last = list(run(engine, family, RICH, metrics=["all"], resamples=50))[-1]
    assert isinstance(last, Finished)
    return last.results


def number(metric: Metric, model: str = "npo") -> Measurement:
    record = measured().record(model, "fp32")
    assert record is not None
    return record.metrics[metric.key]


def against(metric: Metric) -> Reference | None:
    stored = number(metric, "retrained")
    return Reference(stored.reference or "", stored.samples) if metric.needs_reference else None


def test_they_stand_in_the_order_of_their_groups_and_no_two_look_alike() -> None:
    groups = [metric.group for metric in METRICS]
    assert groups == sorted(groups, key=GROUPS.index)
    assert len({metric.key for metric in METRICS}) == len({m.label for m in METRICS}) == len(groups)


@each_metric
def test_its_number_is_a_function_of_the_samples_that_are_kept(metric: Metric) -> None:
    kept = number(metric)
    again = metric.measure(kept.samples, against(metric), 0, 50)
    assert again.value == pytest.approx(kept.value)
    assert again.ci95 == pytest.approx(kept.ci95)
    assert again.n == kept.n == len(kept.samples)


@each_metric
def test_its_value_lies_within_its_interval_and_the_retrained_models_is_set_against_itself(
    metric: Metric,
) -> None:
    low, high = number(metric).ci95
    assert low - 1e-9 <= number(metric).value <= high + 1e-9
    if metric.best == "zero":
        assert number(metric, "retrained").value == 0


@each_metric
def test_its_samples_are_rows_of_its_pass(metric: Metric) -> None:
    ids = [sample.id for sample in number(metric).samples]
    assert ids == [id for id in metric.ids(RICH) if id in ids]


def test_all_of_them_are_written_and_read_back() -> None:
    assert from_json(to_json(measured())) == measured()


@each_metric
@pytest.mark.filterwarnings("ignore:Mean of empty slice", "ignore:invalid value")
def test_a_comparison_has_the_metrics_own_values_or_a_reason(metric: Metric) -> None:
    made = compare(measured(), [metric], "retrained", "original", resamples=20, permutations=20)
    found = made.find("npo", "fp32", metric.key, "retrained")
    assert found is not None
    if isinstance(found, Comparison):
        assert found.ours == pytest.approx(number(metric).value)
        assert found.theirs == pytest.approx(number(metric, "retrained").value)
    else:
        assert "neither a mean nor an AUC" in found.reason
        assert metric.key.startswith("perplexity")
