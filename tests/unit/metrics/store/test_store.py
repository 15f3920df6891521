import shutil
import sqlite3
import threading
from dataclasses import asdict, replace
from math import isnan, nan
from pathlib import Path

import pytest

from loaders import Fault, load_family
from metrics import LikelihoodSample, Measurement, Results
from metrics.passes import Likelihoods, Options
from metrics.results import Against
from metrics.store import (
    Filter,
    Store,
    as_results,
    open_private,
    open_store,
    read_shipped,
    store_path,
)
from metrics.store.file import open_file
from metrics.store.keys import fingerprint
from metrics.store.schema import FIRST, VERSION
from metrics.store.shelf import find_record, list_records
from metrics.store.shipped import read_recorded
from tests.unit.metrics.store.shelves import FACE, KEY, NUMBER, keep, row


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return open_file(tmp_path / "results.sqlite")


def test_a_number_comes_back_with_its_samples_and_its_date(store: Store) -> None:
    keep(store)
    found = store.number(KEY.id, "verbmem_f", "")
    assert found is not None
    assert found.measurement == NUMBER
    assert found.stored.startswith("stored, 20")
    assert found.stored.endswith(" UTC")


def test_everything_a_measurement_can_say_comes_back(store: Store) -> None:
    samples = (
        LikelihoodSample("t-0", "forget", 1.5, (None, 2.0)),
        LikelihoodSample("t-1", "holdout", 2.5),
    )
    full = Against(-3.0, (-4.0, -2.0), "retrained @ fp32, 2026-11-24")
    measured = Measurement(
        -1.0, (-2.0, 0.5), 2, samples, 0.4, "retrained @ nf4, this run", None, full
    )
    keep(store, number=measured, metric="privleak")
    found = store.find(KEY)
    assert found is not None
    assert found.record.metrics == {"privleak": measured}


def test_rows_of_every_kind_come_back(store: Store) -> None:
    rows = [
        row("verbmem-0"),
        Likelihoods(
            "t-0", "forget", "", "a b", (5, 6), (-0.5, -1.5), (True, False), (-2.0,), (0.5,)
        ),
        Options("q-0", "Who?", "he", (-0.1,), (-0.2, -0.3), ((-4.0,), (-5.0, -6.0))),
    ]
    for one in rows:
        store.keep_rows("origin", type(one).__name__, [one])
    assert [store.rows("origin", type(one).__name__) for one in rows] == [(one,) for one in rows]


def test_a_log_prob_that_is_no_number_stays_one(store: Store) -> None:
    store.keep_rows(
        "o", "score", [Likelihoods("t", "forget", "", "a", (5,), (nan,), (True,), (), ())]
    )
    (found,) = store.rows("o", "score")
    assert isinstance(found, Likelihoods)
    assert isnan(found.logprobs[0])


def test_what_is_stored_outlives_the_store_that_wrote_it(tmp_path: Path) -> None:
    first = open_file(tmp_path / "results.sqlite")
    keep(first)
    first.close()
    (found,) = open_file(tmp_path / "results.sqlite").list()
    assert (found.record.model, found.face) == ("npo", FACE)


def test_the_same_number_again_takes_its_place_and_another_reference_does_not(store: Store) -> None:
    keep(store, metric="privleak")
    other = replace(NUMBER, value=1.0)
    store.keep_number(KEY.id, "privleak", "a reference", other)
    store.keep_number(KEY.id, "privleak", "", replace(NUMBER, value=2.0))
    first, second = (store.number(KEY.id, "privleak", name) for name in ("", "a reference"))
    assert first is not None
    assert second is not None
    assert (first.measurement.value, second.measurement.value) == (2.0, 1.0)


@pytest.mark.parametrize(
    "change",
    [
        {"revision": "sha256:fedcba987654"},
        {"precision": "nf4"},
        {"profile": "open-unlearning"},
        {"data_sha256": "1" * 64},
        {"device": "cuda"},
        {"versions": {"numpy": "2.5"}},
        {"prompt": "q" * 64},
        {"numbers": KEY.numbers + 1},
        {"tokenizer": "another@1"},
        {"compute": "bf16"},
    ],
)
def test_what_rows_depend_on_names_record_and_rows(change: dict[str, object]) -> None:
    other = replace(KEY, **change)  # type: ignore[arg-type]
    assert other.id != KEY.id
    assert other.origin != KEY.origin


