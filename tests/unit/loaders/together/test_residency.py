"""Which models are held together, on worked examples of the literature's sizes and on any sizes."""

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loaders import Fault
from loaders.together.residency import (
    FLOOR,
    GIB,
    Need,
    Plan,
    Room,
    Share,
    make_plan,
    say_plan,
    say_room,
)

# Llama-2-7B in nf4 with double quantization; keys and values of 32 layers of 32 heads in 16 bits.
LLAMA = Need("o", "Original", 6_738_415_616, 3_865_836_416, 524_288, 4096)
LABELS = {"o": "Original", "r": "Retrained", "n": "NPO", "s": "SimNPO"}
FOUR = [replace(LLAMA, model=key, label=label) for key, label in LABELS.items()]


def gpu(gib: float, number: int = 0) -> Room:
    return Room(f"cuda:{number}", int(gib * GIB), GIB)


def keys(share: Share) -> list[str]:
    return ["".join(need.model for need in wave) for wave in share.waves]


def test_four_fit_on_24_gigabytes_with_a_context_of_2048() -> None:
    plan = make_plan(FOUR, [gpu(23.7)])
    assert plan.is_whole
    assert plan.context == 2048
    assert plan.shares[0].taken(2048) / GIB == pytest.approx(4 * 3.60 + 4 * 1.0 + 1.0, abs=0.01)
    assert say_plan(plan) == "4 models on cuda:0, 19.4 of 23.7 GiB"


def test_4096_tokens_of_all_four_are_too_many_for_24_gigabytes() -> None:
    plan = make_plan(FOUR, [gpu(22.5)], context=4096)
    assert keys(plan.shares[0]) == ["orn", "s"]


def test_three_fit_on_16_gigabytes_and_the_fourth_waits() -> None:
    plan = make_plan(FOUR, [gpu(14.6)], context=1024)
    share = plan.shares[0]
    assert keys(share) == ["orn", "s"]
    assert share.taken(1024) / GIB == pytest.approx(10.8 + 1.5 + 1.0, abs=0.01)
    assert plan.waves == (("o", "r", "n"), ("s",))
    assert say_room(share) == "3 of 4 models fit in 14.6 GiB"
    assert say_plan(plan) == "4 models on cuda:0, at most 3 at once, 13.3 of 14.6 GiB"


def test_the_context_is_shortened_before_another_wave_is_needed() -> None:
    plan = make_plan(FOUR, [gpu(14.6)])
    assert plan.context == FLOOR
    assert keys(plan.shares[0]) == ["orn", "s"]
    assert keys(make_plan(FOUR, [gpu(14.6)], context=2048).shares[0]) == ["or", "ns"]


def test_two_and_two() -> None:
    assert keys(make_plan(FOUR, [gpu(11)]).shares[0]) == ["or", "ns"]


def test_the_whole_context_where_there_is_room_for_it() -> None:
    plan = make_plan(FOUR, [gpu(79)])
    assert (plan.is_whole, plan.context) == (True, 4096)


def test_several_gpus_take_models_in_turn() -> None:
    plan = make_plan(FOUR, [gpu(12, 0), gpu(12, 1)])
    assert [keys(share) for share in plan.shares] == [["on"], ["rs"]]
    assert plan.waves == (("o", "n", "r", "s"),)
    assert say_plan(plan) == (
        "Original and NPO on cuda:0, 10.2 of 12.0 GiB; "
        "Retrained and SimNPO on cuda:1, 10.2 of 12.0 GiB"
    )


def test_a_gpu_that_is_full_is_passed_over() -> None:
    plan = make_plan(FOUR, [gpu(24, 0), gpu(0.5, 1), gpu(8, 2)])
    assert [keys(share) for share in plan.shares] == [["ons"], [], ["r"]]
    assert say_plan(plan).startswith("Original, NPO and SimNPO on cuda:0, ")


def test_a_7b_is_refused_on_a_cpu_unless_it_is_forced() -> None:
    rooms = [Room("cpu", 64 * GIB)]
    plan = make_plan(FOUR, rooms)
    assert plan.refused["n"] == (
        "NPO has 6.7 billion parameters, too many to run on a CPU, where 2 billion are the most; "
        "use a GPU, or have it tried with --force."
    )
    assert plan.waves == ()
    assert say_plan(plan) == "4 models not loaded"
    forced = make_plan(FOUR, rooms, force=True)
    assert (forced.refused, forced.is_whole) == ({}, True)


