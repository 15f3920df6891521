"""Two CPUs as two devices, each with a thread: what several GPUs run, without one."""

import gc
import threading
from collections.abc import Iterator, Sequence

import pytest

from loaders import Engine, Family, Fault, Request, Sampling, Score, TokenEvent
from loaders.engine.cores import cpu_cores
from loaders.engine.local import LocalEngine
from loaders.fake import FakeEngine
from loaders.opening import open_planned
from loaders.together.mixed import MixedEngine
from loaders.together.residency import Need, Plan, Room, Share, make_plan, plan_of, say_plan
from loaders.together.shape import measure_needs
from loaders.together.spread import ThreadedEngine, spread
from tests.tiny import tiny_family

KEYS = ("o", "r", "n", "s")
PROMPT = "The light climbed the ninety-one steps. Question: who?"


@pytest.fixture(scope="module")
def family(tmp_path_factory: pytest.TempPathFactory) -> Family:
    return tiny_family(tmp_path_factory.mktemp("tiny"), keys=KEYS)


@pytest.fixture(scope="module")
def plain(family: Family) -> LocalEngine:
    return loaded(LocalEngine(family, "fp32", "cpu"))  # type: ignore[return-value]


@pytest.fixture(scope="module")
def two(family: Family) -> Engine:
    """ "o" and "n" on the first device, "r" and "s" on the second."""
    return loaded(open_planned(family, "fp32", on_two(family, 2)))


def on_two(family: Family, models: float) -> Plan:
    """A plan for two devices of so many models each."""
    needs = measure_needs(family, "fp32", "cpu")
    room = Room("cpu", int(models * max(need.taken(256) for need in needs)))
    return make_plan(needs, [room, room])


def loaded(engine: Engine) -> Engine:
    for key in KEYS:
        for _ in engine.load(key):
            pass
    return engine


def test_as_many_models_go_on_at_once_as_there_are_devices(two: Engine) -> None:
    ones = [ThreadedEngine(lambda: FakeEngine(lambda model, prompt: prompt), key) for key in "ab"]
    assert MixedEngine(dict(zip("ab", ones, strict=True)), "fp32", "cpu").at_once == 2
    assert MixedEngine(dict.fromkeys("abc", ones[0]), "fp32", "cpu").at_once == 1
    assert two.at_once == 2 * cpu_cores().at_once


def asked(models: Sequence[str] = KEYS, tokens: int = 24) -> list[Request]:
    return [Request(model, model, PROMPT, Sampling(tokens)) for model in models]


def said(events: Iterator[TokenEvent | None]) -> dict[str, list[int | None]]:
    found: dict[str, list[int | None]] = {key: [] for key in KEYS}
    for event in events:
        if event is not None:
            found[event.model].append(event.token_id)
    return found


def threads() -> set[str]:
    return {thread.name for thread in threading.enumerate()}


def test_each_device_has_an_engine_and_a_thread(two: Engine, family: Family) -> None:
    assert isinstance(two, MixedEngine)
    assert two.device == "cpu"
    assert [[need.model for need in share.needs] for share in on_two(family, 2).shares] == [
        ["o", "n"],
        ["r", "s"],
    ]
    assert [two.status(key).state for key in KEYS] == ["ready"] * 4
    assert (plan := plan_of(two)) is not None
    assert say_plan(plan).count("on cpu") == 2


def test_all_say_what_one_engine_says(two: Engine, plain: LocalEngine) -> None:
    assert said(two.stream(asked())) == said(plain.stream(asked()))
    ours = sorted(one.token_ids for one in two.generate("s", [PROMPT, "The"], 6) if one)
    theirs = sorted(one.token_ids for one in plain.generate("s", [PROMPT, "The"], 6) if one)
    assert ours == theirs
    assert scores(two, "r") == scores(plain, "r")
    assert two.encode("n", PROMPT) == plain.encode("n", PROMPT)
    assert two.decode("n", [5, 6]) == plain.decode("n", [5, 6])
    assert two.context("n") == 256


