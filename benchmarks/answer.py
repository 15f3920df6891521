"""What one pane of a comparison shows in the end; never how it came."""

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True)
class Answer:
    """The text of one model's answer, and of how many tokens it is; EOS counts."""

    text: str
    tokens: int


def total(answers: Iterable[Answer]) -> int:
    """Tokens of all panes together."""
    return sum(answer.tokens for answer in answers)
