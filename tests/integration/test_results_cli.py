"""What is stored, from the command line as a user types it, on the demo family."""

import csv
import io
import json
import os
import re
import time
from pathlib import Path

import pytest

from metrics import from_json
from metrics.__main__ import main
from metrics.store import open_store, read_shipped, store_path
from metrics.store.schema import VERSION
from tests.commands import Done, run_here, run_process
from tests.unit.metrics.store.shelves import KEY, keep

ASKED = ("--precision", "fp32", "--device", "cpu", "--limit", "3")
ONE = (*ASKED, "--models", "original", "--metrics", "verbmem_f")
SPLITS = ("retain", "holdout")
SAID = re.compile(r"python -m metrics: (\w+) @ fp32: (.*)stored, (\d{4}-\d\d-\d\d \d\d:\d\d) UTC")


def command(*arguments: str) -> Done:
    return run_here(main, *arguments)


def results(*arguments: str) -> Done:
    return command("results", *arguments)


def good(done: Done) -> str:
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


def fault(done: Done) -> str:
    assert (done.returncode, done.stdout) == (2, "")
    assert len(done.stderr.splitlines()) == 1
    return done.stderr


def test_a_run_is_stored_and_comes_back_at_once_without_a_model() -> None:
    words = ("-m", "metrics", *ONE)
    first = run_process(*words)
    assert (first.returncode, first.stderr) == (0, "")
    # Nothing could be run again: torch is not even there to be imported.
    without_torch = {"PYTHONPATH": str(Path(__file__).parent / "without_torch")}
    started = time.perf_counter()
    again = run_process(*words, environment=os.environ | without_torch)
    assert time.perf_counter() - started < 10
    assert again.returncode == 0
    assert again.stdout == first.stdout
    (said,) = SAID.findall(again.stderr)
    assert said[:2] == ("original", "")


def test_only_what_is_missing_is_run(tmp_path: Path) -> None:
    good(command(*ONE))
    out = tmp_path / "results.json"
    more = command(
        *ASKED, "--models", "original", "--metrics", "verbmem_f,knowmem_r", "--out", str(out)
    )
    assert more.returncode == 0
    assert SAID.findall(more.stderr)[0][:2] == ("original", "VerbMem ")
    (record,) = from_json(out.read_text(encoding="utf-8")).records
    assert list(record.metrics) == ["verbmem_f", "knowmem_r"]


def test_fresh_runs_again_and_no_store_keeps_nothing() -> None:
    good(command(*ONE, "--no-store"))
    assert not store_path().exists()
    good(command(*ONE))
    assert len(open_store().list()) == 1
    fresh = command(*ONE, "--fresh")
    assert (fresh.returncode, fresh.stderr) == (0, "")


def test_a_store_that_does_not_work_stops_no_run(tmp_path: Path) -> None:
    store_path().write_bytes(b"this is no database, whatever it is called" * 40)
    done = command(*ONE)
    assert done.returncode == 0
    assert "VerbMem" in done.stdout
    assert "The results of this run are not kept. The store" in done.stderr
    assert "is damaged" in fault(results("list"))


def test_a_store_from_a_newer_version_is_one_sentence() -> None:
    store = open_store()
    store._connection.execute(f"PRAGMA user_version = {VERSION + 1}")
    store.close()
    assert f"has version {VERSION + 1}, and this program knows" in fault(results("list"))


def test_the_list_has_what_is_stored_and_what_is_shipped() -> None:
    keep(open_store())
    text = good(results("list"))
    assert KEY.id[:12] in text
    for one in read_shipped():
        assert one.id in text
    lamp = good(results("list", "--family", "lamp", "--model", "npo", "--precision", "fp32"))
    assert len(lamp.splitlines()) == 2
    assert "50.0 (n 1)" in lamp
    assert good(results("list", "--since", "2999-01-01")).startswith("No record is stored")
    assert "is no date; write it like 2026-11-24" in fault(results("list", "--since", "soon"))


