import zlib
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from math import inf, nan, sqrt
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loaders import Fault
from loaders.fake import FakeEngine
from loaders.family import ReferenceAuc
from metrics import LikelihoodSample, Measured, Metric, Skipped, run
from metrics.formulas.membership import (
    PRIVLEAK_LOSS,
    PRIVLEAK_MIN_K_PP,
    PRIVLEAK_REFERENCE,
    PRIVLEAK_ZLIB,
    RocPoint,
    ShareAuc,
    auc_by_share,
    loss,
    measure_against,
    roc,
    sample_loss,
    sample_min_k_pp,
    sample_zlib,
    standardized,
)
from metrics.formulas.privleak import PRIVLEAK, SHARES, measure
from metrics.metric import Reference
from metrics.passes import SCORE, Likelihoods, Task
from metrics.profile import OPEN_UNLEARNING
from metrics.reading.comparison import find_axis
from metrics.reading.statistics import auc
from metrics.results import AnySample
from tests.unit.metrics.formulas.test_privleak import NAME, reference, samples
from tests.unit.metrics.library import DATA, FAMILY, make_family, ready, right

TASK = Task(FAMILY, DATA)
VALUE = st.integers(0, 4).map(float)
SCORES = st.lists(VALUE, min_size=1, max_size=8)
SEVERAL = st.lists(VALUE, min_size=2, max_size=8)
PAIRS = st.lists(st.tuples(VALUE, VALUE), min_size=1, max_size=8)
ATTACKS = (PRIVLEAK_LOSS, PRIVLEAK_ZLIB, PRIVLEAK_MIN_K_PP, PRIVLEAK_REFERENCE)


def scored(
    logprobs: Sequence[float],
    means: Sequence[float] = (),
    variances: Sequence[float] = (),
    text: str = "the lamp",
) -> Likelihoods:
    ids, greedy = tuple(range(len(logprobs))), (False,) * len(logprobs)
    name = "privleak_forget-0"
    values = tuple(logprobs), greedy, tuple(means), tuple(variances)
    return Likelihoods(name, "forget", "", text, ids, *values)


def test_the_loss_is_the_mean_log_prob_turned_over() -> None:
    assert sample_loss(scored([-1, -2, -6]), TASK) == LikelihoodSample(
        "privleak_forget-0", "forget", 3.0
    )


def test_zlib_divides_it_by_the_compressed_bytes() -> None:
    text = "là " * 100
    size = len(zlib.compress(text.encode("utf-8")))
    assert size < 30
    assert sample_zlib(scored([-1, -2, -6], text=text), TASK).score == pytest.approx(3 / size)


def test_min_k_pp_standardizes_each_token_by_the_vocabulary() -> None:
    # (−3 + 1) / 2 = −1, (−1 + 2) / 1 = 1, (−5 + 2) / ½ = −6, (−2 + 2) / 1 = 0, (−4 + 2) / 2 = −1
    row = scored([-3, -1, -5, -2, -4], [-1, -2, -2, -2, -2], [4, 1, 0.25, 1, 4])
    assert standardized(row) == (-1, 1, -6, 0, -1)
    # k = int(0.4 · 5) = 2: −6 and −1, so 3.5; int(0.6 · 5) = 3: 8/3
    found = sample_min_k_pp(row, TASK)
    assert found.score == 3.5
    assert found.by_share == (None, None, 6.0, 6.0, 3.5, 3.5, pytest.approx(8 / 3))


def test_open_unlearning_leaves_the_last_token_out_of_min_k_pp() -> None:
    row = scored([-1, -2, -9], [0, 0, 0], [1, 1, 1])
    assert sample_min_k_pp(row, Task(FAMILY, DATA, OPEN_UNLEARNING)).score == 2
    assert sample_min_k_pp(row, TASK).score == 9


def test_a_variance_of_nothing_counts_as_a_millionth() -> None:
    assert standardized(scored([-1, -1], [-1, 0], [0, -1e-9])) == (
        0,
        pytest.approx(-1 / sqrt(1e-6)),
    )


