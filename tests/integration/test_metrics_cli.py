"""The metrics' command line as a user types it, on the demo family."""

import csv
import io
import json
import time
from pathlib import Path

import pytest

from metrics import from_json
from metrics.__main__ import main
from tests.commands import Done, run_here, run_process


def command(*arguments: str) -> Done:
    return run_here(main, *arguments)


def test_two_precisions_into_one_file_and_a_table(tmp_path: Path) -> None:
    out = tmp_path / "results.json"
    asked = ("--metrics", "verbmem_f,knowmem_r,fluency,repetition", "--limit", "4")
    out_at = ("--headline-only", "nf4", "--out", str(out))
    done = command("--precision", "fp32,nf4", *asked, *out_at)
    assert (done.returncode, done.stderr) == (0, "")
    results = from_json(out.read_text(encoding="utf-8"))
    models = ["original", "retrained", "npo", "simnpo"]
    assert [(r.model, r.precision) for r in results.records] == [
        (model, precision) for precision in ("fp32", "nf4") for model in models
    ]
    assert {m.n for r in results.records for m in r.metrics.values()} == {4}
    headline = {"verbmem_f", "knowmem_r", "fluency"}
    for record in results.records:
        more = {"repetition"} if record.precision == "fp32" else set()
        assert set(record.metrics) == headline | more
    assert done.stdout.startswith("family demo (toy) · live · profile muse · device")
    assert [line.split()[:2] for line in done.stdout.splitlines()[6:8]] == [
        ["original", "fp32"],
        ["retrained", "fp32"],
    ]


def test_processes_that_share_a_run_give_the_numbers_of_one(tmp_path: Path) -> None:
    asked = ("--precision", "fp32", "--models", "original,retrained", "--limit", "5", "--no-store")
    alone, shared = tmp_path / "alone.json", tmp_path / "shared.json"
    assert command(*asked, "--out", str(alone)).returncode == 0
    launch = ("-m", "accelerate.commands.launch", "--cpu", "--num_processes", "2")
    done = run_process(*launch, "-m", "metrics", *asked, "--out", str(shared))
    assert done.returncode == 0, done.stderr
    one, two = (from_json(path.read_text(encoding="utf-8")).records for path in (alone, shared))
    for ours, theirs in zip(one, two, strict=True):
        for key, measured in ours.metrics.items():
            assert theirs.metrics[key].value == pytest.approx(measured.value, abs=1e-6)
            assert [s.id for s in theirs.metrics[key].samples] == [s.id for s in measured.samples]
    assert done.stdout.count("family demo") == 1


def test_privleak_is_set_against_the_retrained_model_at_its_own_precision() -> None:
    done = command("--precision", "nf4", "--metrics", "privleak", "--format", "json")
    assert (done.returncode, done.stderr) == (0, "")
    results = from_json(done.stdout)
    measured = {record.model: record.metrics["privleak"] for record in results.records}
    assert {m.reference for m in measured.values()} == {"retrained @ nf4, this run"}
    assert (measured["retrained"].value, measured["retrained"].n) == (0, 200)
    assert measured["original"].value < 0


def test_at_4_bit_it_is_set_against_full_precision_too_by_the_profile_that_was_named() -> None:
    done = command(
        *("--precision", "nf4,fp32", "--metrics", "privleak", "--limit", "12"),
        *("--models", "original,retrained", "--profile", "open-unlearning", "--format", "json"),
    )
    assert (done.returncode, done.stderr) == (0, "")
    records = from_json(done.stdout).records
    assert [(r.model, r.precision) for r in records] == [
        (model, precision) for precision in ("nf4", "fp32") for model in ("original", "retrained")
    ]
    assert {record.profile for record in records} == {"open-unlearning"}
    quantized, plain = records[0].metrics["privleak"], records[2].metrics["privleak"]
    assert quantized.full is not None
    assert quantized.full.reference.startswith("retrained @ fp32, 20")
    assert plain.full is None


def test_a_group_without_the_retrained_model_says_what_it_leaves_out() -> None:
    done = command(
        *("--precision", "fp32", "--models", "npo", "--metrics", "fluency,headline"),
        *("--limit", "1"),
    )
    assert done.returncode == 0
    assert done.stderr == (
        "python -m metrics: PrivLeak is set against the retrained model of the same run; "
        "add 'retrained' to the models. Left out.\n"
    )
    assert "PrivLeak" not in done.stdout


def test_json_and_csv_say_the_same() -> None:
    asked = ("--precision", "fp32", "--limit", "2", "--metrics", "knowmem_r,fluency")
    one = command(*asked, "--models", "original", "--format", "json")
    other = command(*asked, "--models", "original", "--format", "csv")
    measured = json.loads(one.stdout)["records"][0]["metrics"]
    rows = list(csv.DictReader(io.StringIO(other.stdout)))
    assert [row["metric"] for row in rows] == ["knowmem_r", "fluency"]
    assert [float(row["value"]) for row in rows] == [m["value"] for m in measured.values()]
    assert set(measured["fluency"]["samples"][0]) == {
        *("id", "prompt", "reference", "output", "score")
    }


def test_privleak_without_its_reference_is_one_sentence() -> None:
    done = command("--models", "original,npo", "--metrics", "privleak")
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr == (
        "python -m metrics: PrivLeak is set against the retrained model of the same run; "
        "add 'retrained' to the models.\n"
    )


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("--precision", "int4"), "The precision 'int4' is unknown; choose one of"),
        (("--family", "nowhere"), "There is no family 'nowhere'; choose demo, demo-tuned"),
        (("--device", "abacus"), "abacus"),
    ],
)
def test_a_fault_is_one_sentence_and_status_2(arguments: tuple[str, ...], sentence: str) -> None:
    done = command(*arguments)
    assert done.returncode == 2
    assert sentence in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_help_is_there_at_once() -> None:
    started = time.perf_counter()
    done = run_process("-m", "metrics", "--help")
    assert done.returncode == 0
    assert "--limit LIMIT" in done.stdout
    assert time.perf_counter() - started < 3
