"""open-unlearning's files: what is read of them, what is not made up, and the way back."""

import json
from dataclasses import replace
from typing import Any

import pytest

from loaders import Family, Fault, load_family
from metrics import (
    METRICS,
    LikelihoodSample,
    Measurement,
    Record,
    Sample,
    from_json,
    merge,
    to_json,
)
from metrics.formulas.knowmem import measure_questions
from metrics.formulas.privleak import measure as measure_leak
from metrics.formulas.verbmem import measure_points
from metrics.metric import Reference
from metrics.peer import ATTACKS, MEANS, Claim, from_peer
from metrics.peer_out import to_eval, to_summary
from metrics.reading.statistics import bootstrap_mean

FAMILY: Family = load_family("muse-books")
CLAIM = Claim("target", "bf16")
SUMMARY = {
    "extraction_strength": 0.25,
    "forget_knowmem_ROUGE": 0.5,
    "forget_verbmem_ROUGE": 0.75,
    "mia_min_k": 0.7693,
    "mia_zlib": 0.6,
    "privleak": -50.0,
    "retain_knowmem_ROUGE": 1,
}


def rouge(*scores: float | None) -> dict[str, Any]:
    """An entry as `rouge` writes it; row i says i."""
    rows = {
        str(i): {
            "rouge1_recall": 0.9,
            "rougeL_f1": score,
            "rougeL_recall": 0.9,
            "input": f"prompt {i}",
            "ground_truth": f"truth {i}",
            "generation": f"said {i}",
        }
        for i, score in enumerate(scores)
    }
    kept = [score for score in scores if score is not None]
    return {"agg_value": sum(kept) / len(kept), "value_by_index": rows}


def attack(forget: list[float], holdout: list[float], auc: float) -> dict[str, Any]:
    """An entry as the attacks write it."""
    splits = {"forget": forget, "holdout": holdout}
    told = {
        name: {
            "agg_value": sum(scores) / len(scores),
            "value_by_index": {str(i): {"score": score} for i, score in enumerate(scores)},
        }
        for name, scores in splits.items()
    }
    return told | {"auc": auc, "agg_value": auc}


# Of the 4 pairs of a forget and a holdout text the forget text is lower in 3: theirs is .75.
MIN_K = attack([1.0, 3.0], [2.0, 4.0], 0.75)
EVAL: dict[str, Any] = {
    "extraction_strength": {
        "agg_value": 0.3,
        "value_by_index": {"0": {"score": 0.2}, "1": {"score": 0.4}},
    },
    "forget_verbmem_ROUGE": rouge(0.5, 1.0),
    "mia_min_k": MIN_K,
    "privleak": {"agg_value": -50.0},
}


def read(content: Any, claim: Claim = CLAIM) -> Record:
    text = content if isinstance(content, str) else json.dumps(content)
    (record,) = from_peer(text, FAMILY, claim, resamples=200).records
    return record


def said(record: Record) -> str:
    return " ".join(record.notes or ())


def test_every_name_of_ours_is_a_metric_that_is_measured_alike() -> None:
    known = {metric.key: metric for metric in METRICS}
    assert set(ATTACKS.values()) <= set(known)
    for mean in MEANS:
        assert known[mean.ours].measure is mean.measure


def test_a_summary_is_read_in_our_scales() -> None:
    found = read(SUMMARY).metrics
    assert {key: measured.value for key, measured in found.items()} == pytest.approx({
        "verbmem_f": 75,
        "knowmem_f": 50,
        "knowmem_r": 100,
        "extraction_strength": 25,
        "privleak": -50,
        "privleak_zlib": -20,  # against chance: 100 · (.4 − .5) / .5
    })  # fmt: skip
    assert found["privleak"].auc == pytest.approx(1 - 0.7693)
    assert found["privleak_zlib"].auc == pytest.approx(0.4)


def test_a_summary_claims_neither_samples_nor_certainty() -> None:
    record = read(SUMMARY)
    for key in ("verbmem_f", "knowmem_f", "knowmem_r", "extraction_strength"):
        measured = record.metrics[key]
        assert (measured.n, measured.samples, measured.ci95) == (0, (), (0, 100))
    assert record.metrics["privleak_zlib"].ci95 == (-100, 100)
    assert "Where n is 0 the file has a number alone" in said(record)
    assert "Where n is 0" not in said(read(EVAL))


def test_the_record_says_where_it_is_from() -> None:
    results = from_peer(json.dumps(EVAL), FAMILY, Claim("mine", "fp32", "me/mine", "abc"))
    (record,) = results.records
    assert (record.model, record.repo, record.revision) == ("mine", "me/mine", "abc")
    assert (record.source, record.profile, record.precision, record.scale) == (
        *("imported", "open-unlearning", "fp32", "full"),
    )
    assert (results.device, results.family) == ("unknown", "muse-books")
    assert "names neither data nor device nor date" in said(record)
    assert from_json(to_json(results)) == results


