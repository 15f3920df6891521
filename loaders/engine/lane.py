"""The rows that one model is continuing: they join and leave between steps; owns no thread."""

from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import torch

from loaders.engine.prompts import Prefixes, read_prompts, read_rest
from loaders.engine.rows import Row
from loaders.engine.slots import Slots, Span
from loaders.engine.weights import Weights
from loaders.protocol import Finish

ROWS = 64
SMALL = 4  # rows
KEPT = 1  # rows whose memory a GPU's recordings are made with
CACHE_BYTES = 2 * 2**30
PROMPT_TOKENS = 2**14  # of all prompts that are read in one pass, padding included
PADDING = 1.5  # the longest of them is at most so many times as long as the shortest,
SPARE = 16  # or as many tokens more, which cost less than a pass


@dataclass(frozen=True)
class Choice:
    """The token that a row took, its natural-log probability, and whether the row ended with it."""

    row: Row
    token: int
    logprob: float
    finish: Finish | None = None


class Lane:
    """One model's rows. `step` gives each of them one token, those that just came their first.

    Rows wait while there are ROWS of them, or their keys and values would take more than `room`
    bytes: for None CACHE_BYTES, and on a GPU half of its free memory.
    """

    def __init__(self, weights: Weights, prefixes: Prefixes, room: int | None = None) -> None:
        self._weights = weights
        self._prefixes = prefixes
        self._most = CACHE_BYTES if room is None else room
        self._logits: torch.Tensor | None = None  # of the step that was launched
        self._waiting: deque[Row] = deque()
        self._rows: list[Row] = []  # each in the slot of its place
        self._slots = Slots(weights.layers, 1, 0)

    @property
    def is_idle(self) -> bool:
        """Whether nothing is left to do."""
        return not self._rows and not self._waiting

    @property
    def is_small(self) -> bool:
        """Whether a step is little work: a few rows, and no prompt to be read."""
        return not self._waiting and 0 < len(self._rows) <= SMALL

    def add(self, row: Row) -> None:
        """Take a row in; its first token comes with the next step that has room."""
        self._waiting.append(row)

    @torch.inference_mode()
    def remove(self, row: Row) -> None:
        """Take a row out before its end; a step that was launched is launched anew."""
        self._logits = None
        if row in self._waiting:
            self._waiting.remove(row)
        elif row in self._rows:
            self._leave(row)
        self._rest()

    @torch.inference_mode()
    def launch(self) -> None:
        """Begin the next step and wait for nothing: a GPU works while other models are launched."""
        if self._rows and self._logits is None:
            self._logits = self._advance()

    @torch.inference_mode()
    def step(self) -> list[Choice]:
        """One token for every row that has room."""
        self.launch()
        logits, self._logits = self._logits, None
        choices = self._choose(self._rows, logits) if logits is not None else []
        if fitting := self._fitting():
            self._reserve([*self._rows, *fitting])
        for batch in _alike(fitting):
            choices += self._begin(batch)
        for row in [choice.row for choice in choices if choice.row.finish is not None]:
            self._leave(row)
        if choices:
            self._rest()
        return choices

    def _fitting(self) -> list[Row]:
        """The rows that wait and that there is room for, in the order they came."""
        fitting: list[Row] = []
        if not self._waiting:
            return fitting
        longest = max((row.limit for row in self._rows), default=0)
        room = self._room()
        for row in self._waiting:
            longest = max(longest, row.limit)
            rows = len(self._rows) + len(fitting) + 1
            full = rows > ROWS or rows * longest * self._weights.token_bytes > room
            if rows > 1 and full:
                break
            fitting.append(row)
        return fitting

    def _begin(self, batch: list[Row]) -> list[Choice]:
        """Read the prompts of rows that wait; their first tokens. If it fails, they wait on."""
        first, prompts = len(self._rows), [row.prompt for row in batch]
        done = read_prompts(self._weights, self._prefixes, self._slots, first, prompts)
        ends = [len(ids) - done - 1 for ids in prompts]
        kept = sorted(set(ends))
        keep = torch.tensor(kept, device=self._weights.device)
        logits = read_rest(self._weights, self._slots, first, prompts, done, keep)
        places = torch.tensor([kept.index(end) for end in ends], device=self._weights.device)
        rows = torch.arange(len(batch), device=logits.device)
        choices = self._choose(batch, logits[rows, places])
        for row in batch:
            self._waiting.remove(row)
        self._rows += batch
        return choices

    def _advance(self) -> torch.Tensor:
        """Logits, of shape (rows, V), of what follows the token that each row took last."""
        device = self._weights.device
        lengths = [row.length for row in self._rows]
        longest, even = max(lengths), len(set(lengths)) == 1
        ids = torch.tensor([[row.produced[-1]] for row in self._rows], device=device)
        places = torch.tensor(lengths, device=device)
        mask = None
        if not even:
            mask = torch.arange(longest + 1, device=device) <= places[:, None]
            mask = mask[:, None, None]
        self._slots.span = Span(0, len(self._rows), longest, longest + 1, None if even else places)
        return self._weights.decode(ids, places[:, None], self._slots, mask, None)[:, -1]

    def _choose(self, rows: Sequence[Row], logits: torch.Tensor) -> list[Choice]:
        """The next token of each row, from logits of shape (rows, V)."""
        logits = logits.float()
        best, tokens = logits.max(dim=-1)
        logprobs = (best - torch.logsumexp(logits, dim=-1)).tolist()
        choices = []
        for place, (row, token) in enumerate(zip(rows, tokens.tolist(), strict=True)):
            choice = Choice(row, token, logprobs[place])
            if row.sampler is not None:
                choice = Choice(row, *row.sampler.choose(logits[place]))
            choices.append(choice)
        for choice in choices:  # only now, so that a sampler that fails leaves all as they were
            choice.row.take(choice.token)
        return [replace(choice, finish=choice.row.finish) for choice in choices]

    def _reserve(self, rows: Sequence[Row]) -> None:
        """Slots for `rows` up to their limits, and for more to come while CACHE_BYTES allow."""
        count, longest = len(rows), max(row.limit for row in rows)
        if self._weights.device != "cpu":  # so that recordings last
            longest = 1 << (longest - 1).bit_length()
        most = self._room() // (longest * self._weights.token_bytes)
        power = 1 << (count - 1).bit_length()
        self._slots.reserve(max(count, min(power, most)), longest)

    def _room(self) -> int:
        """Bytes that keys and values may take: of a GPU half of what is free, and theirs."""
        if not self._weights.device.startswith("cuda"):
            return self._most
        free, _ = torch.cuda.mem_get_info(self._weights.device)
        held = self._slots.count * self._slots.tokens * self._weights.token_bytes
        return int(free // 2 + held)

    def _leave(self, row: Row) -> None:
        """Its slot goes to the last row, so that rows and slots stay side by side."""
        slot, last = self._rows.index(row), len(self._rows) - 1
        if slot != last:
            self._rows[slot] = self._rows[last]
            self._slots.move(last, slot, self._rows[slot].length)
        self._rows.pop()

    def _rest(self) -> None:
        """Give the memory back when nothing is left to do; what a recording may need, stays."""
        if self.is_idle and (self._weights.device == "cpu" or self._slots.count > KEPT):
            self._slots = Slots(self._weights.layers, 1, 0)


def _alike(rows: Sequence[Row]) -> Iterator[list[Row]]:
    """`rows` in batches of prompts about as long, each read in one pass; the longest first."""
    left = sorted(rows, key=lambda row: -len(row.prompt))
    while left:
        widest = len(left[0].prompt)
        alike = sum(widest <= PADDING * len(row.prompt) + SPARE for row in left)
        take = max(1, min(alike, PROMPT_TOKENS // widest))
        yield left[:take]
        left = left[take:]
