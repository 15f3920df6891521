"""Which words of two texts are not in the other, in order; a pure function of the two."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher

WORD = re.compile(r"\s*\S+")
MOST_WORDS = 2_000  # the work grows with the square; what is beyond counts as different


@dataclass(frozen=True)
class Part:
    """A stretch of a text; `own` words are not in the other text at that place."""

    text: str
    own: bool


@dataclass(frozen=True)
class Sides:
    """Two texts taken apart; the parts of each joined are the text without white space at its
    end."""

    one: tuple[Part, ...]
    other: tuple[Part, ...]


def compare_words(one: str, other: str) -> Sides:
    """Both texts cut where they begin or cease to differ, word by word; white space is no word."""
    ours, theirs = WORD.findall(one), WORD.findall(other)
    matcher = SequenceMatcher(None, _bare(ours), _bare(theirs), autojunk=False)
    blocks = matcher.get_matching_blocks()
    shared = [block for block in blocks if block.size]
    return Sides(
        _cut(ours, [(block.a, block.a + block.size) for block in shared]),
        _cut(theirs, [(block.b, block.b + block.size) for block in shared]),
    )


def _bare(words: Sequence[str]) -> list[str]:
    return [word.strip() for word in words[:MOST_WORDS]]


def _cut(words: Sequence[str], shared: Sequence[tuple[int, int]]) -> tuple[Part, ...]:
    parts: list[Part] = []
    at = 0
    for start, end in [*shared, (len(words), len(words))]:
        parts.append(Part("".join(words[at:start]), own=True))
        parts.append(Part("".join(words[start:end]), own=False))
        at = end
    return tuple(part for part in parts if part.text)