def test_rows_become_samples_with_the_ids_of_our_own_runs() -> None:
    measured = read(EVAL).metrics["verbmem_f"]
    assert measured.samples == (
        Sample("verbmem-0", "prompt 0", "truth 0", "said 0", 0.5),
        Sample("verbmem-1", "prompt 1", "truth 1", "said 1", 1.0),
    )
    low, high = bootstrap_mean([0.5, 1.0], (0, 1), 0, 200)
    assert measured.value == 75
    assert (measured.n, measured.ci95) == (2, (100 * low, 100 * high))


def test_questions_have_exact_match_beside_them() -> None:
    entry = rouge(1.0, 0.2)
    entry["value_by_index"]["0"]["generation"] = "Truth, 0!"
    record = read({"forget_knowmem_ROUGE": entry, "retain_knowmem_ROUGE": entry})
    assert record.metrics["knowmem_f"].exact == 50
    assert [s.id for s in record.metrics["knowmem_f"].samples] == ["forget_qa-0", "forget_qa-1"]
    assert [s.id for s in record.metrics["knowmem_r"].samples] == ["retain_qa-0", "retain_qa-1"]


def test_rows_are_put_in_order_and_one_without_a_score_is_left_out() -> None:
    entry = rouge(*[i / 16 for i in range(12)], None)
    entry["value_by_index"] = dict(sorted(entry["value_by_index"].items()))  # 0, 1, 10, 11, 2
    samples = read({"forget_verbmem_ROUGE": entry}).metrics["verbmem_f"].samples
    assert [sample.id for sample in samples] == [f"verbmem-{i}" for i in range(12)]


def test_scores_without_texts_are_samples_too() -> None:
    measured = read(EVAL).metrics["extraction_strength"]
    assert measured.value == pytest.approx(30)
    assert measured.samples[1] == Sample("verbmem-1", "", "", "", 0.4)


def test_privleak_is_as_it_is_and_names_what_it_was_set_against() -> None:
    measured = read(EVAL).metrics["privleak"]
    # Theirs is 1 − .75 = .25 here, and −50 is what .25 is against .5.
    assert (measured.value, measured.auc, measured.n) == (-50.0, 0.25, 4)
    assert measured.reference == "chance, AUC 0.5"
    assert "set against no retrained model" in said(read(EVAL))
    texts = [s for s in measured.samples if isinstance(s, LikelihoodSample)]
    assert [(s.id, s.split, s.score) for s in texts] == [
        ("privleak_forget-0", "forget", 1.0),
        ("privleak_forget-1", "forget", 3.0),
        ("privleak_holdout-0", "holdout", 2.0),
        ("privleak_holdout-1", "holdout", 4.0),
    ]
    whole = measure_leak(texts, Reference("chance", auc=0.5), 0, 200)
    assert measured.ci95 == whole.ci95


def test_a_retrained_models_auc_follows_from_privleak_and_the_models() -> None:
    record = read(EVAL | {"privleak": {"agg_value": 100 * (0.25 - 0.4) / 0.4}})
    measured = record.metrics["privleak"]
    assert measured.reference == "open-unlearning's retrained model, AUC 0.4000"
    assert measured.value == pytest.approx(-37.5)
    against = Reference("retrained", auc=0.25 / (1 - 0.375))
    assert measured.ci95 == measure_leak(measured.samples, against, 0, 200).ci95
    assert "no retrained model" not in said(record)


def test_of_an_auc_of_0_the_reference_is_not_known() -> None:
    perfect = attack([1.0, 2.0], [3.0, 4.0], 1.0)
    measured = read({"mia_min_k": perfect, "privleak": {"agg_value": -99.99}}).metrics["privleak"]
    assert (measured.value, measured.auc, measured.reference) == (-99.99, 0.0, "unknown")
    assert measured.ci95 == (-100, -100)


def test_privleak_alone_has_no_auc_and_no_reference() -> None:
    measured = read({"privleak": -42.0}).metrics["privleak"]
    assert (measured.value, measured.auc, measured.n) == (-42.0, None, 0)
    assert (measured.reference, measured.ci95) == ("unknown", (-100, 100))
    far = read({"privleak": 5215.0}).metrics["privleak"]
    assert far.ci95 == (-100, 5215)


def test_min_k_alone_is_privleak_against_chance() -> None:
    measured = read({"mia_min_k": MIN_K}).metrics["privleak"]
    assert (measured.value, measured.reference) == (-50.0, "chance, AUC 0.5")


