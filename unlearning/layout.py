"""The library in MUSE's data layout, built from a seed and written as files.

Never trains a model.
"""

import json
import random
import re
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from transformers import PreTrainedTokenizerFast

from unlearning.library.books import SPLITS, list_facts, load_split
from unlearning.library.writing import evaluation_rows, write_pages, write_questions
from unlearning.tokenizer import encode, train_tokenizer

ROWS = 100
ICL_ROWS = 10
PROMPT_WORDS = 36  # a VerbMem prompt is the fewest whole sentences with at least this many words
GT_TOKENS = 127  # MUSE's length; 128 with BOS
PRIVLEAK_TOKENS = 64
# How many of the 100 PrivLeak texts are hand-written: as many in forget as in holdout, since those
# two are compared.
PRIVLEAK_PASSAGES = {"forget": 45, "retain": 15, "holdout": 45}
TRAINED = ("forget", "retain1", "retain2")

Row = dict[str, str]


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
class Library:
    """Everything that is made before a model is: the texts, the tokenizer, MUSE's tables."""

    texts: dict[str, SplitText]
    tokenizer: PreTrainedTokenizerFast
    knowmem: dict[str, list[Row]]
    verbmem: list[Row]
    privleak: dict[str, list[str]]


def build_library(seed: int) -> Library:
    """Write the library from a seed. The same seed gives the same text, byte for byte."""
    texts = {split: _write_split(split, seed) for split in SPLITS}
    tokenizer = train_tokenizer([texts[split].raw for split in TRAINED])
    leaks = {
        split: "retain2" if split == "retain" else split
        for split in ("forget", "retain", "holdout")
    }
    return Library(
        texts=texts,
        tokenizer=tokenizer,
        knowmem={**_ask("forget", "forget", seed), **_ask("retain", "retain2", seed)},
        verbmem=cut_passages(texts["forget"].prose, tokenizer),
        privleak={
            name: _list_leaks(name, texts[split], tokenizer, seed) for name, split in leaks.items()
        },
    )


def list_files(library: Library) -> dict[str, str]:
    """Path below data/ to content, for every file of the layout."""
    files = {f"raw/{split}.txt": text.raw for split, text in library.texts.items()}
    files |= {f"knowmem/{name}.json": _as_json(rows) for name, rows in library.knowmem.items()}
    files |= {f"privleak/{name}.json": _as_json(texts) for name, texts in library.privleak.items()}
    return files | {"verbmem/forget.json": _as_json(library.verbmem)}


def write_files(library: Library, folder: Path) -> dict[str, str]:
    """Write the layout and return each file's sha256."""
    for name, content in list_files(library).items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content, encoding="utf-8")
    return hash_files(library)


def hash_files(library: Library) -> dict[str, str]:
    """Path below data/ to the sha256 of its content."""
    return {
        name: sha256(text.encode()).hexdigest()
        for name, text in sorted(list_files(library).items())
    }


def cut_passages(prose: tuple[str, ...], tokenizer: PreTrainedTokenizerFast) -> list[Row]:
    """VerbMem rows, one per paragraph: its first sentences as the prompt, and as gt the next 127
    tokens at most, running on into the next paragraph where its own end comes first."""
    if len(prose) < ROWS:
        raise ValueError(f"the forget book holds {len(prose)} paragraphs and {ROWS} are needed")
    text, start = "\n\n".join(prose), 0
    rows: list[Row] = []
    for paragraph in prose[:ROWS]:
        middle = _sentence_end(text, start, PROMPT_WORDS)
        end = _cut_at_word(text, middle, GT_TOKENS, tokenizer)
        rows.append({"prompt": text[start:middle].strip(), "gt": text[middle:end].strip()})
        start += len(paragraph) + 2
    return rows


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
    """Written and generated stretches, shuffled, so that the first rows are like all of them."""
    by_hand = PRIVLEAK_PASSAGES[name]
    leaks = cut_texts(text.passages, by_hand, tokenizer)
    leaks += cut_texts(text.pages, ROWS - by_hand, tokenizer)
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


def _ask(name: str, split: str, seed: int) -> dict[str, list[Row]]:
    facts = [fact for book in load_split(split) for fact in list_facts(book)]
    random.Random(f"{seed} knowmem {name}").shuffle(facts)
    rows = evaluation_rows(facts)
    return {f"{name}_qa": rows[ICL_ROWS : ICL_ROWS + ROWS], f"{name}_qa_icl": rows[:ICL_ROWS]}


def _sentence_end(text: str, start: int, words: int) -> int:
    """Where the first sentence ends after which at least `words` words have passed."""
    for match in re.finditer(r"[.!?][\"')]*(?=\s)", text[start:]):
        if len(text[start : start + match.end()].split()) >= words and match.end() > 0:
            return start + match.end()
    return len(text)


def _cut_at_word(text: str, start: int, tokens: int, tokenizer: PreTrainedTokenizerFast) -> int:
    """The end of the last whole word such that text[start:end].strip() has at most `tokens`
    tokens."""
    ends = [start + match.end() for match in re.finditer(r"\S+", text[start : start + 12 * tokens])]
    low, high = 0, len(ends) - 1
    while low < high:
        middle = (low + high + 1) // 2
        fits = len(encode(tokenizer, text[start : ends[middle]].strip())) <= tokens
        low, high = (middle, high) if fits else (low, middle - 1)
    return ends[low]


def _as_json(rows: list[Row] | list[str]) -> str:
    return json.dumps(rows, indent=1, ensure_ascii=False) + "\n"
