"""Who answers when no GPU is lent: another family, on the machine that serves the page."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from dashboard.asking import OWN, Own, Scenario, list_rows
from dashboard.facts import Facts
from dashboard.run import WIDTHS
from loaders.family import Family, load_family
from loaders.faults import Fault
from loaders.lent.engine import NoGpu
from loaders.protocol import Engine
from loaders.session import Session, Watch
from metrics.inputs.data import Data, load_data

SHOWN = 60  # characters of a text that is asked in place of the visitor's


@dataclass(frozen=True)
class StandIn:
    """A family with its data, ready to take the place of the page's own."""

    session: Session
    data: Data
    facts: Facts


@dataclass(frozen=True)
class Turn:
    """What a visitor has asked for: the place of a row, if one was picked, and the text."""

    row: int | None
    text: str


def open_stand_in(
    family: Family, open_engine: Callable[[Family], Engine], watch: Watch
) -> StandIn | None:
    """The demo family in the place of `family`, its session not started; None where one of its
    models has no pane on the page."""
    demo = load_family("demo")
    if not {spec.key for spec in demo.models} <= {spec.key for spec in family.models}:
        return None
    session = Session(demo, partial(open_engine, demo), WIDTHS, watch)
    return StandIn(session, load_data(demo), Facts(session))


def said(refused: NoGpu, family: Family, text: str = "") -> str:
    """Why others answer, who they are, and the beginning of `text` where they are asked another."""
    toy = ": tiny models on another book, a toy" if family.scale == "toy" else ""
    other = f" It is asked its own text: “{text[:SHOWN]} …”" if text else ""
    return f"{refused} In its place the {family.title} answers, without a GPU{toy}.{other}"


def translate(scenario: Scenario, mine: Data | Fault, theirs: Data, asked: Turn, own: Own) -> Turn:
    """The same turn for the stand-in: its own row where the visitor has left a row as it is, since
    it knows nothing of the other's book."""
    rows, others = list_rows(mine, scenario, own), list_rows(theirs, scenario, own)
    row = asked.row
    if scenario.key == OWN or row is None or not 0 <= row < len(rows) or not others:
        return asked
    if rows[row].text != asked.text:
        return asked
    place = row % len(others)
    return Turn(place, others[place].text)
