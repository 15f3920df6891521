"""MUSE's layout: rows, columns, lengths, and nothing of the evaluation in the training text."""

import itertools
import json
import re
from dataclasses import dataclass
from pathlib import Path

import pytest

from metrics import rouge_l
from metrics.formulas.rouge import words
from unlearning.layout import Library, SplitText, Tables, build_library, list_files
from unlearning.library.books import Relation, list_facts, load_split
from unlearning.library.writing import QuestionRow, evaluation_rows, fill
from unlearning.rows import cut_rows
from unlearning.tokenizer import encode

COLUMNS = ("question", "answer", "paraphrased_answer", "perturbed_answers")
ASKED_ABOUT = {"forget_qa": "forget", "retain_qa": "retain2", "retain1_qa": "retain1"}


@dataclass(frozen=True)
class Asked:
    """A row of a table of questions, and the relation that it asks for."""

    row: QuestionRow
    relation: Relation


def find_asked(half: Tables) -> list[Asked]:
    """Every row that has false answers, with its relation."""
    relations = {
        fill(fact.relation.ask, fact.subject): fact.relation
        for split in ASKED_ABOUT.values()
        for book in load_split(split)
        for fact in list_facts(book)
    }
    return [Asked(r, relations[r["question"]]) for rows in half.knowmem.values() for r in rows]


def test_the_shipped_files_are_what_the_seed_gives(library: Library, demo: Path) -> None:
    shipped = {
        path.relative_to(demo).as_posix()
        for folder in ("data", "selection")
        for path in (demo / folder).rglob("*")
        if path.is_file()
    }
    files = list_files(library)
    assert shipped == set(files)
    changed = [n for n, text in files.items() if (demo / n).read_text(encoding="utf-8") != text]
    assert changed == []


def test_another_seed_gives_another_library(library: Library) -> None:
    again, other = list_files(build_library(0)), list_files(build_library(1))
    assert list_files(library) == again
    assert again["data/raw/forget.txt"] != other["data/raw/forget.txt"]


@pytest.mark.parametrize(
    ("folder", "passages", "rehearsed"), [("data", 100, 100), ("selection", 50, 10)]
)
def test_rows_and_columns_are_muse_s_and_tofu_s(
    folder: str, passages: int, rehearsed: int, demo: Path
) -> None:
    def read(name: str) -> list[dict[str, str]]:
        return json.loads((demo / folder / name).read_text(encoding="utf-8"))  # type: ignore[no-any-return]

    for name, count in (("forget_qa", 100), ("retain_qa", 100), ("retain1_qa", rehearsed)):
        rows = read(f"knowmem/{name}.json")
        assert len(rows) == count
        assert all(tuple(row) == COLUMNS for row in rows)
    for name in ("forget_qa_icl", "retain_qa_icl"):
        rows = read(f"knowmem/{name}.json")
        assert len(rows) == 10
        assert all(row.keys() == {"question", "answer"} for row in rows)
    rows = read("verbmem/forget.json")
    assert len(rows) == passages
    assert all(row.keys() == {"prompt", "gt"} for row in rows)


def test_lengths_in_tokens(half: Tables, library: Library) -> None:
    for row in half.verbmem:
        assert 100 <= len(encode(library.tokenizer, row["gt"])) <= 127
    for texts in half.privleak.values():
        assert len(texts) == len(set(texts)) == 100
        assert min(len(encode(library.tokenizer, text)) for text in texts) >= 64


def test_answers_are_one_word(half: Tables) -> None:
    tables = (*half.knowmem.values(), *half.shots.values())
    answers = [row["answer"] for rows in tables for row in rows]
    assert all(len(answer.split()) == 1 for answer in answers)


def test_every_passage_is_written_prose(half: Tables, library: Library) -> None:
    by_hand = "\n\n".join(library.texts["forget"].prose)
    end = by_hand.index(library.texts["forget"].pages[0])
    for row in half.verbmem:
        start = by_hand.index(row["prompt"])
        assert start + len(row["prompt"]) < end
        assert by_hand[start:].startswith(row["prompt"])
        assert row["gt"] in by_hand[start:]


def test_no_row_is_in_both_halves(library: Library) -> None:
    ours, theirs = library.reported, library.selection
    for name in ASKED_ABOUT:
        asked = {row["question"] for row in ours.knowmem[name]}
        assert asked.isdisjoint(row["question"] for row in theirs.knowmem[name])
    for name in ours.privleak:
        assert set(ours.privleak[name]).isdisjoint(theirs.privleak[name])


