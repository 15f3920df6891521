"""More models than a device holds at once: those that are asked are brought in, others leave.

An engine below runs them. This file never runs one, and never takes away what is being asked.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Protocol, TypeVar

from loaders.protocol import Completion, Engine, Request, Score, Status, TokenEvent
from loaders.together.around import Around
from loaders.together.residency import Plan, Share, listed, say_room
from loaders.together.turns import Turns

T = TypeVar("T")
Models = tuple[str, ...]


class Unloading(Engine, Protocol):
    """An engine that can give a model's memory back, and still reads text as the model does."""

    def fetch(self, model: str) -> Iterator[None]:
        """Bring the model's files here; a Fault is kept in its status, and nothing is loaded."""

    def unload(self, model: str) -> None:
        """Let go of the model; `load` makes it ready again. What it is asked ends with a Fault."""

    def check(self, request: Request) -> None:
        """A Fault if the model could not be loaded the last time, or the prompt is too long."""


class WavesEngine(Around):
    """Implements `loaders.protocol.Engine` over one whose models take turns in a device's memory.

    All that is open has to be driven, by turns, or closed: what is being asked holds up what waits.
    A model that is not held is ready all the same, and the `note` of its status says what it waits
    for. What a model raises ends its own requests; the others' come first, then it is raised.
    """

    def __init__(self, engine: Unloading, plan: Plan, share: Share) -> None:
        super().__init__(engine)
        self.plan: Plan | None = plan
        self._engine: Unloading = engine
        self._refused = plan.refused
        self._share = share
        sizes = {need.model: need.taken(plan.context) for need in share.needs}
        self._turns = Turns(sizes, share.room.usable)
        self._kept = {need.model: sizes[need.model] - need.weights for need in share.needs}
        self._loaded: dict[str, Status] = {}  # as of the last time
        self._held: list[str] = []  # what was asked longest ago first
        self._renewed: set[str] = set()  # to be loaded even if it is held
        self._bringing = ""

    def status(self, model: str) -> Status:
        known = self._loaded.get(model)
        if known is None:
            return self._engine.status(model)
        if model in self._held:
            return known
        return replace(known, note=self._note(model), held=False)

    def load(self, model: str) -> Iterator[None]:
        self._loaded.pop(model, None)
        if model in self._refused:
            yield from self._engine.load(model)
            return
        yield from self._engine.fetch(model)
        if self._engine.status(model).state == "failed":
            return
        self._renewed.add(model)
        yield from self._in_turn([model], lambda _: iter(()), anew=True)

    def stream(self, requests: Sequence[Request]) -> Iterator[TokenEvent | None]:
        for request in requests:
            self._engine.check(request)
        started = time.perf_counter()

        def answers(models: Models) -> Iterator[TokenEvent | None]:
            asked = [request for request in requests if request.model in models]
            return self._answers(asked, time.perf_counter() - started)

        yield from self._in_turn([request.model for request in requests], answers)

    def generate(
        self, model: str, prompts: Sequence[str], max_new_tokens: int, stops: Sequence[str] = ()
    ) -> Iterator[Completion | None]:
        def completions(_: Models) -> Iterator[Completion | None]:
            return self._engine.generate(model, prompts, max_new_tokens, stops)

        return self._in_turn([model], completions)

    def score(
        self,
        model: str,
        texts: Sequence[str],
        prompts: Sequence[str] | None = None,
        moments: bool = False,
    ) -> Iterator[Score | None]:
        def scores(_: Models) -> Iterator[Score | None]:
            return self._engine.score(model, texts, prompts, moments)

        return self._in_turn([model], scores)

    def _answers(self, asked: Sequence[Request], waited: float) -> Iterator[TokenEvent | None]:
        """Of the models that could be brought; the time that they waited counts as well."""
        if ready := [request for request in asked if request.model in self._held]:
            for event in self._engine.stream(ready):
                yield event and replace(event, seconds=event.seconds + waited)
        for request in asked:
            self._engine.check(request)

    def _in_turn(
        self,
        models: Sequence[str],
        ask: Callable[[Models], Iterator[T | None]],
        anew: bool = False,
    ) -> Iterator[T | None]:
        """What `ask` yields of all `models`, as many of them at a time as are held; those that are
        to be loaded `anew` are brought first."""
        errors: list[Exception] = []
        turn = self._turns.enter(models, () if anew else self._held)
        try:
            while turn.asking or turn.waiting:
                if not turn.asking:
                    yield from self._bring()
                    continue
                self._held = sorted(self._held, key=turn.asking.__contains__)
                try:
                    yield from ask(turn.asking)
                except Exception as error:  # noqa: BLE001 - raised when all models were asked
                    errors.append(error)
                turn.asking = ()
        finally:
            self._turns.leave(turn)
        if errors:
            raise errors[0]

    def _bring(self) -> Iterator[None]:
        """Bring what is to be asked next, unless that is going on or something is being asked."""
        wave = self._turns.next_wave()
        if self._bringing or not wave:
            yield None
            return
        try:
            for model in self._turns.leaving(self._held, wave, self._friends(wave)):
                self._held.remove(model)
                self._engine.unload(model)
            for model in wave:
                if model not in self._held or model in self._renewed:
                    yield from self._bring_one(model)
            self._turns.admit(wave)
        finally:
            self._bringing = ""

    def _bring_one(self, model: str) -> Iterator[None]:
        self._bringing = model
        self._renewed.discard(model)
        if model in self._held:
            self._held.remove(model)
        yield from self._engine.load(model)
        status = self._engine.status(model)
        if status.state == "ready":
            self._held.append(model)
            self._loaded[model] = status
            self._turns.weigh(model, status.bytes + self._kept[model])
        else:
            self._loaded.pop(model, None)

    def _friends(self, wave: Sequence[str]) -> set[str]:
        """The models that the plan has together with those of `wave`."""
        planned = [{need.model for need in wave} for wave in self._share.waves]
        return {model for models in planned if models & set(wave) for model in models}

    def _note(self, model: str) -> str:
        """What a model that is not held waits for."""
        room = say_room(self._share)
        if model == self._bringing:
            return self._engine.status(model).note or "loading …"
        if model not in self._turns.waited_for:
            return f"loaded when it is asked: {room}"
        labels = {need.model: need.label for need in self._share.needs}
        if self._bringing:
            return f"waits until {labels[self._bringing]} is loaded: {room}"
        asked = self._turns.asked
        before = [label for key, label in labels.items() if key in asked] or ["its turn"]
        return f"waits for {listed(before)}{' to finish' if asked else ''}: {room}"
