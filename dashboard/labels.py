"""Numbers and labels as they are written on the page; pure text and arithmetic."""

from collections.abc import Sequence

from loaders.protocol import Sampling
from metrics.reading.numerals import MINUS, number


def spread(values: Sequence[float], gap: float, low: float, high: float) -> list[float]:
    """Places for labels that want to be at `values`, at least `gap` apart, within low–high.

    Order is kept and each group is moved as little as it can be. Where there is no room for all,
    the gap gives way.
    """
    if not values:
        return []
    gap = min(gap, (high - low) / max(len(values) - 1, 1))
    order = sorted(range(len(values)), key=lambda i: values[i])
    groups: list[list[float]] = []  # each: wanted places of its first label, one per member
    for rank, index in enumerate(order):
        groups.append([values[index] - rank * gap])
        while len(groups) > 1 and _mean(groups[-2]) > _mean(groups[-1]):
            last = groups.pop()
            groups[-1] += last
    starts = [_mean(group) for group in groups for _ in group]
    room = high - (len(values) - 1) * gap
    placed = [min(max(start, low), room) + rank * gap for rank, start in enumerate(starts)]
    result = [0.0] * len(values)
    for rank, index in enumerate(order):
        result[index] = placed[rank]
    return result


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)


def describe_sampling(sampling: Sampling) -> str:
    """The chip: how the next token is chosen, in words."""
    tail = f"{sampling.max_new_tokens} tokens · seed {sampling.seed}"
    if sampling.temperature == 0:
        return f"greedy · {tail}"
    return f"temperature {sampling.temperature:g} · top-p {sampling.top_p:g} · {tail}"


def signed(value: float, decimals: int) -> str:
    """A difference with its sign; ±0 where it rounds to nothing."""
    text = number(abs(value), decimals)
    if float(text.replace(",", "")) == 0:
        return f"±{0:.0f}"
    return ("+" if value > 0 else MINUS) + text


def duration(seconds: float) -> str:
    """A rough time in words: "14 s", "3 min"."""
    return f"{max(1, round(seconds))} s" if seconds < 90 else f"{round(seconds / 60)} min"
