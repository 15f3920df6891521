"""Tiny models that take turns in a budget of memory: the path of a 16 GB GPU, on a CPU."""

import gc
import weakref
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from shutil import rmtree

import psutil
import pytest
import torch

from loaders import Completion, Engine, Family, Fault, Request, Sampling, TokenEvent
from loaders.engine.local import LocalEngine
from loaders.opening import open_planned
from loaders.together.residency import Room, make_plan
from loaders.together.shape import measure_needs
from loaders.together.waves import WavesEngine
from tests.tiny import tiny_family

KEYS = ("o", "r", "n", "s")
LABELS = {"o": "Original", "r": "Retrained", "n": "NPO", "s": "SimNPO"}
PROMPT = "The light climbed the ninety-one steps. Question: who?"


@pytest.fixture(scope="module")
def family(tmp_path_factory: pytest.TempPathFactory) -> Family:
    return labelled(tiny_family(tmp_path_factory.mktemp("tiny"), keys=KEYS))


@pytest.fixture(scope="module")
def plain(family: Family) -> LocalEngine:
    """All models at once."""
    return loaded(LocalEngine(family, "fp32", "cpu"))


@pytest.fixture
def waves(family: Family) -> WavesEngine:
    """Three models at once; "o" was loaded first and has left for "s"."""
    return loaded(in_turns(family, 3))


def labelled(family: Family) -> Family:
    models = tuple(replace(spec, label=LABELS[spec.key]) for spec in family.models)
    return replace(family, models=models)


def in_turns(family: Family, models: int) -> WavesEngine:
    """An engine in a budget of so many models' weights, keys and values."""
    needs = measure_needs(family, "fp32", "cpu")
    room = (models + 0.1) * max(need.taken(256) for need in needs)
    plan = make_plan(needs, [Room("cpu", int(room))])
    engine = open_planned(family, "fp32", plan)
    assert isinstance(engine, WavesEngine)
    return engine


def loaded(engine: WavesEngine) -> WavesEngine:
    load(engine)
    return engine


def load(engine: Engine) -> None:
    for key in KEYS:
        for _ in engine.load(key):
            pass


def asked(models: Sequence[str] = KEYS, tokens: int = 6, name: str = "") -> list[Request]:
    return [Request(f"{name}{model}", model, PROMPT, Sampling(tokens)) for model in models]


def said(events: Iterator[TokenEvent | None]) -> dict[str, list[int | None]]:
    """Token ids by request, in the order in which the requests were answered."""
    found: dict[str, list[int | None]] = {}
    for event in events:
        if event is not None:
            found.setdefault(event.request_id, []).append(event.token_id)
    return found


def drain(*streams: Iterator[TokenEvent | None]) -> list[str]:
    """Requests in the order in which they ended, with a step of every stream by turns."""
    ended: list[str] = []
    left = list(streams)
    while left:
        for stream in tuple(left):
            for event in stream:
                if event is None:
                    break
                ended += [event.request_id] if event.finish else []
            else:
                left.remove(stream)
    return ended


def completions(engine: Engine, model: str) -> list[Completion]:
    return [one for one in engine.generate(model, [PROMPT, "The keeper"], 5) if one is not None]


def held(engine: WavesEngine) -> set[str]:
    """Keys of the models whose weights are in memory."""
    assert isinstance(engine._engine, LocalEngine)
    return set(engine._engine._models._weights)


def test_all_say_what_they_say_when_all_are_held(waves: WavesEngine, plain: LocalEngine) -> None:
    expected = said(plain.stream(asked()))
    for _ in range(2):
        assert said(waves.stream(asked())) == expected
        assert len(held(waves)) <= 3
    for model in ("r", "o"):
        assert completions(waves, model) == completions(plain, model)
    scores = [one for one in waves.score("s", [PROMPT]) if one is not None]
    assert scores == [one for one in plain.score("s", [PROMPT]) if one is not None]


