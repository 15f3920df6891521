"""Where the names of shipped settings stand in a panel: beside their rings, hiding the least.

Pure arithmetic in the panel's own units.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product
from math import hypot
from typing import Literal

LETTER_WIDTH, HEIGHT = 3.4, 9.0
SHIFT = 6.5  # from the middle of a ring to its name
LIFTS, SHIFTS = (0, -10, 10, -20, 20, -30, 30), (SHIFT, 18.0, 30.0)
HIDDEN, MOVED, CLASH = 3.0, 0.2, 1000.0  # costs: a mark, a point of way, what may not be
LINE_STEPS = 10

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
    ring: Point
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

    @property
    def line(self) -> list[Point]:
        """Points of the line from the ring to the name, both ends among them."""
        across, up = self.x - self.ring.x, self.y - self.ring.y
        shares = [step / LINE_STEPS for step in range(LINE_STEPS + 1)]
        return [Point(self.ring.x + s * across, self.ring.y + s * up) for s in shares]


def place_names(
    texts: Sequence[str], rings: Sequence[Point], marks: Sequence[Point], room: Box
) -> list[Name]:
    """A name for each ring, inside `room`, clear of the other names and rings, over few marks."""
    placed: list[Name] = []
    for text, ring in zip(texts, rings, strict=True):
        names = [_name(text, ring, *moved) for moved in product(SHIFTS, LIFTS, SIDES)]
        others = [_around(other, SHIFT) for other in rings if other != ring]
        costs = [
            _cost(name, marks)
            + CLASH * (not room.holds(name.box))
            + CLASH * sum(name.box.meets(box) for box in others)
            + CLASH * sum(_clash(name, other) for other in placed)
            for name in names
        ]
        placed.append(names[costs.index(min(costs))])
    return placed


def _cost(name: Name, marks: Sequence[Point]) -> float:
    hidden = sum(name.box.meets(_around(mark, 2.0)) for mark in marks)
    return HIDDEN * hidden + MOVED * hypot(name.x - name.ring.x, name.y - name.ring.y)


def _clash(one: Name, other: Name) -> bool:
    """Whether a name stands on the other or on its line, or their lines cross."""
    struck = any(one.box.meets(_around(point, 0.5)) for point in other.line)
    strikes = any(other.box.meets(_around(point, 0.5)) for point in one.line)
    crossed = (one.ring.y - other.ring.y) * (one.y - other.y) < 0
    return struck or strikes or crossed or one.box.meets(other.box)


def _name(text: str, ring: Point, shift: float, lift: float, side: Side) -> Name:
    x = ring.x - shift if side == "left" else ring.x + shift
    return Name(text, ring, side, x, ring.y + lift, (shift, lift) != (SHIFT, 0))


def _around(point: Point, half: float) -> Box:
    return Box(point.x - half, point.x + half, point.y - half, point.y + half)
