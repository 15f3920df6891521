"""A page's question and its answers side by side, as HTML; it never knows what is asked."""

from dataclasses import dataclass

from dashboard.escape import esc


@dataclass(frozen=True)
class Answer:
    """The answer in a word or two, what it rests on, and what there is to know besides."""

    short: str
    text: str
    more: str = ""


def side(title: str, mark: str, answer: Answer) -> str:
    """One of the answers; `mark` is a badge's HTML."""
    return (
        f'<div class="side"><h3>{esc(title)} {mark}</h3>'
        f'<p class="short">{esc(answer.short)}</p><p class="text">{esc(answer.text)}</p>'
        f'<p class="sub">{esc(answer.more)}</p></div>'
    )


def card(question: str, first: str, second: str) -> str:
    """The question, and two sides."""
    return (
        f'<section class="card question"><h2>{esc(question)}</h2>'
        f'<div class="sides">{first}{second}</div></section>'
    )