def test_what_cannot_be_held_alone_is_refused_and_the_others_are_not() -> None:
    large = replace(LLAMA, weights=26_953_662_464, token=1_048_576)
    plan = make_plan([large, *FOUR[1:]], [gpu(23.7)])
    assert plan.refused == {
        "o": "Original takes 26.4 GiB with a context of 1,280 tokens, and cuda:0 has 22.7 GiB for "
        "it; choose a precision of fewer bits or a shorter --context, or have it tried with "
        "--force."
    }
    assert keys(plan.shares[0]) == ["rns"]


def test_models_of_another_context_count_their_own() -> None:
    short = replace(LLAMA, longest=512)
    assert short.taken(4096) == short.weights + 512 * short.token


@pytest.mark.parametrize("context", [0, -5])
def test_a_context_of_nothing_is_a_fault(context: int) -> None:
    with pytest.raises(Fault, match=f"The context is {context} tokens; choose 1 or more"):
        make_plan(FOUR, [gpu(24)], context)


sizes = st.integers(min_value=0, max_value=30)


@st.composite
def needs(draw: st.DrawFn) -> list[Need]:
    drawn = draw(st.lists(st.tuples(sizes, sizes), min_size=1, max_size=7))
    longest = draw(st.sampled_from([512, 2048, 8192]))
    return [
        Need(str(number), f"M{number}", 1000, weights * GIB, token * 2**12, longest)
        for number, (weights, token) in enumerate(drawn)
    ]


@st.composite
def rooms(draw: st.DrawFn) -> list[Room]:
    drawn = draw(st.lists(st.integers(min_value=0, max_value=80), min_size=1, max_size=4))
    return [gpu(gib, number) for number, gib in enumerate(drawn)]


contexts = st.none() | st.integers(min_value=1, max_value=9000)


@given(needs(), rooms(), contexts, st.booleans())
def test_every_model_is_somewhere_once(
    needs: list[Need], rooms: list[Room], context: int | None, force: bool
) -> None:
    plan = make_plan(needs, rooms, context, force)
    placed = [need.model for share in plan.shares for need in share.needs]
    assert sorted([*placed, *plan.refused]) == [need.model for need in needs]
    assert sorted(model for wave in plan.waves for model in wave) == sorted(placed)
    assert not (force and plan.refused)


def test_a_model_that_fits_without_air_alone_is_held() -> None:
    full = Need("full", "Full", 1000, 24 * GIB, 0, 2048)
    plan = make_plan([Need("small", "Small", 1000, 0, 2**12, 2048), full], [gpu(25)])
    assert plan.waves == (("small",), ("full",))
    assert not plan.refused


@given(needs(), rooms(), contexts)
def test_what_is_held_at_once_fits(
    needs: list[Need], rooms: list[Room], context: int | None
) -> None:
    plan = make_plan(needs, rooms, context)
    for share in plan.shares:
        for wave in share.waves:
            assert sum(need.taken(plan.context) for need in wave) <= share.room.usable


@given(needs(), rooms(), st.integers(min_value=1, max_value=9000))
def test_no_wave_has_room_for_the_first_of_the_next(
    needs: list[Need], rooms: list[Room], context: int
) -> None:
    plan = make_plan(needs, rooms, context)
    for share in plan.shares:
        for wave, following in pairwise(share.waves):
            both = sum(need.taken(plan.context) for need in (*wave, following[0]))
            assert both > share.room.usable


@given(st.integers(1, 6), sizes, st.integers(min_value=0, max_value=80), contexts)
def test_more_memory_is_never_worse(count: int, size: int, gib: int, context: int | None) -> None:
    alike = [replace(LLAMA, model=str(place), weights=size * GIB) for place in range(count)]
    small, large = (make_plan(alike, [gpu(total)], context) for total in (gib, gib + 2))
    assert len(large.refused) <= len(small.refused)
    assert large.refused.keys() != small.refused.keys() or rank(large) >= rank(small)


def rank(plan: Plan) -> Sequence[int]:
    """More models at once first, then a longer context."""
    return (sum(share.most for share in plan.shares), plan.context)


@given(needs(), rooms())
def test_the_context_is_at_most_what_the_models_attend_to(
    needs: list[Need], rooms: list[Room]
) -> None:
    plan = make_plan(needs, rooms)
    assert min(FLOOR, needs[0].longest) <= plan.context <= needs[0].longest
