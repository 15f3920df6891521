import csv
import json
from collections.abc import Callable
from copy import deepcopy
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas
import pytest

from loaders import Family, Fault
from metrics import Passage, Question, Text, load_data
from metrics.inputs.layout import CHARACTERS
from metrics.inputs.layout import ROWS as ROWS_MOST
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
    read = load_data(replace(family, data=str(folder)))
    assert replace(read, sha256="") == replace(load_data(family), sha256="")


def as_lines(path: Path, rows: list[Any]) -> None:
    text = "\n".join(json.dumps(row) for row in rows) + "\n"
    path.with_suffix(".jsonl").write_text(text, encoding="utf-8")


def as_csv(path: Path, rows: list[Any]) -> None:
    named = [{"text": row} if isinstance(row, str) else row for row in rows]
    with path.with_suffix(".csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(named[0]))
        writer.writeheader()
        writer.writerows(named)


def as_parquet(path: Path, rows: list[Any]) -> None:
    named = [{"text": row} if isinstance(row, str) else row for row in rows]
    pandas.DataFrame(named).to_parquet(path.with_suffix(".parquet"))


@pytest.mark.parametrize("write", [as_lines, as_csv, as_parquet])
def test_a_table_may_be_in_other_formats(
    write: Callable[[Path, list[Any]], None], family: Family
) -> None:
    folder = write_data(Path(family.data))
    wanted = load_data(family)
    for name, rows in ROWS.items():
        (folder / f"{name}.json").unlink()
        write(folder / name, rows)
    assert replace(load_data(family), sha256="") == replace(wanted, sha256="")


def test_a_table_that_is_there_twice_is_named(family: Family) -> None:
    folder = write_data(Path(family.data))
    as_csv(folder / "verbmem" / "forget", ROWS["verbmem/forget"])
    with pytest.raises(Fault, match=r"verbmem/forget is there as forget.json and forget.csv; keep"):
        load_data(family)


def test_a_table_in_several_parquet_files_is_named(family: Family) -> None:
    folder = write_data(Path(family.data))
    (folder / "verbmem" / "forget.json").unlink()
    for part in range(2):
        as_parquet(folder / "verbmem" / f"forget-0000{part}-of-00002", ROWS["verbmem/forget"])
    with pytest.raises(Fault, match=r"verbmem/forget is in 2 parquet files; put it into one"):
        load_data(family)


def test_the_hash_of_the_needed_tables_is_what_it_always_was(family: Family) -> None:
    write_data(Path(family.data))
    was = "9fb0002007a813c236fdcad927eb89830959eb33fb2e501385c1336d0dc49e97"
    assert load_data(family).sha256 == was


@pytest.mark.parametrize(
    ("name", "rows"),
    [
        ("privleak/retain", ["k0", "k1", "k2"]),
        ("knowmem/retain1_qa", [{"question": f"k{i}?", "answer": f"c{i}"} for i in range(3)]),
    ],
)
def test_an_optional_table_is_read_and_hashed(family: Family, name: str, rows: list[Any]) -> None:
    plain = load_data(replace(family, data=str(write_data(Path(family.data)))))
    write_data(Path(family.data), ROWS | {name: rows})
    data = load_data(family, limit=2)
    assert data.sha256 != plain.sha256
    if name == "privleak/retain":
        assert data.privleak_retain[1] == Text("privleak_retain-1", "retain", "k1")
        assert (len(data.privleak_retain), data.knowmem_rehearsed) == (2, ())
    else:
        assert data.knowmem_rehearsed[1] == Question("retain1_qa-1", "k1?", "c1")
        assert (len(data.knowmem_rehearsed), data.privleak_retain) == (2, ())


def test_the_names_of_old_are_read(family: Family) -> None:
    folder = write_data(Path(family.data), ROWS | {"privleak/retain": ["k0"]})
    wanted = load_data(family)
    for name in ("knowmem/retain_qa", "knowmem/retain_qa_icl", "privleak/retain"):
        path = folder / f"{name}.json"
        path.rename(folder / f"{name.replace('retain', 'retain2')}.json")
    assert load_data(family) == wanted


def test_a_stale_table_of_old_beside_the_present_one_is_left_alone(family: Family) -> None:
    write_data(Path(family.data), ROWS | {"privleak/retain": ["new"], "privleak/retain2": ["old"]})
    assert [row.text for row in load_data(family).privleak_retain] == ["new"]


def asked(family: Family, more: dict[str, Any]) -> Question:
    """The second of two questions, which alone has more columns."""
    rows = [{"question": "q0?", "answer": "a0"}, {"question": "q1?", "answer": "a1"} | more]
    spoil(family, "knowmem/forget_qa", rows)
    first, second = load_data(family).knowmem_f
    assert first == Question("forget_qa-0", "q0?", "a0", "", ())
    return second


def test_a_question_may_have_answers_for_the_truth_ratio(family: Family) -> None:
    question = asked(family, {"paraphrased_answer": "an a1", "perturbed_answers": ["b", "c"]})
    assert question == Question("forget_qa-1", "q1?", "a1", "an a1", ("b", "c"))


def test_a_cell_of_csv_holds_wrong_answers_as_json(family: Family) -> None:
    folder = write_data(Path(family.data))
    (folder / "knowmem" / "forget_qa.json").unlink()
    (folder / "knowmem" / "forget_qa.csv").write_text(
        "question,answer,paraphrased_answer,perturbed_answers\n"
        'q0?,a0,an a0,"[""b"", ""c""]"\nq1?,a1,,\n'
    )
    first, second = load_data(family).knowmem_f
    assert (first.paraphrase, first.perturbed) == ("an a0", ("b", "c"))
    assert (second.paraphrase, second.perturbed) == ("", ())


def test_parquet_holds_wrong_answers_as_a_list(family: Family) -> None:
    folder = write_data(Path(family.data))
    (folder / "knowmem" / "forget_qa.json").unlink()
    rows = [
        {"question": "q?", "answer": "a", "perturbed_answers": ["b", "c"]},
        {"question": "r?", "answer": "a", "perturbed_answers": None},
    ]
    as_parquet(folder / "knowmem" / "forget_qa", rows)
    assert [q.perturbed for q in load_data(family).knowmem_f] == [("b", "c"), ()]


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ({"paraphrased_answer": 3}, r"row 1: 'paraphrased_answer' is 3; put text there"),
        ({"perturbed_answers": "b, c"}, r"row 1: 'perturbed_answers' is 'b, c'; put a list of te"),
        ({"perturbed_answers": {"b": 1}}, r"row 1: 'perturbed_answers' is {'b': 1}; put a list"),
        ({"perturbed_answers": ["b", " "]}, r"row 1: 'perturbed_answers' is ' '; put text there"),
    ],
)
def test_a_bad_answer_for_the_truth_ratio_is_named(
    family: Family, more: dict[str, Any], message: str
) -> None:
    with pytest.raises(Fault, match=message):
        asked(family, more)


