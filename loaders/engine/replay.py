"""A step of one token per row, recorded once and replayed; on a GPU without Python in between.

A step of a 7B model is some eleven hundred kernels, and to launch them one by one takes longer than
their work. A recording reads and writes at fixed addresses: ids and positions are copied there, and
every row looks at as many tokens as the recording reaches, those that are not written yet hidden.
"""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

import torch

from loaders.engine.decoder import Decoder
from loaders.engine.llama import LlamaDecoder
from loaders.engine.slots import Slots, Span

ROWS = 8  # at most; with more a step is work enough to hide its launches
REACH = 256  # tokens that the reach of a recording is a multiple of
WARM = 3  # runs before a recording, in which libraries allocate what they keep

log = logging.getLogger(__name__)

Replay = Callable[[], torch.Tensor]


class Recorder(Protocol):
    """Makes a computation on fixed tensors repeatable."""

    def __call__(self, compute: Replay) -> Replay:
        """What repeats `compute`; it gives back the same tensor, filled anew, every time."""


class CudaRecorder:
    """Implements `Recorder` by CUDA graphs, which share one pool of memory, as they never overlap.

    Where none can be made, says so once and computes as if there were no recorder.
    (https://docs.pytorch.org/docs/stable/notes/cuda.html#cuda-graphs)
    """

    def __init__(self, device: str) -> None:
        self._device = device
        self._pool: Any = None
        self._fails = False

    def __call__(self, compute: Replay) -> Replay:
        if self._fails:
            return compute
        try:
            return self._record(compute)
        except RuntimeError as error:
            self._fails = True
            log.warning("No CUDA graph can be made here (%s); steps are launched anew.", error)
            return compute

    def _record(self, compute: Replay) -> Replay:
        with torch.cuda.device(self._device):
            aside = torch.cuda.Stream()  # type: ignore[no-untyped-call]
            aside.wait_stream(torch.cuda.current_stream())
            with torch.cuda.stream(aside):
                for _ in range(WARM):
                    compute()
            torch.cuda.current_stream().wait_stream(aside)
            graph = torch.cuda.CUDAGraph()
            with torch.cuda.graph(graph, pool=self._pool):
                logits = compute()
            self._pool = graph.pool()

        def replay() -> torch.Tensor:
            graph.replay()
            return logits

        return replay


def compute_again(compute: Replay) -> Replay:
    """Implements `Recorder` without recording: the plain path, and what replays must agree with."""
    return compute


@dataclass(frozen=True)
class _Recording:
    """Where a replay finds its tokens and their positions, both of shape (rows, 1)."""

    ids: torch.Tensor
    positions: torch.Tensor
    replay: Replay


class ReplayDecoder:
    """Implements `Decoder`: another one's, whose steps of few rows are recorded.

    A recording is good for the buffers that it was made with; when the slots get others, it goes.
    """

    def __init__(self, decode: Decoder, record: Recorder) -> None:
        self._decode = decode
        self._record = record
        self._buffers = object()
        self._recordings: dict[tuple[int, int], _Recording] = {}

    def __call__(
        self,
        ids: torch.Tensor,
        positions: torch.Tensor,
        slots: Slots,
        mask: torch.Tensor | None,
        keep: torch.Tensor | None,
    ) -> torch.Tensor:
        rows, tokens = ids.shape
        padded = 1 << (rows - 1).bit_length()
        is_step = tokens == 1 and len(positions) == rows and slots.span.first == 0
        if not is_step or slots.span.start == 0 or padded > min(ROWS, slots.count):
            return self._decode(ids, positions, slots, mask, keep)
        if slots.buffers is not self._buffers:
            self._recordings.clear()
            self._buffers = slots.buffers
        reach = min(-(-slots.span.stop // REACH) * REACH, slots.tokens)
        key = (padded, reach)
        if key not in self._recordings:
            self._recordings[key] = self._recorded(slots, ids, positions, padded, reach)
        recording = self._recordings[key]
        recording.ids[:rows] = ids
        recording.positions[:rows] = positions
        return recording.replay()[:rows].clone()

    def _recorded(
        self, slots: Slots, ids: torch.Tensor, positions: torch.Tensor, rows: int, reach: int
    ) -> _Recording:
        """Rows beyond those of `ids` write the first token of slots that nobody is in."""
        still_ids, places = ids.new_zeros(rows, 1), positions.new_zeros(rows, 1)
        still_ids[: len(ids)], places[: len(ids)] = ids, positions
        seen = torch.arange(reach, device=ids.device)
        span = Span(0, rows, reach - 1, reach, places[:, 0])

        def compute() -> torch.Tensor:
            slots.span = span
            mask = (seen <= places)[:, None, None]
            return self._decode(still_ids, places, slots, mask, None)

        return _Recording(still_ids, places, self._record(compute))


def replayed(decode: Decoder, record: Recorder) -> Decoder:
    """`decode` with its steps recorded, where they are known to wait for nothing on their way."""
    return ReplayDecoder(decode, record) if isinstance(decode, LlamaDecoder) else decode