def scores(engine: Engine, model: str) -> list[Score]:
    return [one for one in engine.score(model, [PROMPT]) if one is not None]


def test_answers_of_both_devices_come_side_by_side() -> None:
    mixed = spread(plan_of_fakes(), lambda share: slow())
    loaded(mixed)
    order = [event.model for event in mixed.stream(asked()) if event is not None]
    first, second = order.index("o"), order.index("r")
    assert max(first, second) < min(last(order, "o"), last(order, "r"))


def plan_of_fakes() -> Plan:
    needs = [Need(key, key, parameters=1, weights=1, token=0, longest=64) for key in KEYS]
    return make_plan(needs, [Room("cuda:0", 9), Room("cuda:1", 9)])


def slow() -> FakeEngine:
    return FakeEngine(lambda model, prompt: f"{model} says this and that", seconds_per_step=0.01)


def last(order: Sequence[str], model: str) -> int:
    return len(order) - 1 - list(reversed(order)).index(model)


class Endless(FakeEngine):
    """Never comes to an end by itself."""

    def __init__(self) -> None:
        super().__init__(lambda model, prompt: model)
        self.ended = threading.Event()

    def stream(self, requests: Sequence[Request]) -> Iterator[TokenEvent | None]:
        try:
            while True:
                yield from super().stream(requests)
        finally:
            self.ended.set()


def test_closing_ends_the_work_of_all_devices() -> None:
    engines = [Endless(), Endless()]
    rest = iter(engines)
    mixed = loaded(spread(plan_of_fakes(), lambda share: next(rest)))
    stream = mixed.stream(asked())
    while next(stream) is None:
        pass
    stream.close()  # type: ignore[attr-defined]
    assert all(engine.ended.wait(20) for engine in engines)


class Failing(FakeEngine):
    """An engine whose streams break off with a bug."""

    def stream(self, requests: Sequence[Request]) -> Iterator[TokenEvent | None]:
        yield None
        raise ZeroDivisionError("a bug")


def test_one_that_fails_does_not_stop_the_other() -> None:
    def opened(share: Share) -> Engine:
        made = Failing if share.room.device == "cuda:0" else FakeEngine
        return made(lambda model, prompt: f"{model} says this")

    mixed, ended = loaded(spread(plan_of_fakes(), opened)), list[str]()
    with pytest.raises(ZeroDivisionError, match="a bug"):
        ended += (event.model for event in mixed.stream(asked()) if event and event.finish)
    assert sorted(ended) == ["r", "s"]


def test_a_prompt_that_does_not_fit_is_raised_before_any_token(two: Engine) -> None:
    stream = two.stream([*asked("o"), Request("long", "r", PROMPT * 20, Sampling(6))])
    with pytest.raises(Fault, match="Shorten the prompt"):
        next(stream)
    assert len(said(two.stream(asked("o")))["o"]) > 0


def test_devices_may_have_waves_of_their_own(family: Family, plain: LocalEngine) -> None:
    waves = loaded(open_planned(family, "fp32", on_two(family, 1.1)))
    assert waves.status("o").note == "loaded when it is asked: 1 of 2 models fit in 0.8 MiB"
    assert said(waves.stream(asked())) == said(plain.stream(asked()))


def test_what_an_engine_cannot_be_opened_with_is_raised() -> None:
    def refuse() -> Engine:
        raise Fault("There is no such device.")

    with pytest.raises(Fault, match="no such device"):
        ThreadedEngine(refuse, "refused")


def test_a_thread_that_dies_while_opening_is_no_endless_wait(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def broken() -> Engine:
        raise ZeroDivisionError

    monkeypatch.setattr(threading, "excepthook", lambda args: None)
    with pytest.raises(RuntimeError, match="ended before the engine was open"):
        ThreadedEngine(broken, "broken")


def test_the_thread_ends_with_the_engine() -> None:
    engine: Engine | None = ThreadedEngine(slow, "short-lived")
    assert "short-lived" in threads()
    engine = None
    gc.collect()
    assert engine is None
    assert "short-lived" not in threads()