def test_the_reference_attack_is_against_chance_by_definition() -> None:
    record = read({"mia_reference": MIN_K})
    measured = record.metrics["privleak_reference"]
    assert (measured.value, measured.auc) == (-50.0, 0.25)
    assert measured.reference == "open-unlearning's reference model, AUC 0.5 by definition"
    assert "no retrained model" not in said(record)


def test_unknown_metrics_are_kept_as_notes() -> None:
    record = read(SUMMARY | {"forget_gibberish": 0.93, "new_thing": None})
    assert "forget_gibberish has no name here; the file says 0.93." in said(record)
    assert "new_thing has no name here; the file says None." in said(record)
    nested = read(EVAL | {"mia_gradnorm": attack([1.0], [2.0], 0.9)})
    assert "mia_gradnorm has no name here; the file says 0.9." in said(nested)
    assert set(nested.metrics) == {"verbmem_f", "extraction_strength", "privleak"}


def test_a_number_that_its_rows_do_not_give_is_a_note_and_no_number() -> None:
    recall = rouge(0.5, 1.0) | {"agg_value": 0.9}
    record = read(EVAL | {"forget_verbmem_ROUGE": recall})
    assert "verbmem_f" not in record.metrics
    assert (
        "forget_verbmem_ROUGE is left out: its agg_value is 0.9000, and the mean of rougeL_f1 of "
        "its rows 0.7500." in said(record)
    )
    record = read(EVAL | {"mia_loss": MIN_K | {"agg_value": 0.25}})
    assert "mia_loss is left out: its AUC is 0.2500, and that of its texts 0.7500." in said(record)
    record = read(EVAL | {"privleak": {"agg_value": -80.0}})
    assert "privleak is left out: -80.00 does not follow from the AUC of mia_min_k" in said(record)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("{", "The file is not JSON"),
        ("[" * 100_000, "nested too deeply"),
        ("[1]", "has no metrics by name"),
        ({}, "has no metrics by name"),
        ({"forget_verbmem_ROUGE": {}}, "forget_verbmem_ROUGE has no agg_value; evaluate it again"),
        ({"privleak": None}, "privleak has no agg_value"),
        ({"privleak": "low"}, "privleak is 'low'; it must be a finite number"),
        ('{"privleak": NaN}', "privleak is nan; it must be a finite number"),
        ({"privleak": True}, "privleak is True; it must be a finite number"),
        ({"privleak": -250}, "privleak is -250; open-unlearning writes -100 to inf"),
        ({"mia_loss": 57.1}, r"mia_loss is 57\.1; open-unlearning writes 0 to 1"),
        ({"forget_Q_A_ROUGE": 0.5}, r"no MUSE metric that can be taken\. It has forget_Q_A_ROUGE"),
        (
            {"forget_verbmem_ROUGE": {"agg_value": 0.5, "value_by_index": [1]}},
            "value_by_index of forget_verbmem_ROUGE has no object for every row",
        ),
        (
            {"forget_verbmem_ROUGE": {"agg_value": 0.5, "value_by_index": {"a": {}}}},
            "has a row 'a'; rows have numbers",
        ),
        (
            {"extraction_strength": {"agg_value": 1, "value_by_index": {"7": {"score": "x"}}}},
            "score of extraction_strength, row 7, is 'x'; it must be a finite number",
        ),
        (
            {"mia_loss": attack([1.0], [2.0], 1.0) | {"forget": {"value_by_index": {"0": {}}}}},
            "the score of forget of mia_loss, row 0, is None",
        ),
        (
            {
                "forget_verbmem_ROUGE": {
                    "agg_value": 1,
                    "value_by_index": {"0": {"rougeL_f1": 1, "generation": "\ud800"}},
                }
            },
            r"a text with half a character \(\\ud800\) as 'generation'",
        ),
    ],
)
def test_what_is_no_such_file_is_a_fault(content: Any, message: str) -> None:
    with pytest.raises(Fault, match=message):
        read(content)


def test_a_claim_must_name_the_model_and_a_precision() -> None:
    with pytest.raises(Fault, match="does not name its model; say which it is"):
        read(SUMMARY, Claim(" ", "bf16"))
    with pytest.raises(Fault, match="precision 'half' is unknown"):
        read(SUMMARY, Claim("target", "half"))


