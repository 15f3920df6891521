"""Prompts into a model's slots: what they share is read once; nothing is chosen here."""

from collections.abc import Sequence

import torch

from loaders.engine.slots import Prefix, Slots, Span
from loaders.engine.weights import Weights

SHARED = 32  # tokens from which a common beginning is worth a pass of its own
KEPT = 2  # beginnings remembered per model: those of the two sets of examples


class Prefixes:
    """The beginnings that one model has read before, the latest ones."""

    def __init__(self) -> None:
        self._known: list[Prefix] = []

    def find(self, ids: tuple[int, ...]) -> Prefix | None:
        """The one that shares most with `ids`, at least SHARED tokens."""
        longest = max(self._known, key=lambda known: shared([known.ids, ids]), default=None)
        if longest is None or shared([longest.ids, ids]) < SHARED:
            return None
        return longest

    def keep(self, prefix: Prefix) -> None:
        """Remember it, and forget the oldest."""
        self._known = [prefix, *self._known[: KEPT - 1]]


def shared(prompts: Sequence[tuple[int, ...]]) -> int:
    """How many tokens all of `prompts` begin with alike."""
    least, most = min(prompts), max(prompts)  # whatever both begin with, all between them do
    for place, (ours, theirs) in enumerate(zip(least, most, strict=False)):
        if ours != theirs:
            return place
    return min(len(least), len(most))


def read_prompts(
    weights: Weights,
    prefixes: Prefixes,
    slots: Slots,
    first: int,
    prompts: Sequence[tuple[int, ...]],
) -> int:
    """Make room for `prompts` from slot `first` on and write what they share.

    Returns how many of their tokens are in the slots then; at least one of each is left to read.
    """
    last = first + len(prompts)
    slots.clear(first, last)
    common = min(shared(prompts), min(len(ids) for ids in prompts) - 1)
    beginning = tuple(prompts[0][:common])
    known = prefixes.find(beginning)
    done = shared([known.ids, beginning]) if known is not None else 0
    if len(prompts) > 1 and common - done >= SHARED:
        known, done = _read_prefix(weights, beginning), common
        prefixes.keep(known)
    if known is not None:
        slots.write_prefix(known, done, first, last)
    return done


def read_rest(
    weights: Weights,
    slots: Slots,
    first: int,
    prompts: Sequence[tuple[int, ...]],
    done: int,
    keep: torch.Tensor | None,
) -> torch.Tensor:
    """Logits of what `read_prompts` left, at the places `keep` of the rests, or at all.

    Rests are padded on the right, where no token of theirs looks.
    """
    rests = [ids[done:] for ids in prompts]
    width = max(len(rest) for rest in rests)
    ids = torch.zeros((len(rests), width), dtype=torch.long)
    for row, rest in enumerate(rests):
        ids[row, : len(rest)] = torch.tensor(rest)
    slots.span = Span(first, first + len(rests), done, done + width)
    positions = torch.arange(done, done + width, device=weights.device)
    mask = _later_hidden(positions, done + width) if done else None
    return weights.decode(ids.to(weights.device), positions[None], slots, mask, keep)


def _later_hidden(positions: torch.Tensor, stop: int) -> torch.Tensor:
    """Of shape (1, 1, positions, stop): whether a position may look at a token."""
    return (torch.arange(stop, device=positions.device) <= positions[:, None])[None, None]


def _read_prefix(weights: Weights, ids: tuple[int, ...]) -> Prefix:
    slots = Slots(weights.layers, 1, len(ids))
    read_rest(weights, slots, 0, [ids], 0, torch.tensor([len(ids) - 1], device=weights.device))
    return slots.read_prefix(ids)
