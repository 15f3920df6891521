import json
from copy import deepcopy
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas
import pytest

from loaders import Family, Fault
from metrics import Passage, Question, Text, load_data
from tests.unit.metrics.library import ROWS, make_family, write_data


@pytest.fixture
def family(tmp_path: Path) -> Family:
    return make_family(tmp_path)


def spoil(family: Family, name: str, content: Any) -> None:
    rows = deepcopy(ROWS)
    rows[name] = content
    write_data(Path(family.data), rows)


def test_every_set_is_read_with_ids_of_its_own(family: Family) -> None:
    write_data(Path(family.data))
    data = load_data(family)
    assert data.verbmem[2] == Passage("verbmem-2", "p2", "g2")
    assert data.knowmem_f[1] == Question("forget_qa-1", "q1?", "a1")
    assert data.knowmem_r[0] == Question("retain_qa-0", "r0?", "b0")
    assert data.shots_r == (Question("retain_qa_icl-0", "u?", "v"),)
    assert data.privleak_holdout[0] == Text("privleak_holdout-0", "holdout", "h0")
    assert [len(s) for s in (data.verbmem, data.knowmem_f, data.privleak_forget)] == [3, 3, 3]


def test_a_limit_cuts_the_sets_but_not_the_examples(family: Family) -> None:
    rows = deepcopy(ROWS)
    rows["knowmem/forget_qa_icl"] = [{"question": f"s{i}?", "answer": "t"} for i in range(10)]
    write_data(Path(family.data), rows)
    data = load_data(family, limit=2)
    assert [q.id for q in data.knowmem_f] == ["forget_qa-0", "forget_qa-1"]
    assert len(data.privleak_holdout) == len(data.verbmem) == 2
    assert len(data.shots_f) == 10


def test_the_hash_is_of_the_files_whatever_the_limit(family: Family) -> None:
    write_data(Path(family.data))
    whole = load_data(family).sha256
    assert load_data(family, limit=1).sha256 == whole
    spoil(family, "privleak/holdout", ["h0", "h1", "changed"])
    assert load_data(family).sha256 != whole


def test_parquet_as_on_the_hub_reads_the_same(family: Family, tmp_path: Path) -> None:
    write_data(Path(family.data))
    folder = tmp_path / "parquet"
    for name, rows in ROWS.items():
        frame = pandas.DataFrame([{"text": r} if isinstance(r, str) else r for r in rows])
        path = folder / f"{name}-00000-of-00001.parquet"
        path.parent.mkdir(parents=True, exist_ok=True)
        frame.to_parquet(path)
    stale = folder / "privleak" / "retain2-00000-of-00001.parquet"
    stale.write_bytes((folder / "privleak" / "forget-00000-of-00001.parquet").read_bytes())
    read = load_data(replace(family, data=str(folder)))
    assert replace(read, sha256="") == replace(load_data(family), sha256="")


def test_a_hub_id_that_cannot_be_had_says_what_to_check(
    family: Family, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    with pytest.raises(Fault, match="The data set nobody/nothing could not be downloaded"):
        load_data(replace(family, data="nobody/nothing", data_revision="abc"))


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("verbmem/forget", [{"prompt": "p"}], r"forget.json, row 0 has no 'gt'; add it"),
        (
            "knowmem/forget_qa",
            [{"question": "q", "answer": "a"}, {"question": "q", "answer": "  "}],
            r"forget_qa.json, row 1: 'answer' is '  '; put text there or remove the row",
        ),
        ("knowmem/retain_qa", [{"question": 7, "answer": "a"}], r"row 0: 'question' is 7"),
        ("knowmem/retain_qa", ["q"], r"row 0 is 'q'; it needs question and answer"),
        ("privleak/forget", ["a", None], r"privleak/forget.json, row 1 is None; it needs text"),
        ("privleak/forget", [], r"forget.json holds no rows"),
        ("privleak/forget", {"a": 1}, r"forget.json holds no rows; it must be a list"),
    ],
)
def test_a_bad_row_is_named(family: Family, name: str, content: Any, message: str) -> None:
    spoil(family, name, content)
    with pytest.raises(Fault, match=message):
        load_data(family)


def test_a_file_that_is_missing_is_named(family: Family) -> None:
    (write_data(Path(family.data)) / "verbmem" / "forget.json").unlink()
    with pytest.raises(Fault, match=r"verbmem/forget.json is missing; a MUSE data folder has it"):
        load_data(family)


def test_a_file_that_is_not_json_is_named(family: Family) -> None:
    (write_data(Path(family.data)) / "verbmem" / "forget.json").write_text("{")
    with pytest.raises(Fault, match=r"verbmem/forget.json is not JSON"):
        load_data(family)


def test_a_file_that_is_not_parquet_is_named(family: Family) -> None:
    path = write_data(Path(family.data)) / "verbmem" / "forget.json"
    path.rename(path.with_name("forget-00000-of-00001.parquet"))
    with pytest.raises(Fault, match=r"forget-00000-of-00001.parquet is not readable as parquet"):
        load_data(family)


def test_a_folder_that_does_not_exist_is_named(family: Family) -> None:
    with pytest.raises(Fault, match=r"The data folder .*data does not exist"):
        load_data(family)


@pytest.mark.parametrize("limit", [0, -3])
def test_a_limit_below_one_is_refused(family: Family, limit: int) -> None:
    with pytest.raises(Fault, match=f"The limit is {limit} rows; choose 1 or more"):
        load_data(family, limit=limit)


def test_a_row_may_hold_braces_and_percent_signs(family: Family) -> None:
    spoil(family, "knowmem/forget_qa", json.loads('[{"question": "{x} %s?", "answer": "{}"}]'))
    assert load_data(family).knowmem_f[0].question == "{x} %s?"
