import io
from dataclasses import replace

import pandas
import pytest

from metrics import METRICS, Measurement, Record, Sample
from metrics.formulas.fluency import fluency
from metrics.tables import COLUMNS, csv, distance, table
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


def test_each_group_of_metrics_is_a_block_and_a_wide_one_is_two() -> None:
    number = Measurement(50.0, (40.0, 60.0), 100, ())
    everything = replace(RECORD, metrics={metric.key: number for metric in METRICS})
    lines = table(replace(TWO, records=(everything,)), None).splitlines()
    heads = [line for line in lines if line.isupper()]
    assert heads == ["HEADLINE", "MEMORIZATION", "MEMBERSHIP", "UTILITY", "UTILITY"]
    blocks = [line for line in lines if line.startswith("model")]
    labels = [[m.label for m in METRICS if f"  {m.label}  " in f"{line}  "] for line in blocks]
    assert [label for block in labels for label in block] == [m.label for m in METRICS]
    assert [len(block) for block in labels] == [5, 5, 4, 4, 4]
    assert max(len(block) for block in labels) == COLUMNS
    assert [line.endswith("revision") for line in blocks] == [True, False, False, False, False]


def test_a_number_has_the_decimals_of_its_metric_and_a_large_one_is_a_power_of_ten() -> None:
    measured = {
        "truth_ratio_f": Measurement(0.526, (0.5, 0.55), 100, ()),
        "longest_run": Measurement(12.34, (10.0, 14.0), 100, ()),
        "perplexity_r": Measurement(2.5e7, (1e7, 4e7), 100, ()),
    }
    same = {key: replace(m, value=m.value + 1e-4) for key, m in measured.items()}
    two = (replace(RECORD, metrics=measured), replace(RETRAINED, metrics=same))
    text = table(replace(TWO, records=two), "retrained")
    assert "0.53 ±0.03 (+0.00)" in text
    assert "12.3 ±2.0 (+0.0)" in text
    assert "2.5e+07 ±1.5e+07 (+0.0)" in text


def test_an_auc_is_shown_the_way_of_its_profile() -> None:
    theirs = replace(RECORD, profile="open-unlearning")
    assert "(AUC 0.550)" in table(replace(TWO, records=(theirs,)), None)
    assert "(AUC 0.450)" in table(replace(TWO, records=(replace(RECORD, profile="x"),)), None)


def test_a_model_that_no_longer_writes_is_said_to_have_collapsed() -> None:
    def wrote(model: str, output: str) -> Record:
        sample = Sample("verbmem-0", "p", "r", output, fluency(output))
        found = {"fluency": Measurement(sample.score, (0.0, 1.0), 1, (sample,))}
        verbmem = {"verbmem_f": RECORD.metrics["verbmem_f"]}
        return replace(RECORD, model=model, metrics=verbmem | found)

    healthy = wrote("retrained", "the keeper lit a lamp")
    dead = replace(TWO, records=(wrote("npo", "that " * 40), healthy))
    assert table(dead, "retrained").splitlines()[-1] == (
        "npo @ fp32: VerbMem is 50.0, but 1 of 1 outputs are empty or loop: "
        "this is collapse, not forgetting."
    )
    alive = replace(TWO, records=(wrote("npo", "he lit it"), healthy))
    assert "collapse" not in table(alive, "retrained")