def test_those_that_are_held_answer_first_and_one_leaves_for_the_other(waves: WavesEngine) -> None:
    assert held(waves) == {"r", "n", "s"}
    assert list(said(waves.stream(asked()))) == ["r", "n", "s", "o"]
    assert held(waves) == {"r", "n", "o"}  # "s" is not of the wave of "o"
    assert list(said(waves.stream(asked())))[-1] == "s"


def test_what_is_not_held_is_ready_and_says_what_it_waits_for(waves: WavesEngine) -> None:
    room = "3 of 4 models fit in 2.2 MiB"
    assert waves.status("r").note == ""
    assert waves.status("o").state == "ready"
    assert waves.status("o").note == f"loaded when it is asked: {room}"
    stream = waves.stream(asked())
    next(stream)
    assert waves.status("o").note == f"waits for Retrained, NPO and SimNPO to finish: {room}"
    notes = [waves.status("o").note for _ in stream]
    assert "loading …" in notes
    assert notes[-1] == ""


def test_memory_of_what_leaves_is_free(family: Family) -> None:
    waves = in_turns(family, 1)
    before = tensor_bytes()
    for _ in waves.load("o"):
        pass
    said(waves.stream(asked(["o"])))
    list(waves.generate("o", [PROMPT, f"{PROMPT} Answer:"], 4))
    one = tensor_bytes() - before
    kept = [weakref.ref(thing) for thing in belongings(waves, "o")]
    said(waves.stream(asked("o")))
    for _ in waves.load("r"):
        pass
    assert [thing() for thing in kept] == [None] * len(kept)
    assert tensor_bytes() - before == pytest.approx(one, rel=0.05)
    assert held(waves) == {"r"}


def belongings(engine: WavesEngine, model: str) -> list[object]:
    """All that refers to a model's tensors."""
    assert isinstance(engine._engine, LocalEngine)
    weights = engine._engine._models._weights[model]
    lane, prefixes = engine._engine._lanes[model], engine._engine._prefixes[model]
    return [weights, weights.model, weights.decode, lane, prefixes]


def tensor_bytes() -> int:
    """Bytes of all tensors that are alive."""
    gc.collect()
    tensors = [thing for thing in gc.get_objects() if type(thing) in KINDS]
    packed = [one for one in tensors if one.layout == torch._mkldnn]  # type: ignore[attr-defined]
    plain = [one for one in tensors if one.layout == torch.strided]
    storages = {one.untyped_storage().data_ptr(): one.untyped_storage().nbytes() for one in plain}
    return sum(storages.values()) + sum(one.numel() * one.itemsize for one in packed)


KINDS = (torch.Tensor, torch.nn.Parameter)


def test_the_process_grows_by_one_model_however_many_take_turns(tmp_path: Path) -> None:
    family = labelled(tiny_family(tmp_path, keys=("o", "r"), hidden=512))
    waves = in_turns(family, 1)
    sizes = []
    for model in ("o", "r") * 3:
        for _ in waves.load(model):
            pass
        sizes.append(psutil.Process().memory_info().rss)
    weights = waves.status("r").bytes
    assert weights > 20 * 2**20
    assert max(sizes) - sizes[0] < 2 * weights  # five of them would stay


def test_two_visitors_are_served_in_the_order_they_came(waves: WavesEngine) -> None:
    first = waves.stream(asked(name="1"))
    next(first)
    ended = drain(first, waves.stream(asked(name="2")))
    assert sorted(ended[:3]) == ["1n", "1r", "1s"]
    assert ended[3:5] != ["2r", "2n"]
    assert sorted(ended) == sorted(f"{name}{model}" for name in "12" for model in KEYS)
    assert ended.index("1o") < 5


def test_nobody_waits_forever_while_others_keep_asking_what_is_held(waves: WavesEngine) -> None:
    patient = waves.stream(asked("o", name="patient"))
    next(patient)
    for number in range(8):
        crowd = waves.stream(asked("r", tokens=3, name=str(number)))
        next(crowd)
        if drain_some(patient):
            break
        drain(crowd, iter(()))
    else:
        raise AssertionError("it never had its turn")


