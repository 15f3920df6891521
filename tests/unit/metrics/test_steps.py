"""Records of one model at several steps: told apart, merged, and read from older files."""

import json
from dataclasses import replace

import pytest

from loaders import Fault
from metrics import Record, Results, from_json, merge, to_json

RECORD = Record(
    *("npo", "/models/npo", "sha256:0123456789ab", "fp32", "muse", "live", "toy"),
    seed=0,
    data_sha256="ab" * 32,
    metrics={},
)
STEPS = tuple(replace(RECORD, step=step, notes=("shown 10 passages",)) for step in (0, 5))
RESULTS = Results("demo", "cpu", "2026-01-02T03:04:05+00:00", {"python": "3.11"}, STEPS)


def test_steps_and_notes_are_written_and_read_back() -> None:
    raw = json.loads(to_json(RESULTS))
    assert [record["step"] for record in raw["records"]] == [0, 5]
    assert raw["records"][0]["notes"] == ["shown 10 passages"]
    assert from_json(to_json(RESULTS)) == RESULTS


def test_a_record_without_either_says_neither() -> None:
    raw = json.loads(to_json(replace(RESULTS, records=(RECORD,))))
    assert not {"step", "notes"} & raw["records"][0].keys()


def test_a_step_is_found_and_without_one_the_first() -> None:
    assert RESULTS.record("npo", "fp32", step=5) == STEPS[1]
    assert RESULTS.record("npo", "fp32") == STEPS[0]
    assert RESULTS.record("npo", "fp32", step=6) is None


def test_steps_of_one_model_are_merged_and_one_step_twice_is_a_fault() -> None:
    parts = [replace(RESULTS, records=(record,)) for record in STEPS]
    assert merge(parts).records == STEPS
    with pytest.raises(Fault, match="npo @ fp32, step 5, is there twice; merge it once"):
        merge([RESULTS, parts[1]])
