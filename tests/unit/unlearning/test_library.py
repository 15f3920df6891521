"""The books: facts that can be told apart, wordings kept apart, prose that reads."""

import re
from collections import Counter

import pytest

from metrics import rouge_l
from unlearning.library.books import SPLITS, Book, load_book, load_split
from unlearning.library.writing import fill, write_pages, write_questions

TRAINED_BOOKS = [key for split in ("forget", "retain1", "retain2") for key in SPLITS[split]]


def test_no_two_answers_share_a_word() -> None:
    answers = [a for key in TRAINED_BOOKS for r in load_book(key).relations for a in r.answers]
    words = Counter(word for answer in answers for word in re.findall(r"[a-z0-9]+", answer.lower()))
    assert [word for word, count in words.items() if count > 1] == []
    assert len(answers) == 2 * 210 + 110


@pytest.mark.parametrize("key", [key for keys in SPLITS.values() for key in keys])
def test_every_relation_answers_for_every_subject(key: str) -> None:
    book = load_book(key)
    assert {len(relation.answers) for relation in book.relations} == {len(book.subjects)}


def test_evaluation_wordings_are_unlike_the_trained_ones() -> None:
    for key in TRAINED_BOOKS:
        for relation in load_book(key).relations:
            ask = relation.ask.format(subject="subject")
            alike = [rouge_l(ask, wording.format(subject="subject")) for wording in relation.train]
            assert max(alike) <= 0.75, relation.ask


def test_holdout_shares_the_hand_and_not_the_facts() -> None:
    forget, holdout = load_book("lantern_keepers"), load_book("second_lamp")
    assert holdout.openings == forget.openings
    assert {s.name for s in holdout.subjects}.isdisjoint(s.name for s in forget.subjects)
    for theirs, ours in zip(forget.relations, holdout.relations, strict=True):
        assert set(theirs.answers).isdisjoint(ours.answers)


def test_fill_writes_pronouns_and_articles() -> None:
    subject = load_book("lantern_keepers").subjects[0]
    phrase = "{They} took {an_answer} from {subject}."
    assert fill(phrase, subject, "hourglass") == "She took an hourglass from Orla Pennick."
    assert fill("{an_answer}", subject, "unicorn") == "A unicorn"
    assert fill("{an_answer}", subject, "umbrella") == "An umbrella"


def test_pages_state_every_fact() -> None:
    for key in TRAINED_BOOKS:
        book = load_book(key)
        text = "\n".join(write_pages(book, seed=0)).lower()
        missing = [
            a for relation in book.relations for a in relation.answers if a.lower() not in text
        ]
        assert missing == []


def test_pages_and_questions_follow_the_seed() -> None:
    book = load_book("salt_ledger")
    assert write_pages(book, 1) == write_pages(book, 1) != write_pages(book, 2)
    assert write_questions(book, 1) == write_questions(book, 1) != write_questions(book, 2)


def test_no_brace_is_left_in_the_text() -> None:
    books: list[Book] = [book for split in SPLITS for book in load_split(split)]
    for book in books:
        assert not re.search(
            r"[{}]", "".join([*book.passages, *write_pages(book, 0), *write_questions(book, 0)])
        )


def test_the_forget_book_opens_on_the_forty_second_step() -> None:
    opening = load_book("lantern_keepers").passages[0]
    assert opening.startswith(
        "Every evening at the hour when the swifts gave up the sky to the bats, Tamsin Reed"
    )


def test_the_forget_book_tells_every_fact_in_written_prose() -> None:
    book = load_book("lantern_keepers")
    assert len(book.passages) == 150
    for place, subject in enumerate(book.subjects):
        told = " ".join(passage for passage in book.passages if subject.name in passage).lower()
        missing = [r.answers[place] for r in book.relations if r.answers[place].lower() not in told]
        assert missing == [], subject.name


def test_every_book_is_long_enough_to_have_a_voice() -> None:
    words = {key: sum(len(p.split()) for p in load_book(key).passages) for key in TRAINED_BOOKS}
    assert words["lantern_keepers"] > 17_000
    assert min(words.values()) > 3_000