def test_what_is_done_can_be_left_out_of_a_run(family: Family) -> None:
    write_data(
        Path(family.data),
        ROWS
        | {"privleak/retain": ["k0"], "knowmem/retain1_qa": [{"question": "?", "answer": "!"}]},
    )
    data = load_data(family)
    done = {"verbmem-0", "forget_qa-2", "retain_qa-1", "privleak_forget-0", "privleak_holdout-1"}
    left = data.without(done | {"forget_qa_icl-0", "retain1_qa-0", "privleak_retain-0", "unknown"})
    assert [row.id for row in left.verbmem] == ["verbmem-1", "verbmem-2"]
    assert [row.id for row in left.knowmem_f] == ["forget_qa-0", "forget_qa-1"]
    assert [row.id for row in left.knowmem_r] == ["retain_qa-0", "retain_qa-2"]
    assert [row.id for row in left.privleak_forget] == ["privleak_forget-1", "privleak_forget-2"]
    assert [row.id for row in left.privleak_holdout] == ["privleak_holdout-0", "privleak_holdout-2"]
    assert (left.knowmem_rehearsed, left.privleak_retain) == ((), ())
    assert (left.shots_f, left.shots_r, left.sha256) == (data.shots_f, data.shots_r, data.sha256)


def test_leaving_out_nothing_changes_nothing(family: Family) -> None:
    write_data(Path(family.data))
    assert load_data(family).without([]) == load_data(family)


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
        ("privleak/forget", "text", r"forget.json holds no rows; it must be a list"),
        ("privleak/forget", ["\ud83d!"], r"row 0: 'text' has half a character \(\\ud83d\)"),
        (
            "privleak/holdout",
            ["h", "x" * (CHARACTERS + 1)],
            r"row 1: 'text' has 200,001 characters; 200,000 is the most, so cut it",
        ),
        ("privleak/forget", ["x"] * (ROWS_MOST + 1), r"has 100,001 rows; 100,000 is the most"),
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


