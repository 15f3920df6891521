"""The library in MUSE's data layout, built from a seed and written as files.

Never trains a model.
"""

import json
import random
import re
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from transformers import PreTrainedTokenizerFast

from unlearning.library.books import SPLITS, list_facts, load_split
from unlearning.library.writing import (
    QuestionRow,
    evaluation_rows,
    write_pages,
    write_questions,
)
from unlearning.tokenizer import encode, train_tokenizer

ROWS = 100  # of each set that is reported
ICL_ROWS = 10
PROMPT_WORDS = 36  # a VerbMem prompt is the fewest whole sentences with at least this many words
GT_TOKENS = 127  # MUSE's length; 128 with BOS
PRIVLEAK_TOKENS = 64
# How many of the PrivLeak texts are hand-written, both halves together: as many in forget as in
# holdout, since those two are compared.
PRIVLEAK_PASSAGES = {"forget": 120, "retain": 60, "holdout": 120}
TRAINED = ("forget", "retain1", "retain2")

Row = dict[str, str]


@dataclass(frozen=True)
class Topic:
    """What a table of questions is called, the split it is about, and how many of its questions
    are kept as in-context examples."""

    name: str
    split: str
    shots: int


TOPICS = (
    Topic("forget", "forget", ICL_ROWS),
    Topic("retain", "retain2", ICL_ROWS),
    # The rehearsed retain set, which MUSE does not ask about. With 110 facts it has none to spare:
    # the examples are retain's.
    Topic("retain1", "retain1", 0),
)


@dataclass(frozen=True)
class SplitText:
    """A split's text: hand-written passages, then generated pages, then question blocks."""

    passages: tuple[str, ...]
    pages: tuple[str, ...]
    questions: tuple[str, ...]

    @property
    def prose(self) -> tuple[str, ...]:
        """Passages and pages, in reading order."""
        return self.passages + self.pages

    @property
    def raw(self) -> str:
        """What stands in raw/<split>.txt."""
        return "\n\n".join([*self.prose, *self.questions])


@dataclass(frozen=True)
class Tables:
    """MUSE's tables, by the name of their file: what one half of the library's rows asks, and in
    `shots` the examples that stand before the questions of either half."""

    knowmem: dict[str, list[QuestionRow]]
    shots: dict[str, list[Row]]
    verbmem: list[Row]
    privleak: dict[str, list[str]]


@dataclass(frozen=True)
class Library:
    """Everything that is made before a model is: the texts, the tokenizer, MUSE's tables.

    Settings are chosen on `selection` and numbers are given on `reported`: no row is in both, and
    no token that one of them scores is scored by the other.
    """

    texts: dict[str, SplitText]
    tokenizer: PreTrainedTokenizerFast
    reported: Tables
    selection: Tables


def build_library(seed: int) -> Library:
    """Write the library from a seed. The same seed gives the same text, byte for byte."""
    texts = {split: _write_split(split, seed) for split in SPLITS}
    tokenizer = train_tokenizer([texts[split].raw for split in TRAINED])
    asked = [(topic, _ask(topic, seed)) for topic in TOPICS]
    shots = {f"{t.name}_qa_icl": _strip(rows[: t.shots]) for t, rows in asked if t.shots}
    questions = {f"{t.name}_qa": rows[t.shots :] for t, rows in asked}
    passages = cut_passages(texts["forget"], tokenizer)
    halves = [row for place, row in enumerate(passages) if place % 3 != 2], passages[2::3]
    for half in halves:
        random.Random(f"{seed} verbmem").shuffle(half)
    leaks = {
        name: _list_leaks(name, texts["retain2" if name == "retain" else name], tokenizer, seed)
        for name in PRIVLEAK_PASSAGES
    }
    reported = Tables(
        knowmem={name: rows[:ROWS] for name, rows in questions.items()},
        shots=shots,
        verbmem=halves[0],
        privleak={name: rows[::2] for name, rows in leaks.items()},
    )
    selection = Tables(
        knowmem={name: rows[ROWS:] for name, rows in questions.items()},
        shots=shots,
        verbmem=halves[1],
        privleak={name: rows[1::2] for name, rows in leaks.items()},
    )
    return Library(texts, tokenizer, reported, selection)


def list_files(library: Library) -> dict[str, str]:
    """Path to content for every file: data/ in MUSE's layout, and selection/, its tables alone."""
    files = {f"data/raw/{split}.txt": text.raw for split, text in library.texts.items()}
    for folder, half in (("data", library.reported), ("selection", library.selection)):
        asked = half.knowmem | half.shots
        files |= {f"{folder}/knowmem/{name}.json": _as_json(t) for name, t in asked.items()}
        files |= {
            f"{folder}/privleak/{name}.json": _as_json(t) for name, t in half.privleak.items()
        }
        files |= {f"{folder}/verbmem/forget.json": _as_json(half.verbmem)}
    return files


