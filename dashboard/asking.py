"""What can be asked of all models at once: scenarios, their rows, and the prompt that is sent."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from loaders.family import Family
from loaders.faults import Fault
from metrics.inputs.data import Data
from metrics.inputs.uploads import read_prompts
from metrics.passes import question_prompt

OWN = "own"


@dataclass(frozen=True)
class Row:
    """One row of the data as it is put to the models: the visible text and the true answer; a row
    of a visitor's own file may have none."""

    text: str
    truth: str | None


@dataclass(frozen=True)
class Scenario:
    """One way of asking. `rows` and `shots` take what they need from the data."""

    key: str
    label: str
    max_new_tokens: int
    thing: str
    truth_label: str
    half: str
    rows: Callable[[Data], Sequence[Row]]
    shots: Callable[[Data], Sequence[Any]] | None = None

    @property
    def is_question(self) -> bool:
        """Whether the text is a question that is sent inside MUSE's 10-shot prompt."""
        return self.shots is not None


def _questions(rows: Sequence[Any]) -> list[Row]:
    return [Row(row.question, row.answer) for row in rows]


SCENARIOS: tuple[Scenario, ...] = (
    Scenario(
        key="recite",
        label="Recite the book",
        max_new_tokens=96,
        thing="passage",
        truth_label="The book goes on",
        half="forget",
        rows=lambda data: [Row(row.prompt, row.reference) for row in data.verbmem],
    ),
    Scenario(
        key="forget",
        label="Ask about the forgotten book",
        max_new_tokens=32,
        thing="question",
        truth_label="The true answer",
        half="forget",
        rows=lambda data: _questions(data.knowmem_f),
        shots=lambda data: data.shots_f,
    ),
    Scenario(
        key="retain",
        label="Ask about the kept books",
        max_new_tokens=32,
        thing="question",
        truth_label="The true answer",
        half="retain",
        rows=lambda data: _questions(data.knowmem_r),
        shots=lambda data: data.shots_r,
    ),
    Scenario(
        key=OWN,
        label="Your own prompt",
        max_new_tokens=96,
        thing="prompt",
        truth_label="Your reference",
        half="",
        rows=lambda data: [],
    ),
)


@dataclass(frozen=True)
class Asking:
    """One prompt on its way to all models. `truth` is None where nobody knows the right answer."""

    scenario: Scenario
    text: str
    prompt: str
    truth: str | None


def find_scenario(key: str) -> Scenario:
    """The scenario called `key`; a Fault names those there are."""
    for scenario in SCENARIOS:
        if scenario.key == key:
            return scenario
    keys = ", ".join(scenario.key for scenario in SCENARIOS)
    raise Fault(f"There is no scenario {key!r}; choose {keys}.")


Own = tuple[Row, ...]


def uploaded_rows(name: str, content: bytes) -> Own:
    """The prompts of a visitor's file; a Fault names the row and the cure."""
    return tuple(Row(row.prompt, row.reference) for row in read_prompts(name, content))


def list_rows(data: Data | Fault, scenario: Scenario, own: Own = ()) -> Sequence[Row]:
    """The rows that can be picked, `own` ones for an own prompt; none where the data could not be
    read."""
    if scenario.key == OWN:
        return own
    return [] if isinstance(data, Fault) else scenario.rows(data)


def row_labels(family: Family, scenario: Scenario, count: int) -> list[str]:
    """What each row is called in the picker: the book's name and the place in the data."""
    book = family.books.retain if scenario.half == "retain" else family.books.forget
    book = "your file" if scenario.key == OWN else book
    book = book[:1].upper() + book[1:]
    return [f"{book} · {scenario.thing} {place + 1} of {count}" for place in range(count)]


def row_choices(family: Family, scenario: Scenario, count: int) -> list[tuple[str, str]]:
    """The picker's labels, and values that say of which scenario a row is."""
    labels = row_labels(family, scenario, count)
    return [(label, row_value(scenario, place)) for place, label in enumerate(labels)]


def row_value(scenario: Scenario, place: int) -> str:
    """The picker's value of the row at `place`."""
    return f"{scenario.key} {place}"


def picked_place(scenario: Scenario, value: str | None) -> int | None:
    """The place of the row that the picker's value stands for; None if it is another scenario's,
    whose rows a browser shows until it has got this one's."""
    key, _, place = (value or "").partition(" ")
    return int(place) if key == scenario.key and place.isdigit() else None


def ask(
    family: Family,
    data: Data | Fault,
    scenario: Scenario,
    row: int | None,
    text: str,
    own: Own = (),
) -> Asking:
    """What is sent for `text`. The row's true text counts only as long as its text is unchanged."""
    if not text.strip():
        raise Fault("The prompt is empty. Write something, or pick a passage above.")
    rows = list_rows(data, scenario, own)
    picked = rows[row] if row is not None and 0 <= row < len(rows) else None
    truth = picked.truth if picked is not None and picked.text == text else None
    return Asking(scenario, text, sent_prompt(family, data, scenario, text), truth)


def sent_prompt(family: Family, data: Data | Fault, scenario: Scenario, text: str) -> str:
    """`text` itself, or for a question the exact 10-shot prompt that MUSE asks it with."""
    if scenario.shots is None:
        return text
    if isinstance(data, Fault):
        raise data
    return question_prompt(family, scenario.shots(data), text)
