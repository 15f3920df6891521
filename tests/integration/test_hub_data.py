"""Data sets of the Hub through `datasets`, in processes of their own against a Hub of our own."""

import json
import os
from collections.abc import Callable, Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from metrics import load_data
from metrics.inputs.layout import OLD_NAMES
from tests.commands import run_process
from tests.hub.repos import Hub, Repo, as_files
from tests.hub.server import running_hub
from tests.unit.metrics.library import ROWS, make_family, write_data

OLD, NEW = "1" * 40, "2" * 40

TABLES = ROWS | {
    "knowmem/forget_qa": [
        {"question": "q0?", "answer": "a0", "perturbed_answers": ["b", "c"]},
        {"question": "q1?", "answer": "a1", "perturbed_answers": None},
    ],
    "privleak/retain": ["k0", "k1"],
}
OLD_TABLES = {OLD_NAMES.get(name, name): rows for name, rows in ROWS.items()} | {
    "privleak/retain2": ["old"]
}

READ = """
import json, sys
from dataclasses import asdict, replace
from loaders import Fault, load_family
from metrics import load_data

def read(repo, revision):
    family = replace(load_family("muse-books"), data=repo, data_revision=revision)
    try:
        return asdict(load_data(family))
    except Fault as fault:
        return str(fault)

print(json.dumps([read(repo, revision) for repo, revision in json.loads(sys.argv[1])]))
"""

Read = Callable[..., list[Any]]


def without_table(name: str) -> dict[str, list[Any]]:
    return {other: rows for other, rows in ROWS.items() if other != name}


REPOS = {
    "lab/books": Repo({OLD: as_files(OLD_TABLES), NEW: as_files(TABLES)}),
    "lab/closed": Repo(refusal="GatedRepo"),
    "lab/cut": Repo({NEW: as_files(ROWS)}, cut=True),
    "lab/no-config": Repo({NEW: as_files(without_table("verbmem/forget"))}),
    "lab/no-split": Repo({NEW: as_files(without_table("privleak/holdout"))}),
    "lab/bad-row": Repo({NEW: as_files(ROWS | {"privleak/forget": ["a", " "]})}),
    "lab/no-parquet": Repo(
        {NEW: as_files(ROWS) | {"verbmem/forget-00000-of-00001.parquet": b"not parquet"}}
    ),
}


@pytest.fixture(scope="module")
def hub() -> Iterator[str]:
    with running_hub(Hub(REPOS)) as address:
        yield address


@pytest.fixture
def read(hub: str, tmp_path: Path) -> Read:
    """Reads data sets in a process that knows our Hub alone and starts with an empty cache."""

    def run(*asked: tuple[str, str], offline: bool = False) -> list[Any]:
        kept = {name: value for name, value in os.environ.items() if not name.startswith("HF_")}
        own = {"HF_ENDPOINT": hub, "HF_HOME": str(tmp_path), "HF_HUB_OFFLINE": str(int(offline))}
        found = run_process("-c", READ, json.dumps(asked), environment=kept | own)
        assert found.returncode == 0, found.stderr
        return list(json.loads(found.stdout))

    return run


def as_json(data: Any) -> Any:
    return json.loads(json.dumps(asdict(data))) | {"sha256": ""}


def test_the_hub_s_data_is_that_of_a_folder(read: Read, tmp_path: Path) -> None:
    family = make_family(tmp_path / "family")
    write_data(Path(family.data), TABLES)
    (data,) = read(("lab/books", NEW))
    assert data | {"sha256": ""} == as_json(load_data(family))
    assert [row["perturbed"] for row in data["knowmem_f"]] == [["b", "c"], []]


def test_a_revision_of_the_old_names_is_read(read: Read) -> None:
    old, new, newest = read(("lab/books", OLD), ("lab/books", NEW), ("lab/books", ""))
    assert [row["text"] for row in old["privleak_retain"]] == ["old"]
    assert old["knowmem_r"] == new["knowmem_r"]
    assert old["sha256"] != new["sha256"]
    assert newest == new


def test_what_was_kept_is_read_offline_and_no_other_revision(read: Read) -> None:
    (online,) = read(("lab/books", NEW))
    same, newest, other, unknown = read(
        ("lab/books", NEW), ("lab/books", ""), ("lab/books", OLD), ("lab/new", NEW), offline=True
    )
    assert same == newest == online
    assert other == (
        "The data set lab/books could not be downloaded: the Hub did not give revision 11111111, "
        "and the copy kept here is of 22222222. Check the network, or give a folder."
    )
    assert unknown == (
        "The data set lab/new could not be downloaded: the Hub could not be reached, and no copy "
        "of its knowmem is kept here. Check the name, the revision and the network, or give a "
        "folder."
    )


def test_what_the_hub_refuses_is_said_with_its_cure(read: Read) -> None:
    assert read(("lab/closed", NEW), ("lab/none", NEW), ("lab/books", "v2")) == [
        "The data set lab/closed is gated; ask for access on its page, then `hf auth login`.",
        "The data set lab/none is not on the Hub, or it is private; correct 'data', or "
        "`hf auth login`.",
        "The data set lab/books has no revision 'v2'; correct 'data_revision'.",
    ]


def test_what_a_data_set_lacks_is_named(read: Read) -> None:
    config, split, row = read(("lab/no-config", NEW), ("lab/no-split", NEW), ("lab/bad-row", ""))
    assert config == (
        "The data set lab/no-config has no config 'verbmem', it has 'knowmem', 'privleak'; "
        "a MUSE data set has knowmem, verbmem, privleak."
    )
    assert (
        split == "The data set lab/no-split has no split 'holdout' in its privleak; it has forget."
    )
    assert row == (
        "lab/bad-row, privleak/forget, row 1: 'text' is ' '; put text there or remove the row."
    )


def test_a_download_that_fails_half_way_is_one_fault(read: Read) -> None:
    cut, broken = read(("lab/cut", NEW), ("lab/no-parquet", NEW))
    assert cut.startswith("The data set lab/cut could not be downloaded: peer closed connection")
    assert cut.endswith("). Check the name, the revision and the network, or give a folder.")
    assert broken.startswith("The data set lab/no-parquet could not be downloaded: Parquet magic")
    assert broken.endswith("Check the name, the revision and the network, or give a folder.")