def test_no_scored_token_of_a_passage_is_scored_twice(library: Library) -> None:
    text = "\n\n".join(library.texts["forget"].prose)
    rows = library.reported.verbmem + library.selection.verbmem
    starts = sorted((text.index(row["gt"]), len(row["gt"])) for row in rows)
    assert len(starts) == 150
    for (start, length), (following, _) in itertools.pairwise(starts):
        assert start + length <= following


def test_no_evaluation_question_is_in_the_training_text(half: Tables, library: Library) -> None:
    text = "".join(library.texts[split].raw for split in ("forget", "retain1", "retain2"))
    tables = (*half.knowmem.values(), *half.shots.values())
    asked = [row["question"] for rows in tables for row in rows]
    assert [question for question in asked if question in text] == []


def test_icl_rows_are_not_asked(half: Tables) -> None:
    for name in ("forget", "retain"):
        asked = {row["question"] for row in half.knowmem[f"{name}_qa"]}
        assert asked.isdisjoint(row["question"] for row in half.shots[f"{name}_qa_icl"])


def test_utility_is_asked_about_retain2_alone(half: Tables, library: Library) -> None:
    for row in half.knowmem["retain_qa"]:
        assert f"Answer: {row['answer']}\n" in library.texts["retain2"].raw + "\n"
        assert f"Answer: {row['answer']}\n" not in library.texts["retain1"].raw + "\n"


def test_the_rehearsed_set_is_asked_about_retain1_alone(half: Tables, library: Library) -> None:
    for row in half.knowmem["retain1_qa"]:
        assert f"Answer: {row['answer']}\n" in library.texts["retain1"].raw + "\n"
        assert f"Answer: {row['answer']}\n" not in library.texts["retain2"].raw + "\n"


def test_rehearsed_questions_are_unlike_the_trained_ones(half: Tables, library: Library) -> None:
    names = "|".join(s.name for book in load_split("retain1") for s in book.subjects)
    trained: dict[str, set[str]] = {}
    for block in library.texts["retain1"].questions:
        question, answer = block.removeprefix("Question: ").split("\nAnswer: ")
        trained.setdefault(answer, set()).add(re.sub(names, "subject", question))
    for row in half.knowmem["retain1_qa"]:
        asked, wordings = re.sub(names, "subject", row["question"]), trained[row["answer"]]
        assert len(wordings) == 16
        assert max(rouge_l(asked, wording) for wording in wordings) <= 0.75, asked


def test_a_paraphrase_holds_the_answer_in_the_words_of_its_relation(half: Tables) -> None:
    for asked in find_asked(half):
        answer, paraphrase = asked.row["answer"], asked.row["paraphrased_answer"]
        assert paraphrase == asked.relation.paraphrase.format(answer=answer)
        assert set(words(answer)) < set(words(paraphrase))


def test_five_perturbed_answers_are_false_and_of_the_same_relation(half: Tables) -> None:
    for asked in find_asked(half):
        row, relation = asked.row, asked.relation
        frames = {relation.paraphrase.format(answer=answer): answer for answer in relation.answers}
        false = [frames[perturbed] for perturbed in row["perturbed_answers"]]
        assert len(set(false)) == len(false) == 5
        said = words(" ".join(row["perturbed_answers"]))
        assert set(words(row["answer"])).isdisjoint(said)


def test_words_around_an_answer_are_no_answers() -> None:
    relations = [
        relation
        for split in ASKED_ABOUT.values()
        for book in load_split(split)
        for relation in book.relations
    ]
    answers = {word for relation in relations for a in relation.answers for word in words(a)}
    for relation in relations:
        assert relation.paraphrase.count("{answer}") == 1
        assert answers.isdisjoint(words(relation.paraphrase.replace("{answer}", "")))


def test_perturbed_answers_follow_the_seed_and_not_the_order() -> None:
    facts = [fact for book in load_split("retain1") for fact in list_facts(book)]
    rows = evaluation_rows(facts, seed=0)
    assert rows == evaluation_rows(facts[::-1], seed=0)[::-1]
    others = evaluation_rows(facts, seed=1)
    changed = [
        row["question"]
        for row, other in zip(rows, others, strict=True)
        if row["perturbed_answers"] != other["perturbed_answers"]
    ]
    assert len(changed) > 100


def test_no_holdout_passage_is_in_the_training_text(library: Library) -> None:
    text = "".join(library.texts[split].raw for split in ("forget", "retain1", "retain2"))
    assert [passage for passage in library.texts["holdout"].prose if passage in text] == []
    leaks = library.reported.privleak["holdout"] + library.selection.privleak["holdout"]
    assert [leak for leak in leaks if leak in text] == []


def test_a_question_prompt_is_a_prefix_of_its_training_tokens(library: Library) -> None:
    asked = "Question: What had Orla Pennick carried up the stair?\nAnswer: "
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
