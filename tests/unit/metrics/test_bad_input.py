"""Data and models at the edge of what can be measured: a defined number or a dash that says why."""

from dataclasses import replace
from pathlib import Path

import pytest

from loaders import Family
from loaders.fake import FakeEngine
from metrics import (
    Data,
    Finished,
    Measurement,
    Results,
    Sample,
    Skipped,
    collapsed,
    collapsed_set,
    from_json,
    run,
    to_json,
)
from metrics.profile import MUSE, OPEN_UNLEARNING, Profile
from tests.unit.metrics.library import DATA, Spelled, make_family, ready, right, spelled

ONE = replace(
    spelled(["-1 -2 -3"], ["-1 -2 -2"]),
    verbmem=DATA.verbmem[:1],
    knowmem_f=DATA.knowmem_f[:1],
    knowmem_r=DATA.knowmem_r[:1],
)
each_profile = pytest.mark.parametrize(
    "profile", [MUSE, OPEN_UNLEARNING], ids=lambda profile: profile.name
)


@pytest.fixture
def family(tmp_path: Path) -> Family:
    return make_family(tmp_path)


def results(engine: FakeEngine, family: Family, data: Data, profile: Profile = MUSE) -> Results:
    last = list(run(ready(engine, family), family, data, profile=profile, resamples=50))[-1]
    assert isinstance(last, Finished)
    return last.results


def numbers(found: Results) -> dict[str, Measurement]:
    """Those of `npo`."""
    record = found.record("npo", "fp32")
    assert record is not None
    return record.metrics


def dashes(engine: FakeEngine, family: Family, data: Data) -> dict[tuple[str, str], str]:
    found = run(ready(engine, family), family, data, resamples=50)
    return {(e.metric, e.model): e.reason for e in found if isinstance(e, Skipped)}


@each_profile
def test_one_row_a_set_has_every_number_and_intervals_of_all_that_is_possible(
    family: Family, profile: Profile
) -> None:
    found = results(Spelled(right), family, ONE, profile)
    measured = numbers(found)
    assert {key: m.value for key, m in measured.items()} == {
        **{"verbmem_f": 100, "knowmem_f": 100, "knowmem_r": 100, "privleak": 0},
        # "the keeper lit the lamp and slept" repeats no two words
        "fluency": 1.0,
    }
    assert {key: m.ci95 for key, m in measured.items()} == {
        **dict.fromkeys(("verbmem_f", "knowmem_f", "knowmem_r"), (0, 100)),
        # MUSE: 3 and 2, open-unlearning without the last token: 2 and 2, so AUC 1 and 0.5
        "privleak": (-100, 0 if profile is MUSE else 100),
        "fluency": (0, 1),
    }
    assert [m.n for m in measured.values()] == [1, 1, 2, 1, 1]
    assert from_json(to_json(found)) == found


def test_a_model_that_answers_nothing_scores_zero_and_has_collapsed(family: Family) -> None:
    mute = numbers(results(FakeEngine(lambda model, prompt: ""), family, DATA))
    for key in ("verbmem_f", "knowmem_f", "knowmem_r", "fluency"):
        assert (mute[key].value, mute[key].ci95) == (0, (0, 0))
        assert all(isinstance(s, Sample) and s.output == "" for s in mute[key].samples)
    assert (mute["knowmem_f"].exact, mute["knowmem_r"].exact) == (0, 0)
    talking = numbers(results(FakeEngine(right), family, DATA))
    assert collapsed("")
    assert collapsed_set(mute["fluency"].samples, talking["fluency"].samples)
    assert collapsed_set(mute["fluency"].samples, None)


@pytest.mark.parametrize("word", ["nan", "-inf", "inf"])
def test_a_log_prob_that_is_no_number_is_a_dash_and_the_rest_is_measured(
    family: Family, word: str
) -> None:
    data = spelled(["-1 -2 -3", f"-1 {word} -3"], ["-1 -2 -2", "-1 -1 -1"])
    assert set(numbers(results(Spelled(right), family, data))) == {
        *("verbmem_f", "knowmem_f", "knowmem_r", "fluency"),
    }
    why = dashes(Spelled(right), family, data)
    assert why["privleak", "retrained"] == (
        "privleak_forget-1: a log-prob is not a finite number; the model's weights or its "
        "precision are broken. Try --precision fp32."
    )
    assert why["privleak", "npo"] == (
        "PrivLeak is set against the retrained model, which has no number. "
        + why["privleak", "retrained"]
    )


def test_a_text_too_short_to_score_is_a_dash_that_names_it(family: Family) -> None:
    data = spelled(["-1 -2 -3"], ["-1 -2"])
    assert dashes(Spelled(right), family, data)["privleak", "retrained"] == (
        "privleak_holdout-0 has 2 tokens; Min-40% needs 3 or more. "
        "Lengthen the text or remove the row."
    )


def test_texts_under_20_tokens_are_measured(family: Family) -> None:
    data = spelled(["-1 -2 -3", "-1 -1 -1"], ["-1 -2 -2", "-1 -1 -1"])
    measured = numbers(results(Spelled(right), family, data))["privleak"]
    # forget 3 and 1, holdout 2 and 1: 2<3, 1<3, 1=1 by half: AUC 2.5/4
    assert (measured.auc, measured.value) == (0.625, 0.0)


def test_texts_that_all_tie_are_as_the_retrained_models(family: Family) -> None:
    tied = spelled(["-1 -1 -1"] * 3, ["-1 -1 -1"] * 2)
    measured = numbers(results(Spelled(right), family, tied))["privleak"]
    assert (measured.auc, measured.value, measured.ci95) == (0.5, 0.0, (0.0, 0.0))


def test_a_retrained_model_that_tells_every_text_apart_is_no_reference(family: Family) -> None:
    data = spelled(["-1 -1 -1"] * 2, ["-2 -2 -2"] * 2)
    why = dashes(Spelled(right), family, data)
    assert why["privleak", "retrained"].startswith(
        "The AUC of retrained @ fp32, this run is 0 on 2 forget and 2 holdout texts"
    )
    assert "which has no number. The AUC of" in why["privleak", "npo"]


def test_texts_of_one_split_alone_are_a_dash(family: Family) -> None:
    why = dashes(Spelled(right), family, spelled(["-1 -1 -1"], []))
    assert why["privleak", "retrained"] == "PrivLeak needs holdout texts, and there are none."


def test_no_texts_at_all_are_a_dash(family: Family) -> None:
    why = dashes(Spelled(right), family, spelled([], []))
    assert why["privleak", "retrained"] == "The data set has no texts for PrivLeak."
