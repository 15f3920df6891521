"""Where the names of shipped settings stand in a panel: beside their rings, hiding the least.

Pure arithmetic in the panel's own units.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product
from typing import Literal

LETTER_WIDTH, HEIGHT = 3.4, 9.0
SHIFT = 6.5  # from the middle of a ring to its name
LIFTS = (0, -10, 10, -20, 20, -30, 30, -40, 40)
HIDDEN, MOVED, CLASH = 3.0, 0.2, 1000.0  # costs: a mark, a point of way, what may not be

Side = Literal["left", "right"]
SIDES: tuple[Side, ...] = ("right", "left")


@dataclass(frozen=True)
class Point:
    """A place in a panel."""

    x: float
    y: float


@dataclass(frozen=True)
class Box:
    """A stretch of a panel."""

    left: float
    right: float
    low: float
    high: float

    def meets(self, other: "Box") -> bool:
        """Whether the two have a place in common."""
        beside = self.left >= other.right or other.left >= self.right
        return not (beside or self.low >= other.high or other.low >= self.high)

    def holds(self, other: "Box") -> bool:
        """Whether the other is wholly inside."""
        across = self.left <= other.left and other.right <= self.right
        return across and self.low <= other.low and other.high <= self.high


@dataclass(frozen=True)
class Name:
    """A name at a height, starting (or on the left of its ring, ending) at `x`."""

    text: str
    side: Side
    x: float
    y: float
    is_moved: bool

    @property
    def box(self) -> Box:
        """The room it takes."""
        width = LETTER_WIDTH * len(self.text)
        left = self.x - width if self.side == "left" else self.x
        return Box(left, left + width, self.y - HEIGHT / 2, self.y + HEIGHT / 2)


def place_names(
    texts: Sequence[str], rings: Sequence[Point], marks: Sequence[Point], room: Box
) -> list[Name]:
    """A name for each ring, inside `room`, clear of the other names and rings, over few marks."""
    placed: list[Name] = []
    for text, ring in zip(texts, rings, strict=True):
        taken = [name.box for name in placed]
        taken += [_around(other, SHIFT) for other in rings if other != ring]
        placed.append(_best(text, ring, marks, taken, room))
    return placed


def _best(text: str, ring: Point, marks: Sequence[Point], taken: Sequence[Box], room: Box) -> Name:
    """Of equals the first: right of the ring and level with it, if nothing speaks against that."""
    names = [_name(text, ring, lift, side) for lift, side in product(LIFTS, SIDES)]
    costs = []
    for name in names:
        hidden = sum(name.box.meets(_around(mark, 2.0)) for mark in marks)
        bad = (not room.holds(name.box)) + sum(name.box.meets(box) for box in taken)
        costs.append(HIDDEN * hidden + MOVED * abs(name.y - ring.y) + CLASH * bad)
    return names[costs.index(min(costs))]


def _name(text: str, ring: Point, lift: float, side: Side) -> Name:
    shift = -SHIFT if side == "left" else SHIFT
    return Name(text, side, ring.x + shift, ring.y + lift, lift != 0)


def _around(point: Point, half: float) -> Box:
    return Box(point.x - half, point.x + half, point.y - half, point.y + half)
