"""Who may ask what: who comes first, what is brought next, and that nobody waits forever."""

from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st

from loaders.together.turns import Turn, Turns

SIZES = dict.fromkeys("ornsx", 1)


def finish(turns: Turns, turn: Turn) -> None:
    """It has asked what it was asking."""
    turn.asking = ()
    if not turn.waiting:
        turns.leave(turn)


def test_what_is_held_is_asked_at_once() -> None:
    turns = Turns(SIZES, 3)
    turn = turns.enter("orns", "orn")
    assert (turn.asking, turn.waiting) == (("o", "r", "n"), ("s",))
    assert (turns.asked, turns.waited_for) == ({"o", "r", "n"}, {"s"})


def test_nothing_is_brought_while_something_is_asked() -> None:
    turns = Turns(SIZES, 3)
    turn = turns.enter("orns", "orn")
    assert turns.next_wave() == ()
    finish(turns, turn)
    assert turns.next_wave() == ("s",)


def test_who_comes_while_somebody_waits_waits_too() -> None:
    turns = Turns(SIZES, 3)
    turns.enter("os", "orn")
    late = turns.enter("o", "orn")
    assert (late.asking, late.waiting) == ((), ("o",))


def test_those_in_line_fill_the_room_that_the_first_leaves() -> None:
    turns = Turns(SIZES, 3)
    first, second = turns.enter("orns", "orn"), turns.enter("orns", "orn")
    finish(turns, first)
    assert turns.next_wave() == ("s", "o", "r")
    turns.admit("sor")
    assert (first.asking, second.asking, second.waiting) == (("s",), ("o", "r", "s"), ("n",))


def test_what_has_no_room_beside_others_is_brought_alone() -> None:
    turns = Turns(SIZES | {"x": 9}, 3)
    turns.enter("xo", "")
    assert turns.next_wave() == ("x",)


def test_the_oldest_leaves_and_friends_of_the_wave_last() -> None:
    turns = Turns(SIZES, 3)
    assert turns.leaving("orn", "s", ()) == ["o"]
    assert turns.leaving("orn", "s", "os") == ["r"]
    assert turns.leaving("orn", "sx", "os") == ["r", "n"]
    assert turns.leaving("or", "s", ()) == []
    assert turns.leaving("orn", "no", ()) == []


def test_who_gives_up_holds_nobody_up() -> None:
    turns = Turns(SIZES, 3)
    first = turns.enter("s", "orn")
    turns.leave(first)
    assert turns.enter("o", "orn").asking == ("o",)


asked = st.lists(st.sampled_from("ornsx"), min_size=1, max_size=5, unique=True)


@settings(max_examples=60)
@given(st.lists(asked, min_size=1, max_size=6), st.integers(1, 4), st.randoms())
def test_everybody_ends_while_others_keep_coming(
    early: list[list[str]],
    room: int,
    random: Random,
) -> None:
    """A newcomer after every step asks what is held; the early ones end all the same."""
    turns, held = Turns(SIZES, room), list("orn"[:room])
    left = [turns.enter(models, held) for models in early]
    crowd: list[Turn] = []
    for _ in range(20 * len(early)):
        crowd.append(turns.enter(held, held))
        for turn in [turn for turn in (*left, *crowd) if turn.asking]:
            assert set(turn.asking) <= set(held)
            if random.random() < 0.8:
                finish(turns, turn)
        left = [turn for turn in left if turn.asking or turn.waiting]
        crowd = [turn for turn in crowd if turn.asking or turn.waiting]
        if wave := turns.next_wave():
            gone = turns.leaving(held, wave, ())
            held = [model for model in held if model not in gone]
            held += [model for model in wave if model not in held]
            assert len(held) <= room
            turns.admit(wave)
    assert not left
