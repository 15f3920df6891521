"""Who may ask which models while not all of them are held at once; pure, and loads nothing.

Work stands in one line. What is held is asked by all that stood in line when it was brought; when
they are done, the first in line decides what is brought next, and those behind it fill the rest of
the room. Whoever comes later waits once anybody waits, so that nobody waits forever.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass


@dataclass(eq=False)
class Turn:
    """A piece of work: the models that it asks now, and those that it has still to ask."""

    asking: tuple[str, ...]
    waiting: tuple[str, ...]

    def take(self, models: Collection[str]) -> None:
        """Those of `models` that it waits for are its to ask."""
        self.asking += tuple(model for model in self.waiting if model in models)
        self.waiting = tuple(model for model in self.waiting if model not in models)


class Turns:
    """The line. `sizes` are bytes by model, and `room` what all that is held may take together."""

    def __init__(self, sizes: Mapping[str, int], room: int) -> None:
        self._sizes = dict(sizes)
        self._room = room
        self._line: list[Turn] = []

    @property
    def asked(self) -> frozenset[str]:
        """The models that are being asked."""
        return frozenset(model for turn in self._line for model in turn.asking)

    @property
    def waited_for(self) -> frozenset[str]:
        """The models that somebody waits for."""
        return frozenset(model for turn in self._line for model in turn.waiting)

    def weigh(self, model: str, size: int) -> None:
        """It takes so many bytes, as was found when it was brought."""
        self._sizes[model] = size

    def enter(self, models: Sequence[str], held: Collection[str]) -> Turn:
        """New work at the end of the line; what is held it may ask at once if nobody waits."""
        turn = Turn((), tuple(dict.fromkeys(models)))
        if not self.waited_for:
            turn.take(held)
        self._line.append(turn)
        return turn

    def leave(self, turn: Turn) -> None:
        """It is done, or given up."""
        self._line.remove(turn)

    def next_wave(self) -> tuple[str, ...]:
        """What is to be held next: nothing while anything is being asked or nobody waits.

        At least the first model that the first in line waits for; then as many as there is room
        for, in the order of the line.
        """
        if self.asked:
            return ()
        wanted = list(dict.fromkeys(model for turn in self._line for model in turn.waiting))
        wave: list[str] = []
        for model in wanted:
            if not wave or self._taken([*wave, model]) <= self._room:
                wave.append(model)
        return tuple(wave)

    def admit(self, models: Collection[str]) -> None:
        """What was brought may be asked by all that wait for it now."""
        for turn in self._line:
            turn.take(models)

    def leaving(
        self, held: Sequence[str], wave: Sequence[str], friends: Collection[str]
    ) -> list[str]:
        """Which of `held`, oldest first, make room for `wave`: none of it, `friends` of it last."""
        kept, gone = list(held), []
        others = [model for model in held if model not in wave]
        for model in sorted(others, key=lambda model: model in friends):
            if self._taken({*kept, *wave}) <= self._room:
                break
            kept.remove(model)
            gone.append(model)
        return gone

    def _taken(self, models: Collection[str]) -> int:
        return sum(self._sizes.get(model, 0) for model in models)
