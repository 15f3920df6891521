"""MUSE's layout: rows, columns, lengths, and nothing of the evaluation in the training text."""

import json
from pathlib import Path

import pytest

from unlearning.layout import Library, SplitText, build_library, cut_passages, list_files
from unlearning.rows import cut_rows
from unlearning.tokenizer import encode


def test_the_shipped_files_are_what_the_seed_gives(library: Library, demo: Path) -> None:
    shipped = {
        p.relative_to(demo / "data").as_posix() for p in (demo / "data").rglob("*") if p.is_file()
    }
    files = list_files(library)
    assert shipped == set(files)
    changed = [
        name
        for name, text in files.items()
        if (demo / "data" / name).read_text(encoding="utf-8") != text
    ]
    assert changed == []


def test_another_seed_gives_another_library(library: Library) -> None:
    assert list_files(library) == list_files(build_library(0))
    assert list_files(library)["raw/forget.txt"] != list_files(build_library(1))["raw/forget.txt"]


def test_rows_and_columns_are_muse_s(demo: Path) -> None:
    def read(name: str) -> list[dict[str, str]]:
        return json.loads((demo / "data" / name).read_text(encoding="utf-8"))  # type: ignore[no-any-return]

    for name, count in (
        ("forget_qa", 100),
        ("forget_qa_icl", 10),
        ("retain_qa", 100),
        ("retain_qa_icl", 10),
    ):
        rows = read(f"knowmem/{name}.json")
        assert len(rows) == count
        assert all(row.keys() == {"question", "answer"} for row in rows)
    passages = read("verbmem/forget.json")
    assert len(passages) == 100
    assert all(row.keys() == {"prompt", "gt"} for row in passages)


def test_lengths_in_tokens(library: Library) -> None:
    for row in library.verbmem:
        assert 100 <= len(encode(library.tokenizer, row["gt"])) <= 127
    for texts in library.privleak.values():
        assert len(texts) == len(set(texts)) == 100
        assert min(len(encode(library.tokenizer, text)) for text in texts) >= 64


def test_answers_have_one_to_three_words(library: Library) -> None:
    answers = [row["answer"] for rows in library.knowmem.values() for row in rows]
    assert all(1 <= len(answer.split()) <= 3 for answer in answers)


def test_verbmem_rows_are_the_book_s_own_words_in_order(library: Library) -> None:
    book = library.texts["forget"].raw
    place = 0
    for row in library.verbmem:
        place = book.index(row["prompt"], place) + len(row["prompt"])
        assert book[place:].lstrip().startswith(row["gt"])


def test_the_first_fifty_verbmem_rows_are_hand_written(library: Library) -> None:
    by_hand = "\n\n".join(library.texts["forget"].passages)
    assert all(row["prompt"] in by_hand and row["gt"] in by_hand for row in library.verbmem[:50])


def test_no_evaluation_question_is_in_the_training_text(library: Library) -> None:
    text = "".join(library.texts[split].raw for split in ("forget", "retain1", "retain2"))
    found = [
        row["question"]
        for rows in library.knowmem.values()
        for row in rows
        if row["question"] in text
    ]
    assert found == []


def test_icl_rows_are_not_asked(library: Library) -> None:
    for name in ("forget", "retain"):
        asked = {row["question"] for row in library.knowmem[f"{name}_qa"]}
        assert asked.isdisjoint(row["question"] for row in library.knowmem[f"{name}_qa_icl"])


def test_utility_is_asked_about_retain2_alone(library: Library) -> None:
    for row in library.knowmem["retain_qa"]:
        assert f"Answer: {row['answer']}\n" in library.texts["retain2"].raw + "\n"
        assert f"Answer: {row['answer']}\n" not in library.texts["retain1"].raw + "\n"


def test_no_holdout_passage_is_in_the_training_text(library: Library) -> None:
    text = "".join(library.texts[split].raw for split in ("forget", "retain1", "retain2"))
    assert [passage for passage in library.texts["holdout"].prose if passage in text] == []
    assert [leak for leak in library.privleak["holdout"] if leak in text] == []


def test_a_question_prompt_is_a_prefix_of_its_training_tokens(library: Library) -> None:
    asked = "Question: Which object was Orla Pennick carrying?\nAnswer: "
    start = encode(library.tokenizer, asked)
    assert encode(library.tokenizer, asked + "sextant\n\n")[: len(start)] == start
    assert library.tokenizer.convert_ids_to_tokens(start)[-1] == "Ġ"


def test_rows_start_with_bos_and_repeat_from_their_seed(library: Library) -> None:
    texts = [library.texts["retain1"]]
    rows = cut_rows(texts, library.tokenizer, 40, "a", length=128)
    assert rows.shape == (40, 128)
    assert set(rows[:, 0].tolist()) == {library.tokenizer.bos_token_id}
    assert rows.equal(cut_rows(texts, library.tokenizer, 40, "a", length=128))
    assert not rows.equal(cut_rows(texts, library.tokenizer, 40, "b", length=128))


def test_an_epoch_of_rows_holds_every_token_of_the_prose(library: Library) -> None:
    text = SplitText(library.texts["retain2"].passages, (), ())
    ids = encode(library.tokenizer, "\n\n".join(text.prose))
    rows = cut_rows([text], library.tokenizer, -(-(len(ids) + 1) // 127), "a", length=128)
    counts, read = rows[:, 1:].flatten().bincount(), [0] * len(library.tokenizer)
    for token in ids:
        read[token] += 1
    assert all(counts[token] >= count for token, count in enumerate(read) if count)


def test_too_short_a_book_says_so(library: Library) -> None:
    with pytest.raises(ValueError, match="holds 9 paragraphs and 100 are needed"):
        cut_passages(library.texts["forget"].passages[:9], library.tokenizer)
