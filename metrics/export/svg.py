"""Charts as SVG text that stands inside a page; pure functions of numbers, no script, no fonts.

Colours are CSS variables of the page ("--ink"), so that one chart serves light, dark and paper.
"""

import html
import re
from collections.abc import Sequence
from dataclasses import dataclass

UNPRINTABLE = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]")
WIDTH, HEIGHT = 232, 200
LEFT, RIGHT, TOP, BOTTOM = 34, 6, 18, 24  # of the drawing inside a chart
DOT_WIDTH, DOT_HEIGHT, DOT_TOP, DOT_RIGHT, DOT_BOTTOM = 640, 320, 30, 120, 40
LINE = 14  # height of a label


@dataclass(frozen=True)
class Mark:
    """One model's number: `letter` and `colour` say whose, `heard` is the whole of it in words."""

    letter: str
    label: str
    colour: str
    value: float
    low: float
    high: float
    text: str
    heard: str


@dataclass(frozen=True)
class Scale:
    """Values from `low` to `high` along `start` to `end` in the drawing's own units."""

    low: float
    high: float
    start: float
    end: float

    def at(self, value: float) -> float:
        """Where a value stands; at the nearer end if it is beyond."""
        share = (min(max(value, self.low), self.high) - self.low) / (self.high - self.low)
        return round(self.start + share * (self.end - self.start), 1)


@dataclass(frozen=True)
class Dot:
    """One model in two metrics."""

    across: Mark
    up: Mark


def esc(text: object) -> str:
    """`text` for content and double-quoted attributes of HTML and SVG."""
    return html.escape(UNPRINTABLE.sub("\N{REPLACEMENT CHARACTER}", str(text)), quote=True)


def bar_chart(marks: Sequence[Mark], ends: tuple[float, float], ruler: Mark | None) -> str:
    """A bar per model from zero with its 95 % interval, and the ruler's value as a dashed line."""
    up = Scale(*ends, HEIGHT - BOTTOM, TOP)
    step = (WIDTH - LEFT - RIGHT) / max(1, len(marks))
    parts = [_grid(up, tick) for tick in _ticks(ends)]
    for place, mark in enumerate(marks):
        parts.append(_bar(mark, up, LEFT + step * (place + 0.5), step * 0.62))
    if ruler is not None:
        parts.append(
            f'<line x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{up.at(ruler.value)}" '
            f'y2="{up.at(ruler.value)}" stroke="{ruler.colour}" stroke-width="1.5" '
            'stroke-dasharray="5 4"/>'
        )
    return _svg(WIDTH, HEIGHT, parts, "; ".join(mark.heard for mark in marks))


def dot_chart(dots: Sequence[Dot], titles: tuple[str, str]) -> str:
    """Forgetting across, less remembered further right, against utility, with both intervals."""
    right, bottom = DOT_WIDTH - DOT_RIGHT, DOT_HEIGHT - DOT_BOTTOM
    across, up = Scale(0, 100, right, LEFT + 8), Scale(0, 100, bottom, DOT_TOP)
    places = spread([up.at(dot.up.value) for dot in dots], LINE, bottom)
    parts = [_grid(up, tick, right) for tick in (0, 25, 50, 75, 100)]
    parts += [_text(across.at(tick), bottom + 16, f"{tick}") for tick in (0, 25, 50, 75, 100)]
    parts += [
        _text((LEFT + right) / 2, DOT_HEIGHT - 6, f"{titles[0]}: less is remembered →"),
        _text(LEFT, 12, titles[1], anchor="start"),
    ]
    for dot, place in zip(dots, places, strict=True):
        parts += _dot(dot, across, up, place)
    heard = "; ".join(f"{dot.across.heard}; {dot.up.heard}" for dot in dots)
    return _svg(DOT_WIDTH, DOT_HEIGHT, parts, heard)


def spread(places: Sequence[float], gap: float, last: float) -> list[float]:
    """The places in their order, moved as little as it takes to be `gap` apart and none beyond
    `last`."""
    order = sorted(range(len(places)), key=lambda number: places[number])
    moved, least = list(places), float("-inf")
    for index in order:
        moved[index] = max(places[index], least)
        least = moved[index] + gap
    most = last
    for index in reversed(order):
        moved[index] = min(moved[index], most)
        most = moved[index] - gap
    return moved


def _bar(mark: Mark, up: Scale, x: float, width: float) -> str:
    zero, top = up.at(0), up.at(mark.value)
    low, high = up.at(mark.low), up.at(mark.high)
    return (
        f"<g><title>{esc(mark.heard)}</title>"
        f'<rect x="{x - width / 2:.1f}" width="{width:.1f}" y="{min(zero, top)}" '
        f'height="{abs(zero - top):.1f}" rx="2" fill="{mark.colour}"/>'
        f"{_whisker(x, low, x, high)}{_text(x, min(high, zero, top) - 4, mark.text, ink=True)}"
        f"{_text(x, HEIGHT - 8, mark.letter, colour=mark.colour)}</g>"
    )


def _dot(dot: Dot, across: Scale, up: Scale, place: float) -> list[str]:
    x, y = across.at(dot.across.value), up.at(dot.up.value)
    right = DOT_WIDTH - DOT_RIGHT
    label = _text(right + 10, place + 4, dot.up.label, anchor="start", colour=dot.up.colour)
    return [
        f"<g><title>{esc(dot.across.heard)}; {esc(dot.up.heard)}</title>",
        _whisker(across.at(dot.across.low), y, across.at(dot.across.high), y),
        _whisker(x, up.at(dot.up.low), x, up.at(dot.up.high)),
        f'<circle cx="{x}" cy="{y}" r="8" fill="var(--card)" fill-opacity="0.8" '
        f'stroke="{dot.up.colour}" stroke-width="2.5"/>',
        _text(x, y + 4, dot.up.letter, colour=dot.up.colour),
        f'<line x1="{x + 9}" y1="{y}" x2="{right + 7}" y2="{place}" stroke="{dot.up.colour}" '
        'stroke-width="0.7" stroke-dasharray="2 3"/>',
        f"{label}</g>",
    ]


def _whisker(x1: float, y1: float, x2: float, y2: float) -> str:
    ends = f'x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}"'
    return f'<line {ends} stroke="var(--ink)" stroke-width="1.3"/>'


def _grid(up: Scale, tick: float, right: float = WIDTH - RIGHT) -> str:
    y = up.at(tick)
    colour = "var(--soft)" if tick == 0 and up.low < 0 else "var(--line)"
    said = f"{tick:g}".replace("-", "−")
    return (
        f'<line x1="{LEFT}" x2="{right}" y1="{y}" y2="{y}" stroke="{colour}"/>'
        f"{_text(LEFT - 5, y + 4, said, anchor='end')}"
    )


def _ticks(ends: tuple[float, float]) -> list[float]:
    low, high = ends
    return [low + (high - low) * share / 4 for share in range(5)]


def _text(
    x: float, y: float, text: str, *, anchor: str = "middle", colour: str = "", ink: bool = False
) -> str:
    fill = colour or f"var({'--ink' if ink else '--soft'})"
    weight = ' font-weight="700"' if colour else ""
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" fill="{fill}"{weight}>'
        f"{esc(text)}</text>"
    )


def _svg(width: int, height: int, parts: Sequence[str], heard: str) -> str:
    return (
        f'<svg viewBox="0 0 {width} {height}" width="{width}" height="{height}" role="img" '
        f'aria-label="{esc(heard)}">{"".join(parts)}</svg>'
    )
