"""Two models of one run, on samples written by hand: what is compared, how, and in which words."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from metrics import LikelihoodSample, Measurement, Metric, Results, Sample
from metrics.formulas.fluency import FLUENCY
from metrics.formulas.knowmem import KNOWMEM_R
from metrics.formulas.privleak import PRIVLEAK
from metrics.formulas.repetition import REPETITION
from metrics.formulas.verbmem import VERBMEM
from metrics.metric import Reference
from metrics.reading.comparison import (
    Comparison,
    Comparisons,
    Missing,
    compare,
)
from metrics.reading.difference import find_axis
from metrics.reading.meaning import describe, describe_power, interpret
from metrics.reading.statistics import holm
from metrics.results import AnySample
from tests.unit.metrics.library import make_family
from tests.unit.metrics.test_results import RECORD, RESULTS

VALUE = st.integers(0, 3).map(float)
LEAK = st.lists(st.tuples(VALUE, VALUE), min_size=1, max_size=4)  # (the model's, Retrained's)
SCORES = st.lists(st.tuples(st.floats(0, 1), st.floats(0, 1)), min_size=1, max_size=20)

Model = dict[Metric, Sequence[AnySample]]

LEAK_RETRAINED = ([2.0, 4.0, 1.0, 3.0], [1.0, 3.0, 2.0, 2.0])
LEAK_NPO = ([2.0, 1.0, 1.0, 3.0], [1.0, 3.0, 2.0, 4.0])
LEAK_ORIGINAL = ([1.0, 1.0, 2.0, 1.0], [5.0, 4.0, 2.0, 3.0])


def answers(*scores: float) -> tuple[Sample, ...]:
    return tuple(Sample(f"row-{i}", "p", "r", "o", score) for i, score in enumerate(scores))


def texts(forget: Sequence[float], holdout: Sequence[float]) -> tuple[LikelihoodSample, ...]:
    rows = [LikelihoodSample(f"forget-{i}", "forget", m) for i, m in enumerate(forget)]
    rows += [LikelihoodSample(f"holdout-{i}", "holdout", m) for i, m in enumerate(holdout)]
    return tuple(rows)


def run(models: dict[str, Model], precision: str = "fp32") -> Results:
    """Results whose numbers nobody looks at: a comparison goes by the samples."""
    records = tuple(
        replace(
            RECORD,
            model=model,
            precision=precision,
            metrics={
                metric.key: Measurement(0.0, (0.0, 0.0), len(samples), tuple(samples))
                for metric, samples in measured.items()
            },
        )
        for model, measured in models.items()
    )
    return replace(RESULTS, records=records)


def compared(
    results: Results, *metrics: Metric, retrained: str | None = "retrained", seed: int = 0
) -> Comparisons:
    return compare(
        results, metrics, retrained, "original", seed=seed, resamples=500, permutations=500
    )


def only(results: Results, metric: Metric) -> Comparison:
    """NPO against Retrained."""
    found = compared(results, metric).find("npo", "fp32", metric.key, "retrained")
    assert isinstance(found, Comparison)
    return found


def pair(ours: Sequence[AnySample], theirs: Sequence[AnySample], metric: Metric) -> Results:
    return run({"npo": {metric: ours}, "retrained": {metric: theirs}})


def reasons(found: Comparisons) -> dict[tuple[str, str], str]:
    return {(row.model, row.role): row.reason for row in found.missing}


LEAKS = run(
    {
        "original": {PRIVLEAK: texts(*LEAK_ORIGINAL)},
        "retrained": {PRIVLEAK: texts(*LEAK_RETRAINED)},
        "npo": {PRIVLEAK: texts(*LEAK_NPO)},
    }
)


def test_a_difference_of_means_by_hand() -> None:
    # .5 less on three of four questions: 100 · −1.5 / 4; of 8 patterns of signs 2 reach it
    found = only(pair(answers(0.5, 0, 0.25, 1), answers(1, 0.5, 0.75, 1), KNOWMEM_R), KNOWMEM_R)
    assert found.ours == pytest.approx(100 * 1.75 / 4)
    assert found.theirs == pytest.approx(100 * 3.25 / 4)
    assert found.difference == pytest.approx(-37.5)
    assert found.p == found.p_holm == 2 / 8
    # sd of −.5 −.5 −.5 0 is .25; 2.8016 · .25 / √4 of 100 points
    assert found.detectable == pytest.approx(2.801585 * 12.5)
    assert found.ci95[0] < -37.5 < found.ci95[1] <= 0
    assert (found.n, found.noun, found.points, found.tests) == (4, "answers", True, 1)


def test_fluency_stays_on_its_own_scale() -> None:
    found = only(pair(answers(0.5, 0.7), answers(0.9, 0.9), FLUENCY), FLUENCY)
    assert found.difference == pytest.approx(-0.3)
    assert not found.points


def test_the_interval_is_of_paired_rows() -> None:
    # Each answer is .1 better: whatever is drawn, so is the mean.
    ours = answers(0.1, 0.5, 0.9, 0.3)
    found = only(pair(ours, answers(0, 0.4, 0.8, 0.2), VERBMEM), VERBMEM)
    assert found.ci95 == pytest.approx((10, 10))


def test_samples_are_paired_by_id_and_only_those_that_both_have_count() -> None:
    theirs = (*reversed(answers(0.9, 0.1, 0.5)), Sample("row-9", "p", "r", "o", 1.0))
    found = only(pair(answers(0.9, 0.1, 0.5, 0.7), theirs, VERBMEM), VERBMEM)
    assert (found.n, found.difference, found.ci95) == (3, 0, (0, 0))


@pytest.mark.parametrize(("metric", "high"), [(VERBMEM, 100), (KNOWMEM_R, 100), (FLUENCY, 1)])
def test_a_scale_is_read_off_the_formula(metric: Metric, high: float) -> None:
    axis = find_axis(metric, answers(0.3, 0.4))
    assert (axis.low, axis.high) == (0, high)


def test_the_axis_of_privleak_depends_on_the_reference() -> None:
    # AUC of the retrained: holdout 1 and 3 against forget 2 and 4: 3 of 4; 100 · (1 − ¾) / ¾
    retrained = texts([2, 4], [1, 3])
    axis = find_axis(PRIVLEAK, texts([9, 1], [2, 2]), Reference("retrained", retrained))
    assert (axis.low, axis.high) == (-100, pytest.approx(100 / 3))


@pytest.mark.parametrize("seed", [0, 7])
def test_privleak_against_the_retrained_model_is_privleak(seed: int) -> None:
    found = compared(LEAKS, PRIVLEAK, seed=seed)
    reference = Reference("retrained", texts(*LEAK_RETRAINED))
    for model, leak in (("npo", LEAK_NPO), ("original", LEAK_ORIGINAL)):
        row = found.find(model, "fp32", "privleak", "retrained")
        measured = PRIVLEAK.measure(texts(*leak), reference, seed, 500)
        assert isinstance(row, Comparison)
        assert row.difference == pytest.approx(measured.value)
        assert row.ci95 == pytest.approx(measured.ci95)
        assert (row.n, row.noun, row.theirs) == (8, "texts", pytest.approx(0, abs=1e-9))


@given(LEAK, LEAK)
def test_however_few_the_texts_are_the_interval_is_that_of_privleak(
    forget: list[tuple[float, float]], holdout: list[tuple[float, float]]
) -> None:
    assume(any(h[1] <= f[1] for f in forget for h in holdout))  # else Retrained's AUC is 0
    ours, theirs = (texts([f[i] for f in forget], [h[i] for h in holdout]) for i in (0, 1))
    measured = PRIVLEAK.measure(ours, Reference("retrained", theirs), 0, 100)
    made = compare(pair(ours, theirs, PRIVLEAK), [PRIVLEAK], "retrained", None, resamples=100).made
    assert made[0].ci95 == pytest.approx(measured.ci95, abs=1e-9)
    assert made[0].difference == pytest.approx(measured.value, abs=1e-9)


def test_privleak_of_one_text_a_split_leaves_the_same_axis_as_the_metric() -> None:
    results = pair(texts([2], [1]), texts([1], [1]), PRIVLEAK)
    found = only(results, PRIVLEAK)
    assert found.ci95 == (-100, 100)
    assert found.detectable is None


def test_privleak_against_the_original_is_in_points_of_the_retrained() -> None:
    found = compared(LEAKS, PRIVLEAK).find("npo", "fp32", "privleak", "original")
    assert isinstance(found, Comparison)
    reference = Reference("retrained", texts(*LEAK_RETRAINED))
    ours, theirs = (
        PRIVLEAK.measure(texts(*leak), reference, 0, 10).value for leak in (LEAK_NPO, LEAK_ORIGINAL)
    )
    assert found.ours == pytest.approx(ours)
    assert found.theirs == pytest.approx(theirs)
    assert found.difference == pytest.approx(ours - theirs)
    assert found.ci95[0] <= found.difference <= found.ci95[1]


def measure_falling(
    samples: Sequence[AnySample], reference: Reference | None, seed: int, resamples: int
) -> Measurement:
    """How much a model betrays: 100 · (1 − AUC), without a reference."""
    assert reference is None
    forget = [s.score for s in samples if isinstance(s, LikelihoodSample) and s.split == "forget"]
    holdout = [s.score for s in samples if isinstance(s, LikelihoodSample) and s.split != "forget"]
    won = [(h < f) + (h == f) / 2 for h in holdout for f in forget]
    value = 100 * (1 - sum(won) / len(won))
    return Measurement(value, (value, value), len(samples), tuple(samples))


def test_an_auc_without_a_reference_and_falling_is_compared_as_well() -> None:
    falling = replace(
        PRIVLEAK, key="betrayal", best="low", measure=measure_falling, needs_reference=False
    )
    # ours: 2 of 4 pairs won; theirs: all: 100 · (1 − ½) less 0
    results = pair(texts([4, 1], [2, 3]), texts([3, 4], [1, 2]), falling)
    found = only(results, falling)
    assert (found.ours, found.theirs, found.difference) == (50, 0, 50)
    assert 0 <= found.ci95[0] <= found.ci95[1] <= 100
    rise = compared(LEAKS, PRIVLEAK).find("original", "fp32", "privleak", "retrained")
    fall = only(
        pair(texts(*LEAK_ORIGINAL), texts(*LEAK_RETRAINED), falling),
        falling,
    )
    assert isinstance(rise, Comparison)
    assert rise.difference < 0 < fall.difference
    assert fall.detectable is not None
    assert fall.detectable > 0
    assert rise.p == fall.p


def test_a_formula_that_is_no_mean_has_no_test() -> None:
    def largest(
        samples: Sequence[AnySample], reference: Reference | None, seed: int, resamples: int
    ) -> Measurement:
        value = 100 * max(sample.score for sample in samples)
        return Measurement(value, (value, value), len(samples), tuple(samples))

    metric = replace(VERBMEM, measure=largest)
    found = compared(pair(answers(0, 0.5), answers(1, 0.5), metric), metric)
    assert found.made == ()
    assert "VerbMem is neither a mean nor an AUC" in reasons(found)["npo", "retrained"]


def test_one_sample_can_show_nothing() -> None:
    found = only(pair(answers(1), answers(0), VERBMEM), VERBMEM)
    assert (found.difference, found.p, found.ci95) == (100, 1, (-100, 100))
    assert found.detectable is None


def test_identical_scores_differ_by_nothing() -> None:
    found = only(pair(answers(*[0.4] * 20), answers(*[0.4] * 20), VERBMEM), VERBMEM)
    assert (found.difference, found.p, found.ci95) == (0, 1, (0, 0))
    assert found.detectable is None


def four(*metrics: Metric) -> Results:
    def one(*scores: float) -> Model:
        return dict.fromkeys(metrics, answers(*scores))

    high, low = [0.9, 0.8, 1.0, 0.7] * 5, [0.1, 0.3, 0.0, 0.2] * 5
    return run(
        {
            "original": one(*high),
            "retrained": one(*low),
            "npo": one(*low[1:], 0.4),
            "simnpo": one(*high[1:], 0.4),
        }
    )


def test_everyone_is_set_against_both_and_the_retrained_model_against_none() -> None:
    found = compared(four(VERBMEM), VERBMEM)
    assert [(row.model, row.against, row.role) for row in found.made] == [
        ("original", "retrained", "retrained"),
        ("npo", "retrained", "retrained"),
        ("npo", "original", "original"),
        ("simnpo", "retrained", "retrained"),
        ("simnpo", "original", "original"),
    ]
    assert found.missing == ()
    assert found.find("retrained", "fp32", "verbmem_f", "original") is None


def test_every_precision_is_a_table_of_its_own() -> None:
    nf4 = run({"npo": {VERBMEM: answers(0.5, 1)}, "retrained": {VERBMEM: answers(0, 0)}}, "nf4")
    whole = four(VERBMEM, FLUENCY)
    both = replace(whole, records=(*nf4.records, *whole.records))
    found = compared(both, VERBMEM, FLUENCY)
    fp32 = [row for row in found.made if row.precision == "fp32"]
    assert [row.tests for row in fp32] == [10] * 10
    assert tuple(row.p_holm for row in fp32) == holm([row.p for row in fp32])
    (alone,) = [row for row in found.made if row.precision == "nf4"]
    assert (alone.tests, alone.p_holm) == (1, alone.p)


@given(SCORES, st.integers(0, 3))
def test_the_difference_lies_on_the_scale_and_turns_with_the_models(
    scores: list[tuple[float, float]], seed: int
) -> None:
    one, other = (answers(*(row[i] for row in scores)) for i in (0, 1))
    found, turned = (
        compare(pair(*both, VERBMEM), [VERBMEM], "retrained", None, seed=seed, resamples=50).made[0]
        for both in ((one, other), (other, one))
    )
    assert -100 <= found.ci95[0] <= found.ci95[1] <= 100
    assert turned.difference == pytest.approx(-found.difference, abs=1e-9)
    assert turned.p == found.p


def test_without_a_retrained_model_there_is_a_reason_and_the_original_still_serves() -> None:
    results = run({"original": {VERBMEM: answers(1, 0.9)}, "npo": {VERBMEM: answers(0, 0.1)}})
    found = compared(results, VERBMEM, retrained=None)
    assert [(row.model, row.against) for row in found.made] == [("npo", "original")]
    said = "There is no retrained model to compare with."
    assert reasons(found) == {("original", "retrained"): said, ("npo", "retrained"): said}
    missing = found.find("npo", "fp32", "verbmem_f", "retrained")
    assert isinstance(missing, Missing)


def test_a_reference_of_another_precision_is_none() -> None:
    results = run({"npo": {VERBMEM: answers(1)}}, "nf4")
    records = (*results.records, *run({"retrained": {VERBMEM: answers(1)}}).records)
    found = compared(replace(results, records=records), VERBMEM)
    assert (
        reasons(found)["npo", "retrained"] == "retrained was not measured at nf4; measure it too."
    )


def test_a_metric_that_one_of_them_lacks_is_named() -> None:
    results = run({"npo": {VERBMEM: answers(1)}, "retrained": {}})
    found = compared(results, VERBMEM)
    assert reasons(found)["npo", "retrained"] == "retrained @ fp32 has no number for VerbMem."


def test_numbers_without_samples_in_common_are_not_compared() -> None:
    results = pair(answers(1), (), VERBMEM)
    said = reasons(compared(results, VERBMEM))["npo", "retrained"]
    assert said == "npo and retrained have no sample of VerbMem in common."


def test_samples_of_other_data_may_have_the_same_ids_and_are_not_compared() -> None:
    results = pair(answers(1), answers(0), VERBMEM)
    other = replace(results.records[1], data_sha256="cd" * 32)
    found = compared(replace(results, records=(results.records[0], other)), VERBMEM)
    assert "@ fp32 were measured on different data" in reasons(found)["npo", "retrained"]


def test_privleak_wants_the_retrained_model_of_the_same_data() -> None:
    original, retrained, npo = LEAKS.records
    other = replace(retrained, data_sha256="cd" * 32)
    found = compared(replace(LEAKS, records=(original, other, npo)), PRIVLEAK)
    assert found.made == ()
    assert "retrained @ fp32 were measured on different" in reasons(found)["npo", "original"]


def test_a_score_that_is_no_number_is_named() -> None:
    results = pair(answers(1, float("nan")), answers(0, 0), VERBMEM)
    said = reasons(compared(results, VERBMEM))["npo", "retrained"]
    assert said == "The score of row-1 is not a finite number for npo."


def test_privleak_needs_the_retrained_model_against_the_original_too() -> None:
    original, _, npo = LEAKS.records
    found = compared(replace(LEAKS, records=(original, npo)), PRIVLEAK)
    assert found.made == ()
    assert "PrivLeak is set against the retrained model" in reasons(found)["npo", "original"]


def test_privleak_is_not_defined_for_texts_of_one_split() -> None:
    found = compared(pair(texts([1, 2], []), texts([2, 3], []), PRIVLEAK), PRIVLEAK)
    assert "needs holdout texts" in reasons(found)["npo", "retrained"]


MADE = Comparison(
    *("npo", "fp32", "knowmem_r", "retrained", "retrained"),
    ours=55.0,
    theirs=99.0,
    difference=-44.0,
    ci95=(-54.0, -34.0),
    p=0.00001,
    p_holm=0.00024,
    tests=24,
    detectable=14.46,
    n=100,
    noun="answers",
    points=True,
)


@pytest.mark.parametrize(
    ("metric", "role", "difference", "meaning"),
    [
        (VERBMEM, "retrained", -5.0, "over-forgot"),
        (VERBMEM, "retrained", 5.0, "under-forgot"),
        (PRIVLEAK, "retrained", 5.0, "over-forgot"),
        (PRIVLEAK, "retrained", -5.0, "under-forgot"),
        (KNOWMEM_R, "retrained", -5.0, "utility lost"),
        (REPETITION, "retrained", 0.2, "utility lost"),
        (REPETITION, "retrained", -0.2, "nothing lost"),
        (FLUENCY, "retrained", 0.1, "nothing lost"),
        (VERBMEM, "original", -80.0, "forgot"),
        (VERBMEM, "original", 3.0, "remembers more"),
        (PRIVLEAK, "original", 80.0, "forgot"),
        (PRIVLEAK, "original", -3.0, "remembers more"),
        (KNOWMEM_R, "original", -5.0, "utility lost"),
    ],
)
def test_what_a_sign_means(metric: Metric, role: str, difference: float, meaning: str) -> None:
    found = replace(MADE, role=role, difference=difference)  # type: ignore[arg-type]
    assert interpret(found, metric) == meaning
    assert interpret(replace(found, p_holm=0.05), metric) == "no difference shown"


@pytest.mark.parametrize(
    ("metric", "changes", "sentence"),
    [
        (
            KNOWMEM_R,
            {},
            "KnowMem, retain: Npo keeps 44.0 points less than Retrained (−54.0 to −34.0); "
            "p < .001 after Holm over 24 comparisons.",
        ),
        (
            VERBMEM,
            {"difference": 0.83, "ci95": (0.2, 1.5), "p": 0.0163, "p_holm": 0.118},
            "VerbMem: Npo remembers 0.8 points more than Retrained (0.2 to 1.5); no difference "
            "shown, p = .12 after Holm over 24 comparisons (p = .016 alone).",
        ),
        (
            PRIVLEAK,
            {"difference": -11.9, "ci95": (-21.9, -1.7), "p": 0.02, "p_holm": 0.02, "tests": 1},
            "PrivLeak: Npo is 11.9 points below Retrained (−21.9 to −1.7); p = .020.",
        ),
        (
            PRIVLEAK,
            {"difference": 80.0, "ci95": (70.0, 90.0), "against": "original"},
            "PrivLeak: Npo is 80.0 points above Original (70.0 to 90.0); "
            "p < .001 after Holm over 24 comparisons.",
        ),
        (
            FLUENCY,
            {"difference": -0.17, "ci95": (-0.21, -0.13), "points": False},
            "Fluency: Npo keeps 0.17 less than Retrained (−0.21 to −0.13); "
            "p < .001 after Holm over 24 comparisons.",
        ),
        (
            VERBMEM,
            {"difference": -0.01, "ci95": (-0.02, 0.0), "p": 1.0, "p_holm": 1.0, "tests": 2},
            "VerbMem: Npo remembers as much as Retrained (0.0 to 0.0); no difference shown, "
            "p = 1 after Holm over 2 comparisons.",
        ),
        (
            PRIVLEAK,
            {"difference": 0.0, "ci95": (-1.0, 1.0), "p": 0.9, "p_holm": 0.9, "tests": 1},
            "PrivLeak: Npo is level with Retrained (−1.0 to 1.0); no difference shown, p = .90.",
        ),
    ],
)
def test_a_difference_in_words(
    metric: Metric, changes: dict[str, object], sentence: str, tmp_path: Path
) -> None:
    found = replace(MADE, **changes)  # type: ignore[arg-type]
    assert describe(found, metric, make_family(tmp_path)) == sentence


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        (
            {"ours": 48.0, "theirs": 42.0, "detectable": 9.1, "p_holm": 0.3, "tests": 1},
            "100 answers cannot tell 48.0 from 42.0: with these answers only differences of 9.1 "
            "points or more would be seen 4 times in 5.",
        ),
        (
            {},
            "100 answers tell 55.0 from 99.0: with these answers only differences of 14.5 points "
            "or more would be seen 4 times in 5, each in a comparison by itself.",
        ),
        (
            {"ours": 0.7, "theirs": 0.9, "detectable": 0.064, "points": False, "tests": 1},
            "100 answers tell 0.70 from 0.90: with these answers only differences of 0.06 or more "
            "would be seen 4 times in 5.",
        ),
        ({"n": 1, "detectable": None}, "One answer cannot tell two models apart."),
        (
            {"n": 2, "detectable": None, "noun": "texts"},
            "2 texts show no spread between the two models, so how small a difference they could "
            "tell is not known.",
        ),
    ],
)
def test_what_so_many_samples_can_tell_in_words(changes: dict[str, object], sentence: str) -> None:
    assert describe_power(replace(MADE, **changes)) == sentence  # type: ignore[arg-type]
