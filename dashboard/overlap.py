"""Which words of a text stand in another text in the same order; a pure function of the two."""

import re
from collections import defaultdict
from dataclasses import dataclass

WORD = re.compile(r"\w+(?:['’]\w+)*")
LEAST_WORDS = 4


@dataclass(frozen=True)
class Piece:
    """A stretch of a text. `words` of it are in both texts; 0 where it is the text's own."""

    text: str
    words: int = 0


@dataclass(frozen=True)
class _Run:
    first: int
    words: int


def overlap(text: str, truth: str, least_words: int = LEAST_WORDS) -> tuple[Piece, ...]:
    """`text` cut into pieces: runs of at least `least_words` words of `truth`, and what is between.

    Case and punctuation do not count; the pieces joined are `text` again.
    """
    found = list(WORD.finditer(text))
    pieces: list[Piece] = []
    at = 0
    for run in _runs(_words(text), _words(truth), least_words):
        start, end = found[run.first].start(), found[run.first + run.words - 1].end()
        if start > at:
            pieces.append(Piece(text[at:start]))
        pieces.append(Piece(text[start:end], run.words))
        at = end
    if at < len(text):
        pieces.append(Piece(text[at:]))
    return tuple(pieces)


def count_words(text: str) -> int:
    """Words as `overlap` counts them."""
    return len(_words(text))


def _words(text: str) -> list[str]:
    return [word.casefold().replace("’", "'") for word in WORD.findall(text)]


def _runs(words: list[str], truth: list[str], least: int) -> list[_Run]:
    """The longest run at each place, from left to right, none overlapping another."""
    places: defaultdict[tuple[str, ...], list[int]] = defaultdict(list)
    for place in range(len(truth) - least + 1):
        places[tuple(truth[place : place + least])].append(place)
    runs: list[_Run] = []
    at = 0
    while at <= len(words) - least:
        starts = places.get(tuple(words[at : at + least]), [])
        longest = max((_common(words, at, truth, start) for start in starts), default=0)
        if longest:
            runs.append(_Run(at, longest))
        at += longest or 1
    return runs


def _common(words: list[str], at: int, truth: list[str], start: int) -> int:
    length = 0
    for ours, theirs in zip(words[at:], truth[start:], strict=False):
        if ours != theirs:
            break
        length += 1
    return length