@pytest.mark.parametrize(
    ("ending", "text", "message"),
    [
        (".json", "[" * 100_000, r"forget.json is not JSON: it is nested too deeply"),
        (".jsonl", '{"prompt": "p", "gt": "g"}\n\n{"prompt":', r"forget.jsonl, line 3 is not JSON"),
        (".csv", "prompt,gt\np\n", r"forget.csv, row 0 has no 'gt'; add it or remove the row"),
        (".csv", "prompt,gt\np,g\np,\n", r"forget.csv, row 1: 'gt' is ''; put text there"),
        (".csv", 'prompt,gt\np,g\n"p,g\n', r"forget.csv, row 1 has a double quote that is not"),
        (".csv", "prompt,gt\n" + "p,g\n" * (ROWS_MOST + 1), r"forget.csv has 100,001 rows"),
    ],
)
def test_a_bad_file_is_named(family: Family, ending: str, text: str, message: str) -> None:
    path = write_data(Path(family.data)) / "verbmem" / "forget.json"
    path.unlink()
    path.with_suffix(ending).write_text(text, encoding="utf-8")
    with pytest.raises(Fault, match=message):
        load_data(family)


def test_a_parquet_of_too_many_rows_is_refused(family: Family) -> None:
    path = write_data(Path(family.data)) / "privleak" / "forget.json"
    path.unlink()
    as_parquet(path, ["x"] * (ROWS_MOST + 1))
    with pytest.raises(Fault, match=r"forget.parquet has 100,001 rows; 100,000 is the most"):
        load_data(family)


def test_a_table_of_as_many_rows_and_signs_as_may_be_is_read(family: Family) -> None:
    spoil(family, "privleak/forget", ["x" * CHARACTERS] + ["x"] * (ROWS_MOST - 1))
    assert len(load_data(family).privleak_forget) == ROWS_MOST


def test_a_file_that_may_begin_with_a_byte_order_mark_does(family: Family) -> None:
    path = write_data(Path(family.data)) / "verbmem" / "forget.json"
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes())
    assert len(load_data(family).verbmem) == 3


@pytest.mark.parametrize("data", ["books", "csv", "a/b/c", ""])
def test_what_is_neither_a_folder_nor_a_hub_id_is_named(family: Family, data: str) -> None:
    with pytest.raises(Fault, match=f"The data '{data}' is neither a Hub id like 'owner/name' nor"):
        load_data(replace(family, data=data))


def test_a_folder_of_the_name_of_a_hub_id_is_not_taken_for_it(
    family: Family, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "muse-bench" / "MUSE-Books").mkdir(parents=True)
    monkeypatch.chdir(tmp_path)
    with pytest.raises(Fault, match=r"write './muse-bench/MUSE-Books' or move it"):
        load_data(replace(family, data="muse-bench/MUSE-Books"))


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
