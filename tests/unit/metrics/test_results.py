import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loaders import Fault
from metrics import (
    LikelihoodSample,
    Measurement,
    Record,
    Results,
    Sample,
    from_json,
    merge,
    to_json,
)
from metrics.results import Against

VERBMEM = Measurement(50.0, (40.0, 60.0), 1, (Sample("verbmem-0", "p", "r", "o\n", 0.5),))
PRIVLEAK = Measurement(
    -10.0,
    (-20.0, 1.5),
    2,
    (LikelihoodSample("privleak_forget-0", "forget", 3.25),),
    0.45,
    "retrained @ fp32, this run",
)
RECORD = Record(
    *("npo", "/models/npo", "sha256:0123456789ab", "fp32", "muse", "live", "toy"),
    seed=0,
    data_sha256="ab" * 32,
    metrics={"verbmem_f": VERBMEM, "privleak": PRIVLEAK},
)
RESULTS = Results("demo", "cpu", "2026-01-02T03:04:05+00:00", {"python": "3.11"}, (RECORD,))


def test_what_was_written_is_read_back() -> None:
    assert from_json(to_json(RESULTS)) == RESULTS


@given(st.text(max_size=30), st.floats(0, 1), st.floats(-1e6, 1e6))
def test_any_text_and_number_survives(text: str, score: float, value: float) -> None:
    measured = Measurement(value, (value, value), 1, (Sample("i", text, text, text, score),))
    results = replace(RESULTS, records=(replace(RECORD, metrics={"verbmem_f": measured}),))
    assert from_json(to_json(results)) == results


def test_the_sweep_and_the_number_against_full_precision_are_read_back() -> None:
    swept = LikelihoodSample("privleak_forget-0", "forget", 3.25, (None, 4.5, 3.25))
    against = Against(-12.5, (-30.0, 4.0), "retrained @ fp32, 2026-01-02")
    measured = replace(PRIVLEAK, samples=(swept,), full=against)
    results = replace(RESULTS, records=(replace(RECORD, metrics={"privleak": measured}),))
    assert from_json(to_json(results)) == results
    raw = json.loads(to_json(results))["records"][0]["metrics"]["privleak"]
    assert raw["samples"][0]["by_share"] == [None, 4.5, 3.25]
    assert raw["full"] == {
        "value": -12.5,
        "ci95": [-30.0, 4.0],
        "reference": "retrained @ fp32, 2026-01-02",
    }


def test_results_of_schema_1_are_still_read() -> None:
    raw = json.loads(to_json(RESULTS)) | {"schema": 1}
    assert from_json(json.dumps(raw)) == replace(RESULTS, schema=1)


def test_the_json_has_exactly_the_agreed_shape() -> None:
    raw = json.loads(to_json(RESULTS))
    assert list(raw) == ["schema", "family", "device", "created", "versions", "records"]
    assert raw["schema"] == 2
    assert list(raw["records"][0]) == [
        *("model", "repo", "revision", "precision", "profile", "source", "scale", "seed"),
        *("data_sha256", "metrics"),
    ]
    assert raw["records"][0]["metrics"] == {
        "verbmem_f": {
            "value": 50.0,
            "ci95": [40.0, 60.0],
            "n": 1,
            "samples": [
                {"id": "verbmem-0", "prompt": "p", "reference": "r", "output": "o\n", "score": 0.5}
            ],
        },
        "privleak": {
            "value": -10.0,
            "ci95": [-20.0, 1.5],
            "n": 2,
            "samples": [{"id": "privleak_forget-0", "split": "forget", "score": 3.25}],
            "auc": 0.45,
            "reference": "retrained @ fp32, this run",
        },
    }


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "The results are not JSON"),
        ("[]", "have no schema number"),
        ('{"family": "demo"}', "have no schema number"),
        ('{"schema": 3}', "have schema 3, this version reads up to 2: update it"),
        ('{"schema": 1}', "not as expected at 'family': Field required"),
    ],
)
def test_other_text_is_a_fault(text: str, message: str) -> None:
    with pytest.raises(Fault, match=message):
        from_json(text)


def test_a_wrong_value_is_named_by_its_place() -> None:
    raw: dict[str, Any] = json.loads(to_json(RESULTS))
    raw["records"][0]["metrics"]["verbmem_f"]["value"] = "much"
    with pytest.raises(Fault, match=r"at 'records\.0\.metrics\.verbmem_f\.value'"):
        from_json(json.dumps(raw))


def test_precisions_are_merged_and_the_newest_date_is_kept() -> None:
    nf4 = replace(
        RESULTS, records=(replace(RECORD, precision="nf4"),), created="2026-01-03T00:00:00+00:00"
    )
    merged = merge([RESULTS, nf4])
    assert [record.precision for record in merged.records] == ["fp32", "nf4"]
    assert merged.created == nf4.created
    assert merged.record("npo", "nf4") == nf4.records[0]
    assert merged.record("npo", "int8") is None


def test_what_does_not_belong_together_is_not_merged() -> None:
    with pytest.raises(Fault, match="no results to merge"):
        merge([])
    with pytest.raises(Fault, match="of one family can be merged, these are of demo, muse-books"):
        merge([RESULTS, replace(RESULTS, family="muse-books")])
    with pytest.raises(Fault, match="npo @ fp32 is there twice"):
        merge([RESULTS, RESULTS])