def test_a_record_is_shown_and_deleted() -> None:
    keep(open_store())
    shown = good(results("show", KEY.id[:6], "--samples", "1"))
    assert "npo @ fp32" in shown
    assert "says    a time" in shown
    assert good(results("delete", KEY.id[:6])).endswith("is deleted.\n")
    assert "There is no record" in fault(results("show", KEY.id[:6]))
    shipped = read_shipped()[0]
    assert "comes with the project and stays" in fault(results("delete", shipped.id))


def test_two_shipped_records_are_compared_by_sample() -> None:
    npo, simnpo = (
        next(o for o in read_shipped() if (o.record.model, o.record.precision) == (model, "fp32"))
        for model in ("npo", "simnpo")
    )
    text = good(results("compare", npo.id, simnpo.id, "--samples", "1"))
    line = next(line for line in text.splitlines() if line.startswith("VerbMem "))
    cells = re.split(r" {2,}", line)
    values = [one.record.metrics["verbmem_f"].value for one in (npo, simnpo)]
    assert cells[1:3] == [f"{value:.1f}" for value in values]
    assert "the passages that changed most" in text
    untested = re.findall(r"^(.*) is not tested: (.*) is neither a mean", text, re.MULTILINE)
    assert {name for both in untested for name in both} <= {f"Perplexity, {s}" for s in SPLITS}
    assert text.count("not tested") == len(untested)
    assert "was named twice" in fault(results("compare", npo.id, npo.id))


@pytest.mark.parametrize("form", ["csv", "json", "latex", "html"])
def test_what_is_text_is_printed_or_written(form: str, tmp_path: Path) -> None:
    keep(open_store())
    printed = good(results("export", KEY.id[:8], "--format", form))
    out = tmp_path / "file"
    assert good(results("export", KEY.id[:8], "--format", form, "--out", str(out))) == ""
    assert out.read_text(encoding="utf-8") == printed
    assert list(tmp_path.iterdir()) == [out]
    if form == "csv":
        assert [row["value"] for row in csv.DictReader(io.StringIO(printed))] == ["50.0"]
    if form == "json":
        assert json.loads(printed)["records"][0]["model"] == "npo"


def test_exports_take_filters_and_parquet_takes_a_file(tmp_path: Path) -> None:
    keep(open_store())
    out = tmp_path / "results.parquet"
    filters = ("--family", "demo-tuned", "--precision", "nf4")
    good(results("export", *filters, "--format", "parquet", "--rows", "samples", "--out", str(out)))
    assert out.read_bytes()[:4] == b"PAR1"
    assert "name a file with --out" in fault(results("export", *filters, "--format", "parquet"))
    assert "Which records?" in fault(results("export", "--format", "csv"))
    assert "not both" in fault(results("export", KEY.id, *filters, "--format", "csv"))
    assert "No record is" in fault(results("export", "--family", "books", "--format", "csv"))
    wrong = results("export", KEY.id, "--format", "csv", "--out", str(tmp_path))
    assert "is a folder" in fault(wrong)


def test_help_says_where_the_store_is() -> None:
    text = results("--help").stdout
    assert "UNLEARNING_DATA" in text
    for name in ("list", "show", "compare", "export", "delete"):
        assert name in text
    assert "--no-store" in command("--help").stdout


def test_an_open_unlearning_file_becomes_a_record(tmp_path: Path) -> None:
    file = tmp_path / "MUSE_SUMMARY.json"
    file.write_text('{"forget_verbmem_ROUGE": 0.14, "privleak": -57.3}', encoding="utf-8")
    said = good(results("import", str(file), "--model", "theirs"))
    assert "theirs @ bf16 is stored as" in said
    assert "open-unlearning" in good(results("list", "--model", "theirs"))
    said = fault(results("import", str(tmp_path / "no.json"), "--model", "theirs"))
    assert "no.json could not be read" in said
