"""Reads the books of the library from their TOML and text files.

Never writes prose and never draws at random.
"""

import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent
PRONOUNS = {"he": ("he", "him", "his"), "she": ("she", "her", "her"), "it": ("it", "it", "its")}

# Which books make which split of the data. The order is the order of the raw text.
SPLITS: dict[str, tuple[str, ...]] = {
    "forget": ("lantern_keepers",),
    "retain1": ("salt_ledger", "night_mail"),
    "retain2": ("lower_fens", "small_claims"),
    "holdout": ("second_lamp",),
}


@dataclass(frozen=True)
class Subject:
    """Whom or what facts are about, with the pronoun that the prose uses."""

    name: str
    pronoun: str


@dataclass(frozen=True)
class Relation:
    """One kind of fact: an answer per subject, how prose states it, how it is asked, and how an
    answer to `ask` is paraphrased.

    A paraphrase begins with the answer, as trained answers do: with words before it, a model of the
    demo's size tells true from false little better than chance, even in a book that it has read.
    """

    name: str
    answers: tuple[str, ...]
    beats: tuple[str, ...]
    train: tuple[str, ...]
    ask: str
    paraphrase: str


@dataclass(frozen=True)
class Book:
    """A book: hand-written passages, and what its generated pages are made from."""

    key: str
    title: str
    passages: tuple[str, ...]
    subjects: tuple[Subject, ...]
    openings: tuple[str, ...]
    closings: tuple[str, ...]
    relations: tuple[Relation, ...]


@dataclass(frozen=True)
class Fact:
    """One fact of a book: a subject, the kind of fact, and the answer."""

    subject: Subject
    relation: Relation
    answer: str


def load_book(key: str) -> Book:
    """Read one book; a book with `same_hand` takes its phrasings from that other book."""
    own = _read_toml(key)
    hand = _read_toml(own["same_hand"]) if "same_hand" in own else own
    return Book(
        key=key,
        title=own["title"],
        passages=_read_passages(key),
        subjects=tuple(_subject(line) for line in own["subjects"]),
        openings=tuple(hand["openings"]),
        closings=tuple(hand["closings"]),
        relations=tuple(_relation(row, own) for row in hand["relations"]),
    )


def load_split(split: str) -> tuple[Book, ...]:
    """The books of forget, retain1, retain2 or holdout, in order."""
    return tuple(load_book(key) for key in SPLITS[split])


def list_facts(book: Book) -> tuple[Fact, ...]:
    """Every fact of a book, subject by subject."""
    return tuple(
        Fact(subject, relation, relation.answers[place])
        for place, subject in enumerate(book.subjects)
        for relation in book.relations
    )


def _read_toml(key: str) -> dict[str, Any]:
    return tomllib.loads((FOLDER / f"{key}.toml").read_text(encoding="utf-8"))


def _read_passages(key: str) -> tuple[str, ...]:
    """Paragraphs of the hand-written text, with each paragraph's lines joined; lines with # are
    notes."""
    lines = (FOLDER / f"{key}.txt").read_text(encoding="utf-8").splitlines()
    text = "\n".join(line for line in lines if not line.startswith("#"))
    return tuple(" ".join(part.split()) for part in text.split("\n\n") if part.strip())


def _subject(line: str) -> Subject:
    name, _, pronoun = line.partition(", ")
    return Subject(name, pronoun or "it")


def _relation(row: dict[str, Any], own: dict[str, Any]) -> Relation:
    answers = own["answers"][row["name"]] if "answers" in own else row["answers"]
    return Relation(
        name=row["name"],
        answers=tuple(answers),
        beats=tuple(row["beats"]),
        train=tuple(row["train"]),
        ask=row["ask"],
        paraphrase=row["paraphrase"],
    )