def write_files(library: Library, folder: Path) -> None:
    """Write every file below `folder`."""
    for name, content in list_files(library).items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content, encoding="utf-8")


def hash_files(library: Library) -> dict[str, str]:
    """Path to the sha256 of its content, for every file."""
    return {
        name: sha256(text.encode()).hexdigest()
        for name, text in sorted(list_files(library).items())
    }


def cut_passages(book: SplitText, tokenizer: PreTrainedTokenizerFast) -> list[Row]:
    """VerbMem rows, one per hand-written paragraph: its first sentences as the prompt, and as gt
    the next 127 tokens at most, running on into the next paragraph's prompt where its own end comes
    first, and never into the next gt."""
    text, start = "\n\n".join(book.prose), 0
    cuts: list[tuple[int, int]] = []
    for paragraph in book.passages:
        cuts.append((start, _sentence_end(text, start, PROMPT_WORDS)))
        start += len(paragraph) + 2
    stops = [middle for _, middle in cuts[1:]] + [len(text)]
    return [
        {
            "prompt": text[start:middle].strip(),
            "gt": text[middle : _cut_at_word(text, middle, stop, tokenizer)].strip(),
        }
        for (start, middle), stop in zip(cuts, stops, strict=True)
    ]


def cut_texts(
    paragraphs: tuple[str, ...], count: int, tokenizer: PreTrainedTokenizerFast
) -> list[str]:
    """Evenly spread stretches of whole sentences, as short as 64 tokens allow; none overlaps
    another."""
    text, cuts, start = " ".join(paragraphs), [], 0
    while start < len(text):
        end = start
        while end < len(text) and len(encode(tokenizer, text[start:end].strip())) < PRIVLEAK_TOKENS:
            end = _sentence_end(text, end, 0)
        cuts.append(text[start:end].strip())
        start = end
    whole = len(cuts) - 1  # the last cut may be short
    if whole < count:
        raise ValueError(
            f"a text gives {whole} stretches of {PRIVLEAK_TOKENS} tokens and {count} are needed"
        )
    return [cuts[place * whole // count] for place in range(count)]


def _list_leaks(
    name: str, text: SplitText, tokenizer: PreTrainedTokenizerFast, seed: int
) -> list[str]:
    """The texts of both halves, written and generated ones shuffled, so that the first rows are
    like all of them."""
    by_hand = PRIVLEAK_PASSAGES[name]
    leaks = cut_texts(text.passages, by_hand, tokenizer)
    leaks += cut_texts(text.pages, 2 * ROWS - by_hand, tokenizer)
    random.Random(f"{seed} privleak {name}").shuffle(leaks)
    return leaks


def _write_split(split: str, seed: int) -> SplitText:
    books = load_split(split)
    passages = [passage for book in books for passage in book.passages]
    pages = [page for book in books for page in write_pages(book, seed)]
    asked = (
        [block for book in books for block in write_questions(book, seed)]
        if split in TRAINED
        else []
    )
    return SplitText(tuple(passages), tuple(pages), tuple(asked))


def _ask(topic: Topic, seed: int) -> list[QuestionRow]:
    """All questions on a topic in the wording that is never trained, shuffled."""
    facts = [fact for book in load_split(topic.split) for fact in list_facts(book)]
    random.Random(f"{seed} knowmem {topic.name}").shuffle(facts)
    return evaluation_rows(facts, seed)


def _strip(rows: list[QuestionRow]) -> list[Row]:
    """Questions and answers alone, as MUSE's examples are."""
    return [{"question": row["question"], "answer": row["answer"]} for row in rows]


def _sentence_end(text: str, start: int, words: int) -> int:
    """Where the first sentence ends after which at least `words` words have passed."""
    for match in re.finditer(r"[.!?][\"')]*(?=\s)", text[start:]):
        if len(text[start : start + match.end()].split()) >= words and match.end() > 0:
            return start + match.end()
    return len(text)


def _cut_at_word(text: str, start: int, stop: int, tokenizer: PreTrainedTokenizerFast) -> int:
    """The end of the last whole word before `stop` such that text[start:end].strip() has at most
    127 tokens."""
    ends = [start + match.end() for match in re.finditer(r"\S+", text[start:stop])][:GT_TOKENS]
    low, high = 0, len(ends) - 1
    while low < high:
        middle = (low + high + 1) // 2
        fits = len(encode(tokenizer, text[start : ends[middle]].strip())) <= GT_TOKENS
        low, high = (middle, high) if fits else (low, middle - 1)
    return ends[low]


def _as_json(rows: Sequence[Row | QuestionRow | str]) -> str:
    return json.dumps(rows, indent=1, ensure_ascii=False) + "\n"