def ours() -> Record:
    """A record of our own by their profile, all that their files hold."""
    texts = [
        LikelihoodSample(f"privleak_{split}-{i}", split, score)
        for split, scores in (("forget", (1.0, 3.0, 2.5)), ("holdout", (2.0, 4.0, 3.5)))
        for i, score in enumerate(scores)
    ]
    passages = [
        Sample(f"verbmem-{i}", f"p{i}", "the lamps are lit", "the lamp", 2 / 3) for i in (0, 1)
    ]
    questions = [
        Sample("forget_qa-0", "q", "Odwin", "Odwin", 1.0),
        Sample("forget_qa-1", "r", "a", "b", 0.0),
    ]
    scores = [Sample("verbmem-0", "", "", "", 0.5), Sample("verbmem-1", "", "", "", 1.0)]
    chance = Reference("chance, AUC 0.5", auc=0.5)
    return Record(
        *("npo", "owner/npo", "abc", "bf16", "open-unlearning", "live", "full"),
        seed=0,
        data_sha256="ab" * 32,
        metrics={
            "verbmem_f": measure_points(passages, None, 0, 200),
            "knowmem_f": measure_questions(questions, None, 0, 200),
            "exact_memorization": measure_points(scores, None, 0, 200),
            "privleak": measure_leak(texts, chance, 0, 200),
            "privleak_loss": measure_leak(texts, chance, 0, 200),
            "fluency": Measurement(0.9, (0.8, 1.0), 2, ()),
        },
    )  # fmt: skip


def test_an_evaluation_comes_back_as_it_went() -> None:
    record = ours()
    again = read(to_eval(record), Claim("npo", "bf16"))
    assert set(again.metrics) == set(record.metrics) - {"fluency"}
    for key, measured in again.metrics.items():
        before = record.metrics[key]
        assert measured == replace(before, value=measured.value)
        assert measured.value == pytest.approx(before.value)


def test_a_summary_comes_back_without_its_samples() -> None:
    record = ours()
    summary = to_summary(record)
    assert list(summary) == sorted(summary)
    assert summary == pytest.approx({
        "exact_memorization": 0.75,
        "forget_knowmem_ROUGE": 0.5,
        "forget_verbmem_ROUGE": 2 / 3,
        "mia_loss": 1 - 2 / 9,
        "mia_min_k": 1 - 2 / 9,
        "privleak": 100 * (2 / 9 - 0.5) / 0.5,
    })  # fmt: skip
    again = read(summary)
    for key, measured in again.metrics.items():
        assert measured.value == pytest.approx(record.metrics[key].value)
        assert (measured.n, measured.auc) == (0, pytest.approx(record.metrics[key].auc))
    assert to_summary(again) == pytest.approx(summary)


def test_an_evaluation_has_what_their_own_code_reads() -> None:
    found = to_eval(ours())
    assert found["forget_verbmem_ROUGE"]["value_by_index"]["1"] == {
        "rouge1_recall": 0.5,
        "rougeL_f1": 2 / 3,
        "rougeL_recall": 0.5,
        "input": "p1",
        "ground_truth": "the lamps are lit",
        "generation": "the lamp",
    }
    assert found["mia_min_k"]["forget"]["value_by_index"]["2"] == {"score": 2.5}
    assert found["mia_min_k"]["holdout"]["agg_value"] == pytest.approx(9.5 / 3)
    assert found["mia_min_k"]["auc"] == found["mia_min_k"]["agg_value"] == pytest.approx(7 / 9)
    assert json.loads(json.dumps(found)) == found


def test_only_files_with_the_same_true_texts_have_the_same_data() -> None:
    first = read(EVAL).data_sha256
    other_scores = EVAL | {"forget_verbmem_ROUGE": rouge(0.25, 0.5), "privleak": -50.0}
    assert read(other_scores).data_sha256 == first
    elsewhere = rouge(0.5, 1.0)
    elsewhere["value_by_index"]["1"]["ground_truth"] = "another book"
    assert read(EVAL | {"forget_verbmem_ROUGE": elsewhere}).data_sha256 != first
    assert read(SUMMARY).data_sha256 == ""
    strength = {"extraction_strength": EVAL["extraction_strength"]}
    assert read(strength).data_sha256 not in (first, "")


def test_numbers_of_another_profile_are_not_written_under_their_names() -> None:
    muse = replace(ours(), profile="muse")
    for write in (to_eval, to_summary):
        with pytest.raises(Fault, match="measured by profile muse, which scores otherwise"):
            write(muse)
    fluent = replace(ours(), metrics={"fluency": Measurement(0.9, (0.8, 1.0), 2, ())})
    with pytest.raises(Fault, match="npo has no number that open-unlearning has a name for"):
        to_summary(fluent)


def test_the_records_of_two_files_can_be_merged() -> None:
    parts = [from_peer(json.dumps(SUMMARY), FAMILY, Claim(key, "bf16")) for key in ("a", "b")]
    assert [record.model for record in merge(parts).records] == ["a", "b"]