def drain_some(stream: Iterator[TokenEvent | None], steps: int = 12) -> bool:
    """Whether it ended within so many steps."""
    for _ in range(steps):
        for event in stream:
            if event is None:
                break
        else:
            return True
    return False


def test_the_time_that_a_model_waits_counts(waves: WavesEngine) -> None:
    events = [event for event in waves.stream(asked()) if event is not None]
    last = max(event.seconds for event in events if event.model != "o")
    first = next(event for event in events if event.model == "o")
    assert first.seconds > last + waves.status("o").seconds


def test_a_stream_that_is_closed_leaves_the_line(waves: WavesEngine) -> None:
    stream, waiting = waves.stream(asked()), waves.stream(asked("o", name="waiting"))
    next(stream)
    next(waiting)
    waiting.close()  # type: ignore[attr-defined]
    stream.close()  # type: ignore[attr-defined]
    assert list(said(waves.stream(asked("rns")))) == ["r", "n", "s"]
    assert held(waves) == {"r", "n", "s"}


def test_one_that_is_closed_while_it_brings_a_model_hands_over(waves: WavesEngine) -> None:
    bringing, other = waves.stream(asked("o")), waves.stream(asked("o", name="other"))
    next(other)
    while waves.status("o").note != "loading …":
        next(bringing)
    bringing.close()  # type: ignore[attr-defined]
    assert list(said(other)) == ["othero"]


def test_what_cannot_be_brought_is_raised_when_the_others_have_answered(tmp_path: Path) -> None:
    family = labelled(tiny_family(tmp_path, keys=KEYS))
    waves = loaded(in_turns(family, 3))
    rmtree(tmp_path / "o")
    stream, ended = waves.stream(asked()), list[str]()
    with pytest.raises(Fault, match="The model 'o' is not ready: it is failed"):
        ended += (event.model for event in stream if event is not None and event.finish)
    assert ended == ["r", "n", "s"]
    assert waves.status("o").state == "failed"


def test_a_prompt_that_is_too_long_is_raised_before_any_token(waves: WavesEngine) -> None:
    long = Request("long", "o", PROMPT * 20, Sampling(6))
    with pytest.raises(Fault, match="Shorten the prompt"):
        next(waves.stream([*asked("r"), long]))
    assert held(waves) == {"r", "n", "s"}


def test_a_model_can_be_loaded_anew(waves: WavesEngine) -> None:
    stream = waves.stream(asked("r"))
    next(stream)
    loading = waves.load("r")
    for _ in range(3):
        next(loading)
    assert list(said(stream)) == ["r"]
    assert list(loading)[-1] is None
    assert waves.status("r").state == "ready"
    assert held(waves) == {"r", "n", "s"}


def test_what_is_refused_takes_nobody_out(family: Family) -> None:
    needs = measure_needs(family, "fp32", "cpu")
    large = replace(needs[3], parameters=7 * 10**9)
    plan = make_plan([*needs[:3], large], [Room("cpu", int(2.1 * needs[0].taken(256)))])
    waves = open_planned(family, "fp32", plan)
    load(waves)
    assert waves.status("s").reason.startswith("SimNPO has 7.0 billion parameters")
    assert [waves.status(key).state for key in "orn"] == ["ready"] * 3
    with pytest.raises(Fault, match="SimNPO has 7"):
        waves.encode("s", "x")


def test_what_was_larger_than_its_config_said_is_given_its_room(family: Family) -> None:
    needs = [replace(need, weights=1) for need in measure_needs(family, "fp32", "cpu")]
    engine = LocalEngine(family, "fp32", "cpu")
    plan = make_plan(needs, [Room("cpu", 2_400_000)])
    assert plan.is_whole
    waves = loaded(WavesEngine(engine, plan, plan.shares[0]))
    assert held(waves) == {"r", "n", "s"}
