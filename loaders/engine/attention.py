"""Attention of one new token per row on a CPU, as products with sparse matrices; keeps nothing.

torch's own kernel calls a matrix product for every row and head, and half of its time is those
calls (LOG.md). Here all rows' scores are one product that is taken only where a query and a key are
of the same row and head, and all sums over values are another.
"""

import warnings
from dataclasses import dataclass
from functools import cache

import torch
from torch.nn import functional as F


@dataclass(frozen=True)
class Pattern:
    """Who looks at what, the same in all layers of a step.

    Queries are numbered row by row and head by head; `keys`, of shape (queries · tokens,), are the
    places that they look at in keys laid out as (rows · heads · slot tokens, width). `starts` is
    where each query's begin. `hidden` is added to scores, of shape (rows, 1, tokens); None hides
    nothing.
    """

    keys: torch.Tensor
    starts: torch.Tensor
    hidden: torch.Tensor | None


def make_pattern(
    rows: int, queries: int, heads: int, tokens: int, slot: int, mask: torch.Tensor | None
) -> Pattern:
    """For `rows` rows of so many query heads and key `heads`, that look at their first `tokens`
    tokens of a slot of `slot`; `mask` as in `Decoder`."""
    owners = torch.arange(rows * queries) // (queries // heads)
    keys = (owners[:, None] * slot + torch.arange(tokens)).reshape(-1)
    hidden = None if mask is None else torch.zeros(mask.shape).masked_fill_(~mask, -torch.inf)[:, 0]
    return Pattern(keys, torch.arange(0, len(keys) + 1, tokens), hidden)


def attend(
    pattern: Pattern, queries: torch.Tensor, keys: torch.Tensor, values: torch.Tensor
) -> torch.Tensor:
    """Scaled dot-product attention, its sums in another order.

    Of shape (rows, heads, 1, width), as `queries` are; `keys` and `values` are what `Slots` gave.
    """
    rows, heads, _, width = queries.shape
    scores = _products(pattern, queries.reshape(-1, width), _flat(keys), width**-0.5)
    scores = scores.view(rows, heads, -1)
    if pattern.hidden is not None:
        scores = scores + pattern.hidden
    weights = torch.softmax(scores, dim=-1).view(-1)
    found = F.embedding_bag(
        pattern.keys,
        _flat(values),
        pattern.starts,
        mode="sum",
        per_sample_weights=weights,
        include_last_offset=True,
    )
    return found.view(rows, heads, 1, width)


@cache
def is_possible() -> bool:
    """Whether this build of torch has such products; its word that they are a beta goes nowhere."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        one = torch.ones(1, 1)
        try:
            attend(make_pattern(1, 1, 1, 1, 1, None), *[one[None, None]] * 3)
        except RuntimeError:  # how torch says that an operation is not built in
            return False
    return True


def _products(
    pattern: Pattern, queries: torch.Tensor, keys: torch.Tensor, scale: float
) -> torch.Tensor:
    """Each query times each of its keys, of shape (queries · tokens,)."""
    where = torch.sparse_csr_tensor(
        pattern.starts,
        pattern.keys,
        queries.new_zeros(len(pattern.keys)),
        (len(queries), len(keys)),
        check_invariants=False,
    )
    found: torch.Tensor = torch.sparse.sampled_addmm(
        where, queries, keys.t(), beta=0.0, alpha=scale
    )
    return found.values()


def _flat(states: torch.Tensor) -> torch.Tensor:
    """The whole slots that (rows, heads, tokens, width) is the beginning of, a token a line."""
    rows, heads, _, width = states.shape
    return states.as_strided((rows * heads * (states.stride(1) // width), width), (width, 1))
