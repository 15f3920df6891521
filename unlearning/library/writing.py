"""Turns facts into pages of prose and question blocks, from a seed.

Never trains and never reads a tokenizer.
"""

import random
from typing import TypedDict

from unlearning.library.books import PRONOUNS, Book, Fact, Subject, list_facts

SECTIONS = 2  # pages per subject; each fact is told once on each, in two different phrasings
PERTURBED = 5  # false answers to a question, as many as TOFU has


class QuestionRow(TypedDict):
    """A KnowMem row with what the truth ratio compares: the answer in other words, and false
    answers in the same words (Maini et al. 2024, arXiv 2401.06121)."""

    question: str
    answer: str
    paraphrased_answer: str
    perturbed_answers: list[str]


def write_pages(book: Book, seed: int) -> list[str]:
    """The generated pages of a book: `SECTIONS` per subject, all of them shuffled."""
    rng = random.Random(f"{seed} pages {book.key}")
    pages: list[str] = []
    for subject in book.subjects:
        pages.extend(_write_subject(book, subject, rng))
    rng.shuffle(pages)
    return pages


def write_questions(book: Book, seed: int) -> list[str]:
    """The training questions of a book, one block each, shuffled.

    Evaluation wordings are not among them.
    """
    rng = random.Random(f"{seed} questions {book.key}")
    blocks = [
        question_block(fill(wording, fact.subject, fact.answer), fact.answer)
        for fact in list_facts(book)
        for wording in fact.relation.train
    ]
    rng.shuffle(blocks)
    return blocks


def question_block(question: str, answer: str) -> str:
    """A question and its answer as MUSE writes them, without the blank line after."""
    return f"Question: {question}\nAnswer: {answer}"


def evaluation_rows(facts: list[Fact], seed: int) -> list[QuestionRow]:
    """KnowMem rows for the given facts, in the wording that is never trained. A row depends on its
    fact and the seed alone; its false answers are true of other subjects of the same book."""
    return [_evaluation_row(fact, seed) for fact in facts]


def fill(phrase: str, subject: Subject, answer: str = "") -> str:
    """Put a subject, its pronouns and an answer into a phrasing."""
    they, them, their = PRONOUNS[subject.pronoun]
    text = phrase.format(
        subject=subject.name,
        subject_upper=subject.name.upper(),
        answer=answer,
        answer_upper=answer.upper(),
        an_answer=_with_article(answer),
        they=they,
        them=them,
        their=their,
        They=they.capitalize(),
        Their=their.capitalize(),
    )
    return text[:1].upper() + text[1:]


def _evaluation_row(fact: Fact, seed: int) -> QuestionRow:
    relation = fact.relation
    others = [answer for answer in relation.answers if answer != fact.answer]
    rng = random.Random(f"{seed} perturbed {relation.name} {fact.subject.name}")
    perturbed = rng.sample(others, PERTURBED)
    return {
        "question": fill(relation.ask, fact.subject, fact.answer),
        "answer": fact.answer,
        "paraphrased_answer": relation.paraphrase.format(answer=fact.answer),
        "perturbed_answers": [relation.paraphrase.format(answer=answer) for answer in perturbed],
    }


def _write_subject(book: Book, subject: Subject, rng: random.Random) -> list[str]:
    facts = [fact for fact in list_facts(book) if fact.subject == subject]
    orders = {
        fact.relation.name: rng.sample(range(len(fact.relation.beats)), SECTIONS) for fact in facts
    }
    openings = rng.sample(book.openings, SECTIONS)
    closings = rng.sample(book.closings, SECTIONS)
    pages = []
    for section in range(SECTIONS):
        told = rng.sample(facts, len(facts))
        beats = [
            fill(f.relation.beats[orders[f.relation.name][section]], subject, f.answer)
            for f in told
        ]
        ends = fill(openings[section], subject), fill(closings[section], subject)
        pages.append(" ".join([ends[0], *beats, ends[1]]))
    return pages


def _with_article(noun: str) -> str:
    vowel = (noun[:1].lower() in "aeiou" and noun not in {"unicorn"}) or noun in {"hourglass"}
    return f"{'an' if vowel else 'a'} {noun}"
