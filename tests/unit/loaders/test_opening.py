"""Which engine a family gets, and how the machine is looked at before."""

from dataclasses import replace
from pathlib import Path

import psutil
import pytest
import torch

from loaders import Family, Fault, Request, Sampling, load_family, opening
from loaders.device import require_devices
from loaders.engine.local import LocalEngine
from loaders.opening import open_engine
from loaders.together import room as looking
from loaders.together.residency import Room, plan_of, say_plan
from loaders.together.room import look_at_room
from loaders.together.waves import WavesEngine
from tests.tiny import tiny_family


@pytest.fixture
def family(tmp_path: Path) -> Family:
    return tiny_family(tmp_path, keys=("a", "b"))


def test_the_demo_family_is_held_whole_on_any_machine() -> None:
    engine = open_engine(load_family("demo"), "nf4", "cpu")
    assert isinstance(engine, LocalEngine)
    plan = plan_of(engine)
    assert plan is not None
    assert plan.is_whole
    assert say_plan(plan).startswith("4 models on cpu, ")


def test_a_context_that_was_chosen_is_kept_to(family: Family) -> None:
    engine = open_engine(family, "fp32", "cpu", context=40)
    list(engine.load("a"))
    assert engine.context("a") == 40
    with pytest.raises(Fault, match="'a' can take 30"):
        next(engine.stream([Request("1", "a", "The keeper of the light. " * 9, Sampling(10))]))


def test_models_take_turns_where_the_machine_has_no_room_for_both(
    family: Family, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(opening, "look_at_room", lambda device: Room(device, 1_000_000))
    assert isinstance(open_engine(family, "fp32", "cpu"), WavesEngine)


def test_what_the_machine_cannot_hold_is_refused_unless_it_is_forced(
    family: Family, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(opening, "look_at_room", lambda device: Room(device, 300_000))
    engine = open_engine(family, "fp32", "cpu")
    list(engine.load("a"))
    assert engine.status("a").reason.startswith("Original takes 0.7 MiB with a context of 256")
    forced = open_engine(family, "fp32", "cpu", force=True)
    list(forced.load("a"))
    assert forced.status("a").state == "ready"


def test_auto_means_all_gpus_where_there_are_several(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    assert require_devices("auto") == ("cuda:0", "cuda:1")
    assert require_devices("cuda:1") == ("cuda:1",)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)
    assert require_devices("auto") == ("cuda",)


def test_a_cpu_has_what_the_system_gives() -> None:
    assert 0 < look_at_room("cpu").usable <= psutil.virtual_memory().total


def test_a_container_has_what_its_limit_leaves(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    limits = {"max": "1000", "current": "700", "stat": "anon 5\ninactive_file 50\n"}
    for name, text in limits.items():
        (tmp_path / f"memory.{name}").write_text(text)
    monkeypatch.setattr(looking, "CGROUP", tmp_path)
    assert look_at_room("cpu").free == 350
    (tmp_path / "memory.max").write_text("max\n")
    assert look_at_room("cpu").free > 350


def test_a_family_of_many_checkpoints_is_one_plan(tmp_path: Path) -> None:
    few = tiny_family(tmp_path, keys=("a",))
    many = replace(few, models=tuple(replace(few.models[0], key=f"step-{n}") for n in range(9)))
    plan = plan_of(open_engine(many, "fp32", "cpu"))
    assert plan is not None
    assert len(plan.waves[0]) == 9
