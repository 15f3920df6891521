"""A replayed step says what a plain one says; what is recorded is good for its buffers alone."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import pytest
import torch

from loaders.engine.lane import Lane
from loaders.engine.llama import LlamaDecoder
from loaders.engine.prompts import Prefixes
from loaders.engine.replay import (
    REACH,
    ROWS,
    CudaRecorder,
    Replay,
    ReplayDecoder,
    compute_again,
    replayed,
)
from loaders.engine.rows import Row
from loaders.engine.weights import Weights
from tests.unit.loaders.models import counts, demo_weights, finished, llama, prompt, weights_of

TOKENS = 12


@dataclass
class Tape:
    """The CPU's twin of a recorder: repeats a computation into the tensor of its first run."""

    recorded: int = 0
    replayed: int = 0

    def __call__(self, compute: Replay) -> Replay:
        self.recorded += 1
        kept = compute().clone()

        def replay() -> torch.Tensor:
            self.replayed += 1
            return kept.copy_(compute())

        return replay


def taped(weights: Weights) -> tuple[Weights, Tape]:
    tape = Tape()
    return replace(weights, decode=ReplayDecoder(weights.decode, tape)), tape


def said(weights: Weights, prompts: Sequence[tuple[int, ...]], tokens: int = TOKENS) -> list[str]:
    rows = [Row(weights, ids, tokens) for ids in prompts]
    finished(weights, rows)
    return [str(row.produced) for row in rows]


def test_replayed_rows_say_what_they_say_without() -> None:
    plain = weights_of(llama())
    weights, tape = taped(weights_of(llama()))
    prompts = [prompt(length, seed) for seed, length in enumerate((5, 40, 11))]
    assert said(weights, prompts) == said(plain, prompts)
    assert tape.replayed == TOKENS - 1


def test_the_demo_models_say_the_same_when_replayed() -> None:
    plain = demo_weights()
    weights, _ = taped(plain)
    ids = tuple(plain.tokenizer.encode("The lamp of the harbour was lit, and the keeper"))
    assert said(weights, [ids], 40) == said(plain, [ids], 40)


def test_rows_that_come_and_go_share_recordings() -> None:
    plain = weights_of(llama())
    weights, tape = taped(weights_of(llama()))
    lengths = (3, 9, 4, 12, 6)
    wanted = [said(plain, [prompt(7, seed)], n)[0] for seed, n in enumerate(lengths)]
    rows = [Row(weights, prompt(7, seed), n) for seed, n in enumerate(lengths)]
    finished(weights, rows)
    assert [str(row.produced) for row in rows] == wanted
    assert tape.recorded == 4  # for 8, 4, 2 rows and 1


def test_a_recording_reaches_as_far_as_its_tokens() -> None:
    """Beyond REACH another one is made, and what it says is still the same."""
    long = llama(max_position_embeddings=2 * REACH + 64)
    plain, ids = weights_of(long), prompt(REACH - 4)
    weights, tape = taped(weights_of(long))
    assert said(weights, [ids], 20) == said(plain, [ids], 20)
    assert tape.recorded == 2


def test_a_recording_goes_with_its_buffers() -> None:
    weights, tape = taped(weights_of(llama()))
    lane = Lane(weights, Prefixes())
    first = Row(weights, prompt(5), TOKENS)
    lane.add(first)
    for _ in range(3):
        lane.step()
    assert tape.recorded == 1
    lane.add(Row(weights, prompt(150), TOKENS))  # needs larger buffers
    while not lane.is_idle:
        lane.step()
    assert str(first.produced) == said(weights_of(llama()), [prompt(5)])[0]
    assert tape.recorded >= 3


def test_many_rows_are_not_recorded() -> None:
    weights, tape = taped(weights_of(llama()))
    said(weights, [prompt(5, seed) for seed in range(ROWS + 1)])
    assert tape.recorded == 0


def test_a_prompt_is_read_by_the_decoder_itself() -> None:
    plain = weights_of(llama())
    counted = counts(plain)
    weights, tape = taped(plain)
    said(weights, [prompt(30)], 1)
    assert counted.tokens == 30
    assert tape.recorded == 0


@pytest.mark.parametrize("wraps", [True, False])
def test_only_what_waits_for_nothing_is_recorded(wraps: bool) -> None:
    decode = LlamaDecoder(llama()) if wraps else counts(weights_of(llama()))
    assert isinstance(replayed(decode, compute_again), ReplayDecoder) is wraps


def test_other_buffers_of_the_same_size_are_recorded_anew() -> None:
    weights, tape = taped(weights_of(llama()))
    for run in (1, 2):
        said(weights, [prompt(5)])
        assert tape.recorded == run


class Refused(CudaRecorder):
    """On a GPU that makes no graphs."""

    def __init__(self) -> None:
        super().__init__("cuda:0")
        self.asked = 0

    def _record(self, compute: Replay) -> Replay:
        self.asked += 1
        raise RuntimeError("operation not permitted when stream is capturing")


def test_where_no_graph_can_be_made_steps_are_computed(caplog: pytest.LogCaptureFixture) -> None:
    plain, record = weights_of(llama()), Refused()
    weights = replace(plain, decode=ReplayDecoder(plain.decode, record))
    prompts = [prompt(5), prompt(9, 1)]
    assert said(weights, prompts) == said(weights_of(llama()), prompts)
    said(weights, prompts)
    assert record.asked == 1
    assert caplog.text.count("No CUDA graph can be made here (operation not permitted") == 1