def test_what_was_stored_before_there_was_a_compute_dtype_is_found_again() -> None:
    older = {name: value for name, value in asdict(KEY).items() if name != "compute"}
    assert KEY.id == fingerprint(older)
    assert KEY.origin == fingerprint({**older, "seed": 0, "resamples": 0, "rows": ""})


@pytest.mark.parametrize("change", [{"seed": 1}, {"rows": "s" * 64}, {"resamples": 5_000}])
def test_what_only_numbers_depend_on_leaves_the_rows_alone(change: dict[str, object]) -> None:
    other = replace(KEY, **change)  # type: ignore[arg-type]
    assert other.id != KEY.id
    assert other.origin == KEY.origin


def test_the_list_is_filtered_and_comes_without_samples(store: Store) -> None:
    keep(store)
    keep(store, replace(KEY, model="simnpo", precision="nf4", profile="open-unlearning"))
    keep(store, replace(KEY, family="other"))
    assert len(store.list()) == 3
    (one,) = store.list(Filter(family="lamp", model="npo"))
    assert one.record.metrics["verbmem_f"].value == 50
    assert one.record.metrics["verbmem_f"].samples == ()
    for wanted in (Filter(precision="nf4"), Filter(profile="open-unlearning")):
        assert [found.record.model for found in store.list(wanted)] == ["simnpo"]
    assert store.list(Filter(since="2999-01-01")) == ()
    assert len(store.list(Filter(since="2000-01-01"))) == 3


def test_a_record_is_found_by_the_first_signs_of_its_id(store: Store) -> None:
    keep(store)
    assert store.get(KEY.id[:5]).record.metrics["verbmem_f"].samples == NUMBER.samples
    for wrong in ("zz", KEY.id[:5] + "%", "_"):
        with pytest.raises(Fault, match=f"There is no record '{wrong}' in the store"):
            store.get(wrong)
    keep(store, replace(KEY, model="simnpo"))
    with pytest.raises(Fault, match="2 records have an id that begins with ''; write more"):
        store.get("")


def test_a_record_takes_its_rows_with_it_unless_another_needs_them(store: Store) -> None:
    twin = replace(KEY, seed=1)
    keep(store)
    keep(store, twin)
    store.keep_rows(KEY.origin, "recite", [row("verbmem-0")])
    store.delete(KEY.id)
    assert [found.record.seed for found in store.list()] == [1]
    assert store.row_ids(KEY.origin, "recite") == {"verbmem-0"}
    store.delete(twin.id)
    assert store.list() == ()
    assert store.row_ids(KEY.origin, "recite") == frozenset()


def test_what_is_deleted_makes_the_file_smaller(tmp_path: Path) -> None:
    path = tmp_path / "results.sqlite"
    store = open_file(path)
    keep(store)
    rows = [
        replace(row(f"v-{i}"), text=str(i) * 9, token_ids=tuple(range(i, i + 500)))
        for i in range(300)
    ]
    store.keep_rows(KEY.origin, "recite", rows)
    store.close()
    full = path.stat().st_size
    store = open_file(path)
    store.delete(KEY.id)
    store.close()
    assert path.stat().st_size < full / 4


def test_a_number_of_a_record_that_was_deleted_meanwhile_is_a_fault(store: Store) -> None:
    with pytest.raises(Fault, match="was deleted while its run went on"):
        store.keep_number(KEY.id, "verbmem_f", "", NUMBER)