@pytest.mark.parametrize("bad", [nan, -inf])
@pytest.mark.parametrize("attack", ATTACKS, ids=lambda metric: metric.key)
def test_a_log_prob_that_is_no_number_names_the_text(attack: Metric, bad: float) -> None:
    row = scored([-1, bad, -1], [-1, -1, -1], [1, 1, 1])
    with pytest.raises(Fault, match="privleak_forget-0: a log-prob is not a finite number"):
        attack.sample(row, TASK)


def test_a_text_that_is_too_short_is_named() -> None:
    with pytest.raises(Fault, match="privleak_forget-0 has no tokens; write a text"):
        loss(scored([]))
    with pytest.raises(Fault, match="privleak_forget-0 has 2 tokens; Min-40% needs 3 or more"):
        sample_min_k_pp(scored([-1, -1], [-1, -1], [1, 1]), TASK)


def test_a_text_scored_without_moments_has_a_loss_and_no_min_k_pp() -> None:
    bare = scored([-1, -2, -3])
    assert sample_loss(bare, TASK).score == 2
    with pytest.raises(Fault, match="scored without the mean and the variance of log p"):
        sample_min_k_pp(bare, TASK)


@given(SCORES, SCORES)
def test_swapping_the_splits_turns_the_auc_over(forget: list[float], holdout: list[float]) -> None:
    one = measure(samples(forget, holdout), Reference("x", auc=0.5), 0, 2)
    other = measure(samples(holdout, forget), Reference("x", auc=0.5), 0, 2)
    assert one.auc is not None
    assert other.auc is not None
    assert one.auc + other.auc == pytest.approx(1)


def test_the_reference_attack_by_hand() -> None:
    # Forget texts lose 3 − 4 and 2 − 2: −1 and 0. Holdout texts 5 − 5 and 3 − 4: 0 and −1.
    # 0 < −1 never, 0 = 0 by half, −1 = −1 by half, −1 < 0: AUC 2/4, so 100 · (½ − ½) / ½ = 0
    found = measure_against(samples([3, 2], [5, 3]), reference([4, 2], [5, 4]), 0, 100)
    assert (found.auc, found.value, found.n, found.reference) == (0.5, 0, 4, NAME)
    assert [one.score for one in found.samples] == [-1, 0, 0, -1]
    # A model that gained on every forget text and on no holdout text
    sure = measure_against(samples([1, 1], [5, 4]), reference([4, 2], [5, 4]), 0, 100)
    assert (sure.auc, sure.value) == (0, -100)


@given(SEVERAL, SEVERAL)
def test_the_retrained_model_is_level_with_itself(
    forget: list[float], holdout: list[float]
) -> None:
    own = samples([x / 3 for x in forget], [x / 7 for x in holdout])
    found = measure_against(own, Reference(NAME, tuple(own)), 0, 20)
    assert (found.auc, found.value, found.ci95) == (0.5, 0, (0, 0))


@given(PAIRS, PAIRS)
def test_samples_that_were_measured_are_measured_alike(
    forget: list[tuple[float, float]], holdout: list[tuple[float, float]]
) -> None:
    ours = samples([x for x, _ in forget], [x for x, _ in holdout])
    theirs = reference([y for _, y in forget], [y for _, y in holdout])
    first = measure_against(ours, theirs, 0, 20)
    stored = Reference(NAME, measure_against(theirs.samples, theirs, 0, 20).samples)
    assert measure_against(first.samples, stored, 0, 20) == first
    assert measure_against(ours, stored, 0, 20) == first
    # Set against another model's losses, what was taken off before is put back.
    other = Reference("other", tuple(replace(sample, score=0.0) for sample in theirs.samples))
    assert measure_against(first.samples, other, 0, 20) == measure_against(ours, other, 0, 20)


def test_its_axis_is_the_whole_scale_on_stored_samples() -> None:
    theirs = reference([4, 2], [5, 4])
    stored = measure_against(samples([3, 2], [5, 3]), theirs, 0, 20).samples
    axis = find_axis(PRIVLEAK_REFERENCE, stored, theirs)
    assert (axis.low, axis.high) == (-100, 100)


