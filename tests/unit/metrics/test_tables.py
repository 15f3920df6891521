import io
from dataclasses import replace

import pandas
import pytest

from metrics import Measurement, Sample
from metrics.tables import csv, distance, table
from tests.unit.metrics.test_results import RECORD, RESULTS

RETRAINED = replace(
    RECORD,
    model="retrained",
    metrics={"verbmem_f": Measurement(20.0, (18.0, 23.0), 100, ())},
)
FLUENT = replace(RECORD.metrics["verbmem_f"], value=0.5, ci95=(0.4, 0.62))
TWO = replace(
    RESULTS,
    records=(RETRAINED, replace(RECORD, metrics={**RECORD.metrics, "fluency": FLUENT})),
)


def test_a_cell_is_value_half_interval_and_distance() -> None:
    lines = table(TWO, "retrained").splitlines()
    assert "family demo (toy) · live · profile muse · device cpu · seed 0" in lines[0]
    assert lines[2].split("  ")[0] == "model"
    # 50 ± (60−40)/2, distance 50−20; PrivLeak −10 ± (1.5+20)/2 with its AUC
    npo = next(line for line in lines if line.startswith("npo"))
    assert "50.0 ±10.0 (+30.0)" in npo
    assert "-10.0 ±10.8 (AUC 0.450)" in npo
    assert "0.50 ±0.11" in npo
    assert npo.endswith("sha256:0123456789ab")


def test_what_was_not_measured_is_a_dash() -> None:
    line = next(x for x in table(TWO, "retrained").splitlines() if x.startswith("retrained"))
    assert line.split()[:5] == ["retrained", "fp32", "20.0", "±2.5", "–"]


def test_columns_are_aligned_and_counts_are_shown() -> None:
    lines = table(TWO, "retrained").splitlines()
    start = lines[2].index("PrivLeak")
    assert {line[start - 2 : start] for line in lines[2:7]} == {"  "}
    assert lines[4].split() == ["n", "1", "/", "100", "2", "1"]
    assert lines[3].split() == ["best", "low", "zero", "high"]


def test_without_a_retrained_model_there_is_no_distance() -> None:
    assert "(+30.0)" not in table(TWO, None)
    assert "distance" not in table(TWO, None)


def test_the_distance_is_to_the_same_precision() -> None:
    nf4 = replace(RECORD, precision="nf4")
    assert distance(TWO, nf4, "verbmem_f", "retrained") is None
    assert distance(TWO, RECORD, "verbmem_f", "retrained") == 30


def test_csv_has_a_line_per_number_with_all_it_depends_on() -> None:
    frame = pandas.read_csv(io.StringIO(csv(TWO, "retrained")))
    assert list(frame["metric"]) == ["verbmem_f", "verbmem_f", "privleak", "fluency"]
    row = frame.iloc[2]
    assert (row["value"], row["ci95_low"], row["ci95_high"], row["n"]) == (-10, -20, 1.5, 2)
    assert row["auc"] == pytest.approx(0.45)
    assert (row["precision"], row["revision"], row["source"], row["scale"]) == (
        *("fp32", "sha256:0123456789ab", "live", "toy"),
    )
    assert frame.iloc[1]["distance_to_retrained"] == 30


def test_exact_match_and_the_floor_stand_beside_knowmem() -> None:
    samples = tuple(Sample(f"q-{i}", "", truth, "", 0.0) for i, truth in enumerate(("a", "a b")))
    asked = Measurement(40.0, (30.0, 50.0), 2, samples, exact=50.0)
    text = table(replace(TWO, records=(replace(RECORD, metrics={"knowmem_f": asked}),)), None)
    assert "40.0 ±10.0 EM 50" in text
    assert text.endswith(
        "EM: exact match; floor, the answers shuffled among the questions: KnowMem, forget 66.7"
    )
