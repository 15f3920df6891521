"""Buffers that rows stand in: what is written stays, wherever it is moved, and no more is held."""

import torch
from hypothesis import given
from hypothesis import strategies as st

from loaders.engine.slots import BLOCK, Slots, Span
from tests.unit.loaders.models import slot_bytes

LAYERS, HEADS, WIDTH = 2, 2, 3


def states(rows: int, tokens: int, first: float = 1.0) -> torch.Tensor:
    """Every element another number, from `first` on."""
    count = rows * HEADS * tokens * WIDTH
    return torch.arange(first, first + count).view(rows, HEADS, tokens, WIDTH)


def write(slots: Slots, span: Span, keys: torch.Tensor) -> torch.Tensor:
    """Keys, and their negatives as values, into all layers; the keys that rows may look at."""
    slots.span = span
    found = [slots.update(keys * layer, -keys * layer, layer - 1) for layer in (1, LAYERS)]
    for layer, (seen, values) in zip((1, LAYERS), found, strict=True):
        assert torch.equal(values, -seen)
        assert torch.equal(seen, found[0][0] * layer)
    return found[0][0]


def test_a_pass_sees_its_rows_up_to_its_last_token() -> None:
    slots, keys = Slots(LAYERS, 4, 8), states(2, 3)
    assert torch.equal(write(slots, Span(1, 3, 0, 3), keys), keys)
    more = states(2, 2, first=100.0)
    assert torch.equal(write(slots, Span(1, 3, 3, 5), more), torch.cat([keys, more], dim=2))


def test_rows_of_different_lengths_are_written_where_each_ends() -> None:
    slots = Slots(LAYERS, 3, 8)
    before = write(slots, Span(0, 3, 0, 4), states(3, 4)).clone()
    seen = write(slots, Span(0, 3, 4, 5, torch.tensor([1, 4, 2])), token := states(3, 1, 100.0))
    for row, place in enumerate((1, 4, 2)):
        assert torch.equal(seen[row, :, place], token[row, :, 0])
        assert torch.equal(seen[row, :, :place], before[row, :, :place])


def test_a_row_moves_with_all_it_has_read() -> None:
    slots = Slots(LAYERS, 3, 8)
    before = write(slots, Span(0, 3, 0, 5), states(3, 5)).clone()
    slots.move(2, 0, 4)
    seen = write(slots, Span(0, 3, 5, 6), states(3, 1, 100.0))
    assert torch.equal(seen[0, :, :4], before[2, :, :4])
    assert torch.equal(seen[1:, :, :5], before[1:])


def test_nothing_is_left_where_a_row_moves_or_comes_to() -> None:
    slots = Slots(LAYERS, 3, 8)
    write(slots, Span(0, 3, 0, 5), states(3, 5))
    slots.move(2, 0, 2)
    slots.clear(1, 2)
    seen = write(slots, Span(0, 3, 5, 6), states(3, 1, 100.0))
    assert not seen[0, :, 2:5].any()
    assert not seen[1, :, :5].any()
    assert seen[0, :, :2].all()
    assert seen[2].all()


def test_a_prefix_is_a_copy_that_can_be_written_in_part() -> None:
    slots, keys = Slots(LAYERS, 1, 8), states(1, 6)
    write(slots, Span(0, 1, 0, 6), keys)
    prefix = slots.read_prefix((5, 6, 7, 8))
    write(slots, Span(0, 1, 0, 6), torch.zeros_like(keys))
    others = Slots(LAYERS, 4, 8)
    others.write_prefix(prefix, 3, 1, 4)
    seen = write(others, Span(0, 4, 3, 4), token := states(4, 1, 100.0))
    for row in (1, 2, 3):
        assert torch.equal(seen[row], torch.cat([keys[0, :, :3], token[row]], dim=1))
    assert not seen[0, :, :3].any()


def held(count: int, tokens: int) -> int:
    """Bytes of keys and values of all layers."""
    return 2 * LAYERS * count * HEADS * tokens * WIDTH * 4


def test_nothing_is_held_before_something_is_written() -> None:
    slots = Slots(LAYERS, 64, 4096)
    assert slot_bytes(slots) == 0


def test_what_is_held_is_what_was_reserved_in_whole_blocks() -> None:
    slots = Slots(LAYERS, 1, 1)
    write(slots, Span(0, 1, 0, 1), states(1, 1))
    assert slot_bytes(slots) == held(1, BLOCK)
    slots.reserve(3, BLOCK + 1)
    assert slot_bytes(slots) == held(3, 2 * BLOCK)
    slots.reserve(2, BLOCK)
    assert slot_bytes(slots) == held(3, 2 * BLOCK)


def test_a_long_row_that_is_gone_makes_no_room_for_many() -> None:
    slots = Slots(LAYERS, 1, 4096)
    write(slots, Span(0, 1, 0, 1), states(1, 1))
    slots.reserve(64, BLOCK)
    assert slot_bytes(slots) == held(64, BLOCK)
    slots.reserve(1, 4096)
    assert slot_bytes(slots) == held(1, 4096)


@given(st.lists(st.tuples(st.integers(2, 6), st.integers(4, 200)), max_size=6))
def test_what_rows_have_read_stays_whatever_is_reserved(sizes: list[tuple[int, int]]) -> None:
    slots, keys = Slots(LAYERS, 2, 4), states(2, 4)
    write(slots, Span(0, 2, 0, 4), keys)
    for count, tokens in sizes:
        slots.reserve(count, tokens)
        assert slots.count >= count
        assert slots.tokens >= tokens
    slots.reserve(2, 5)
    seen = write(slots, Span(0, 2, 4, 5), token := states(2, 1, first=100.0))
    assert torch.equal(seen, torch.cat([keys, token], dim=2))