def test_a_run_from_elsewhere_is_kept_whole_steps_and_notes_too(store: Store) -> None:
    base = replace(KEY.record("toy"), metrics={"verbmem_f": NUMBER})
    records = (replace(base, step=10, notes=("relearned",)), replace(base, step=20))
    made = Results("lamp", "cpu", "2026-11-24T10:00:00+00:00", {"numpy": "2.4.6"}, records)
    ids = store.save(made, {"npo": FACE})
    assert len(set(ids)) == 2
    found = [store.get(name) for name in ids]
    assert tuple(one.record for one in found) == records
    assert as_results(found) == made
    assert store.save(made, {"npo": FACE}) == ids
    assert len(store.list()) == 2


def test_a_private_store_is_the_same_and_nobody_elses() -> None:
    one, other = open_private(), open_private()
    keep(one)
    assert len(one.list()) == 1
    assert other.list() == ()


def test_the_folder_is_the_one_the_variable_names(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("UNLEARNING_DATA", str(tmp_path / "new" / "folder"))
    keep(open_store())
    assert store_path() == tmp_path / "new" / "folder" / "results.sqlite"
    assert store_path().is_file()


def test_without_the_variable_it_is_the_systems_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("UNLEARNING_DATA")
    monkeypatch.setenv("XDG_DATA_HOME", "/somewhere")
    assert "unlearning-side-by-side" in str(store_path())


def test_a_folder_that_cannot_be_made_is_a_fault(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(Fault, match=r"folder .*file.deep for results cannot be made \(Not a dir"):
        open_store(tmp_path / "file" / "deep" / "results.sqlite")


def test_a_full_disk_costs_the_last_write_and_nothing_else(tmp_path: Path) -> None:
    store = open_file(tmp_path / "results.sqlite")
    keep(store)
    pages = store._connection.execute("PRAGMA page_count").fetchone()[0]
    store._connection.execute(f"PRAGMA max_page_count = {pages + 2}")
    big = [replace(row(f"v-{i}"), token_ids=tuple(range(i, i + 2_000))) for i in range(40)]
    with pytest.raises(Fault, match=r"The disk is full: .*results.sqlite could not take what came"):
        store.keep_rows(KEY.origin, "recite", big)
    assert store.row_ids(KEY.origin, "recite") == frozenset()
    assert store.number(KEY.id, "verbmem_f", "") is not None
    store._connection.execute("PRAGMA max_page_count = 100000")
    store.keep_rows(KEY.origin, "recite", big)
    assert len(store.rows(KEY.origin, "recite")) == 40


def test_a_store_of_a_newer_version_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "results.sqlite"
    open_file(path).close()
    with sqlite3.connect(path) as raw:
        raw.execute(f"PRAGMA user_version = {VERSION + 1}")
    raw.close()
    with pytest.raises(Fault, match=f"has version {VERSION + 1}, and this program knows"):
        open_file(path)


def first_version(path: Path) -> None:
    """A file as the first version left it, with one number that has a reference and one without."""
    with sqlite3.connect(path) as raw:
        for statement in FIRST:
            raw.execute(statement)
        raw.execute("PRAGMA user_version = 1")
    raw.close()
    source = open_private()
    keep(source)
    keep(source, number=replace(NUMBER, reference="retrained @ fp32, this run"), metric="privleak")
    source.keep_rows(KEY.origin, "recite", [row("verbmem-0")])
    with sqlite3.connect(path) as raw:
        for table, columns in (
            ("records", "*"),
            ("numbers", "record, metric, created, number, samples"),
            ("rows", "*"),
        ):
            for values in source._connection.execute(f"SELECT {columns} FROM {table}"):
                marks = ", ".join("?" * len(values))
                raw.execute(f"INSERT INTO {table} VALUES ({marks})", values)
    raw.close()


def test_a_store_of_the_first_version_is_brought_up_to_date(tmp_path: Path) -> None:
    path = tmp_path / "results.sqlite"
    first_version(path)
    store = open_file(path)
    found = store.get(KEY.id)
    assert set(found.record.metrics) == {"verbmem_f", "privleak"}
    assert found.record.metrics["verbmem_f"].samples == NUMBER.samples
    assert store.number(KEY.id, "verbmem_f", "") is not None
    assert store.number(KEY.id, "privleak", "") is None
    assert store.rows(KEY.origin, "recite") == (row("verbmem-0"),)
    store.keep_number(KEY.id, "privleak", "a reference", NUMBER)
    store.close()
    assert len(open_file(path).list()) == 1


def test_a_migration_that_breaks_off_leaves_the_old_store(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "results.sqlite"
    first_version(path)
    broken = (FIRST, ("DROP TABLE rows", "CREATE NONSENSE"))
    monkeypatch.setattr("metrics.store.schema.MIGRATIONS", broken)
    with pytest.raises(sqlite3.OperationalError):
        open_file(path)
    monkeypatch.undo()
    assert len(open_file(path).rows(KEY.origin, "recite")) == 1


@pytest.mark.parametrize("content", [b"not a database at all, but long enough for one" * 40, None])
def test_a_damaged_file_says_what_to_do(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "results.sqlite"
    if content is None:
        store = open_file(path)
        store.keep_rows("o", "recite", [row(f"v-{i}") for i in range(400)])
        store.close()
        whole = path.read_bytes()
        content = whole[:4096] + b"\xff" * (len(whole) - 4096)
    path.write_bytes(content)
    with pytest.raises(Fault, match=r"results.sqlite is damaged \(.*\); move the file away"):
        open_file(path).rows("o", "recite")


def test_a_store_that_may_only_be_read_is_read(tmp_path: Path) -> None:
    path = tmp_path / "results.sqlite"
    writer = open_file(path)
    keep(writer)
    reader = open_file(path, read_only=True)
    assert len(reader.list()) == 1
    with pytest.raises(Fault, match="may only be read; set UNLEARNING_DATA"):
        keep(reader)
    writer.close()
    assert len(open_file(path, read_only=True).list()) == 1


def test_an_old_store_that_may_only_be_read_says_so(tmp_path: Path) -> None:
    path = tmp_path / "results.sqlite"
    first_version(path)
    with pytest.raises(Fault, match="is from an older version and may not be written"):
        open_file(path, read_only=True)


def test_a_store_that_is_held_says_so(tmp_path: Path) -> None:
    path = tmp_path / "results.sqlite"
    store, other = open_file(path), open_file(path)
    store._connection.execute("PRAGMA busy_timeout = 50")
    other._connection.execute("BEGIN IMMEDIATE")
    with pytest.raises(Fault, match="has been held by another program for 10 seconds"):
        keep(store)
    other._connection.execute("COMMIT")
    keep(store)
    assert len(other.list()) == 1


def test_a_store_that_another_program_is_making_is_waited_for(tmp_path: Path) -> None:
    path = tmp_path / "results.sqlite"
    first_version(path)
    raw = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    raw.execute("BEGIN IMMEDIATE")
    raw.execute("DELETE FROM rows")
    release = threading.Timer(0.3, raw.execute, ("ROLLBACK",))
    release.start()
    assert len(open_file(path).list()) == 1
    release.join()
    raw.close()


def test_a_row_that_cannot_be_read_is_a_fault(store: Store) -> None:
    store._connection.execute("INSERT INTO rows VALUES ('o', 'recite', 'v', x'00')")
    with pytest.raises(Fault, match="A stored row cannot be read"):
        store.rows("o", "recite")


def test_shipped_results_are_there_recorded_and_stay(tmp_path: Path) -> None:
    store = open_store()
    shipped = read_shipped()
    assert shipped
    assert {one.record.source for one in shipped} == {"recorded"}
    assert {one.face.letter for one in shipped} >= {"O", "R", "N", "S"}
    assert all(one.read_only for one in shipped)
    assert len({one.id for one in shipped}) == len(shipped)
    keep(store)
    assert len(list_records(store)) == len(shipped) + 1
    assert find_record(store, shipped[0].id) == shipped[0]
    assert find_record(store, KEY.id[:12]).record.model == "npo"
    copy = tmp_path / "results.json.gz"
    shutil.copy(load_family("demo-tuned").results, copy)
    assert read_recorded(copy)[0].id == shipped[0].id
    with pytest.raises(Fault, match=r"none.json could not be read"):
        read_recorded(tmp_path / "none.json")