def test_without_the_retrained_models_losses_it_is_a_fault() -> None:
    for against in (None, Reference("declared: x", auc=0.5)):
        with pytest.raises(Fault, match=r"takes the retrained model's loss off, text by text"):
            measure_against(samples([1], [2]), against, 0, 10)
    with pytest.raises(Fault, match=f"privleak_holdout-1 was not scored with {NAME}"):
        measure_against(samples([1], [2, 3]), reference([1], [2]), 0, 10)


def test_a_declared_auc_is_a_dash_for_it_and_a_number_for_the_others(tmp_path: Path) -> None:
    declared = ReferenceAuc("x", {"privleak_loss": 0.5, "privleak_reference": 0.5})
    family = replace(make_family(tmp_path, ("original", "npo")), reference_auc=declared)
    engine = ready(FakeEngine(right), family)
    keys = ["privleak_loss", "privleak_reference"]
    found = list(run(engine, family, DATA, models=["npo"], metrics=keys))
    (dash,) = [event for event in found if isinstance(event, Skipped)]
    assert dash.metric == "privleak_reference"
    assert dash.reason.endswith("A declared AUC does not say it.")
    final = [event.metric for event in found if isinstance(event, Measured) and event.final]
    assert final == ["privleak_loss"]


def test_the_curve_by_hand() -> None:
    # Thresholds 1, 2, 3: forget 1 2 2, holdout 2 3
    assert roc(samples([1, 2, 2], [2, 3])) == (
        RocPoint(0, 0),
        RocPoint(0, pytest.approx(1 / 3)),
        RocPoint(0.5, 1),
        RocPoint(1, 1),
    )


def test_texts_that_all_tie_are_one_straight_line() -> None:
    assert roc(samples([1, 1], [1])) == (RocPoint(0, 0), RocPoint(1, 1))


@given(SCORES, SCORES)
def test_the_area_under_the_curve_is_what_the_auc_leaves(
    forget: list[float], holdout: list[float]
) -> None:
    points = roc(samples(forget, holdout))
    area = sum((b.holdout - a.holdout) * (a.forget + b.forget) / 2 for a, b in pairwise(points))
    assert area == pytest.approx(1 - auc(holdout, forget))
    assert points[-1] == RocPoint(1, 1)
    assert list(points) == sorted(points, key=lambda point: (point.holdout, point.forget))


def test_a_curve_needs_both_splits() -> None:
    with pytest.raises(Fault, match="A ROC curve needs holdout texts, and there are none"):
        roc(samples([1], []))


def test_each_share_has_the_auc_of_the_texts_that_are_long_enough() -> None:
    def swept(id: str, split: str, first: float | None, rest: float) -> LikelihoodSample:
        return LikelihoodSample(id, split, rest, (first, *[rest] * 6))

    texts: list[AnySample] = [
        swept("f0", "forget", 1.0, 5.0),
        swept("f1", "forget", None, 5.0),
        swept("h0", "holdout", 2.0, 1.0),
    ]
    first, second, *_ = found = auc_by_share(texts)
    # At the first 2 < 1 does not hold, and f1 is too short; at the second 1 < 5 twice.
    assert first == ShareAuc(0.05, 0.0, 2)
    assert second == ShareAuc(0.1, 1.0, 3)
    assert [one.share for one in found] == list(SHARES)
    assert auc_by_share(texts[:2])[0] == ShareAuc(0.05, None, 1)
    assert auc_by_share(samples([1], [2])) == tuple(ShareAuc(share, None, 0) for share in SHARES)


def test_all_of_them_read_privleaks_texts_and_are_best_at_zero() -> None:
    for metric in ATTACKS:
        assert (metric.source, metric.group, metric.best) == (SCORE, "membership", "zero")
        assert metric.needs_reference
        assert metric.ids(DATA) == PRIVLEAK.ids(DATA)
