"""The store under real processes: killed in the middle, two at once, several that begin it."""

import signal
import subprocess
import sys
import time
from pathlib import Path

from metrics import LikelihoodSample
from metrics.store import Store, open_private
from metrics.store.file import open_file
from tests.integration.storing import made_wanted
from tests.serving import ROOT
from tests.unit.metrics.store.shelves import Asked, Opener, results, run_all

PASSAGES = 40


def start(path: Path, folder: Path, seconds: float) -> "subprocess.Popen[str]":
    words = [sys.executable, "-m", "tests.integration.storing", str(path), str(folder)]
    return subprocess.Popen(
        [*words, str(PASSAGES), str(seconds)], cwd=ROOT, stdout=subprocess.PIPE, text=True
    )


def count_rows(store: Store) -> int:
    return sum(one.rows for one in store.list())


def wait_for_rows(store: Store, rows: int) -> None:
    ends = time.monotonic() + 60
    while count_rows(store) < rows:
        assert time.monotonic() < ends, "the run keeps nothing"
        time.sleep(0.01)


def test_a_run_that_is_killed_goes_on_where_it_stopped(tmp_path: Path) -> None:
    path, folder = tmp_path / "results.sqlite", tmp_path / "family"
    store = open_file(path)
    child = start(path, folder, 0.04)
    try:
        # Past the first model's passages, in the middle of the second's.
        wait_for_rows(store, PASSAGES + 15)
    finally:
        child.send_signal(signal.SIGKILL)
        child.communicate()
    kept = count_rows(store)
    assert PASSAGES < kept < 2 * PASSAGES
    engine, wanted = Asked(), made_wanted(folder, PASSAGES)
    opener, told = Opener(engine, wanted.family), []
    events = run_all(store, opener, wanted, told)
    every = 2 * (PASSAGES + len(wanted.data.knowmem_r))
    assert (len(engine.answered), told) == (every - kept, [])
    whole = Opener(Asked(), wanted.family)
    unbroken = results(run_all(open_private(), whole, wanted, []))
    assert results(events).records == unbroken.records
    assert store._connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)


def test_two_programs_write_one_store(tmp_path: Path) -> None:
    path = tmp_path / "results.sqlite"
    folders = [tmp_path / name for name in ("one", "other")]
    children = [start(path, folder, 0.005) for folder in folders]
    said = [child.communicate(timeout=120)[0] for child in children]
    assert said == ["ready\ndone\n"] * 2
    store = open_file(path)
    found = store.list()
    assert len(found) == 4
    assert len({one.record.repo for one in found}) == 4
    assert {frozenset(one.record.metrics) for one in found} == {
        frozenset(("verbmem_f", "knowmem_r"))
    }
    assert all(one.record.metrics["verbmem_f"].n == PASSAGES for one in found)


def test_two_programs_may_run_the_very_same(tmp_path: Path) -> None:
    path, folder = tmp_path / "results.sqlite", tmp_path / "family"
    children = [start(path, folder, 0.005) for _ in range(2)]
    said = [child.communicate(timeout=120)[0] for child in children]
    assert said == ["ready\ndone\n"] * 2
    store = open_file(path)
    assert len(store.list()) == 2
    for one in store.list():
        samples = store.get(one.id).record.metrics["verbmem_f"].samples
        assert [s.id for s in samples] == [f"verbmem-{i}" for i in range(PASSAGES)]
        assert not any(isinstance(sample, LikelihoodSample) for sample in samples)


def test_many_programs_begin_one_store(tmp_path: Path) -> None:
    path = tmp_path / "results.sqlite"
    code = "import sys, pathlib; from metrics.store.file import open_file; "
    code += "input(); open_file(pathlib.Path(sys.argv[1])).close()"
    children = [
        subprocess.Popen(
            [sys.executable, "-c", code, str(path)],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for _ in range(6)
    ]
    errors = []
    for child in children:
        assert child.stdin is not None
        child.stdin.write("go\n")
        child.stdin.flush()
    for child in children:
        errors.append(child.communicate(timeout=60)[1])
    assert errors == [""] * 6
    assert open_file(path).list() == ()
