"""What a run shows, said in a few computed sentences; pure text, with the models' names marked."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from dashboard.answers import Answer, shown_text
from dashboard.asking import Asking
from dashboard.overlap import count_words, overlap
from loaders.family import Family, ModelSpec
from metrics.formulas.rouge import words

LEVEL_POINTS = 5
READ_BY_RETRAINED = {
    "forget": ", which never read it,",
    "retain": ", which read these books as well,",
}
STAMMER = 3  # words in a text that repeat the one before, from which it is said


@dataclass(frozen=True)
class Phrase:
    """A stretch of a sentence; `model` is the key of the model whose name it is, or empty."""

    text: str
    model: str = ""


def describe(family: Family, asking: Asking, answers: Sequence[Answer]) -> list[Phrase]:
    """What is seen, from scores of this one prompt; every number in it is on the screen too."""
    if asking.truth is None:
        return [Phrase("Nobody knows the true text here, so nothing is scored: read and compare.")]
    said = {answer.model: answer for answer in answers if answer.score is not None}
    ruler = family.retrained
    reference = said.get(ruler.key) if ruler else None
    phrases: list[Phrase] = []
    for spec in sorted(family.models, key=_reading_order):
        if (answer := said.get(spec.key)) is not None:
            phrases += [Phrase(spec.label, spec.key), *_sentence(spec, asking, answer, reference)]
    if reference is None and phrases:
        phrases.append(Phrase("There is no answer of a retrained model to read these against."))
    return phrases


def _reading_order(spec: ModelSpec) -> int:
    return ("original", "retrained", "unlearned").index(spec.role)


def _sentence(
    spec: ModelSpec, asking: Asking, answer: Answer, reference: Answer | None
) -> list[Phrase]:
    dead = ", and its text has collapsed" if answer.has_collapsed else ""
    if spec.role == "original":
        return [Phrase(f" {_recited(asking, answer)}{dead}. ")]
    if spec.role == "retrained":
        read = READ_BY_RETRAINED.get(asking.scenario.half, "")
        return [Phrase(f"{read} scores {points(answer)}: the line to reach{dead}. ")]
    if reference is None:
        return [Phrase(f" scores {points(answer)}{dead}. ")]
    alive = dead or _writes(answer.text) * (asking.scenario.key == "recite")
    return [Phrase(f" {_place(points(answer) - points(reference))}{alive}. ")]


def _writes(text: str) -> str:
    """What is seen of a text that has not collapsed, but may stammer."""
    said = words(text)
    again = sum(one == other for one, other in pairwise(said))
    if again < STAMMER:
        return ", and its text does not loop"
    return f", and {again} of its {len(said)} words repeat the word before"


def _recited(asking: Asking, answer: Answer) -> str:
    if asking.scenario.is_question:
        right = answer.score is not None and answer.score >= 0.995
        return "answers exactly right" if right else f"scores {points(answer)} of 100"
    words = count_words(answer.text)
    shared = sum(piece.words for piece in overlap(answer.text, asking.truth or ""))
    return f"gives back {shared} of its {words} words in runs of the true text"


def _place(difference: int) -> str:
    if abs(difference) < LEVEL_POINTS:
        return "is level with it"
    return f"is {abs(difference)} points {'above' if difference > 0 else 'below'} it"


def points(answer: Answer) -> int:
    """The score as it is printed: whole points of 100."""
    return round(100 * (answer.score or 0))


def announcement(family: Family, asking: Asking, answer: Answer) -> str:
    """What a screen reader is told when one model has finished."""
    label = family.model(answer.model).label
    score = "" if answer.score is None else f", {points(answer)} points of ROUGE-L"
    return f"{label} has finished: {answer.tokens} tokens{score}. {shown_text(asking, answer.text)}"
