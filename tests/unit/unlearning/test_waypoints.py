"""A shipped run saved on its way: folders that read as a trajectory, and its steps in the cards."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from loaders import Fault, load_family
from loaders.trajectory import with_checkpoints
from unlearning.__main__ import DEFAULT_OUT, main
from unlearning.recipe import shorten
from unlearning.waypoints import find_job, list_waypoints, save_waypoints


@pytest.fixture
def threads() -> Iterator[None]:
    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)


def test_a_run_is_saved_every_so_often_and_at_its_end() -> None:
    job = find_job("simnpo")
    assert list_waypoints(job, 25) == (25, 50, 60)
    assert list_waypoints(job, 20) == (20, 40, 60)
    assert list_waypoints(job, 100) == (60,)


@pytest.mark.usefixtures("threads")
def test_what_is_saved_is_a_trajectory_of_the_demo_family(tmp_path: Path) -> None:
    (job,) = shorten((find_job("npo"),), 3)
    folders = list(save_waypoints(job, 2, DEFAULT_OUT, tmp_path))
    assert [folder.name for folder in folders] == ["step-2", "step-3"]
    cards = [json.loads((folder / "card.json").read_text("utf-8")) for folder in folders]
    assert [(card["title"], card["steps"]) for card in cards] == [
        ("NPO, step 2", 2),
        ("NPO, step 3", 3),
    ]
    weights = {(folder / "model.safetensors").read_bytes() for folder in folders}
    assert len(weights) == 2
    family = with_checkpoints(load_family("demo"), tmp_path)
    assert [spec.step for spec in family.models] == [None, None, 2, 3]
    assert family.models[3].tokenizer == str(tmp_path / "step-3")


def test_a_folder_with_checkpoints_is_not_written_into(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "step-5").mkdir()
    assert main(["checkpoints", "--out", str(tmp_path)]) == 2
    assert "step-5 is there already; give --out a folder without" in capsys.readouterr().err


def test_a_model_that_no_run_made_is_named() -> None:
    with pytest.raises(Fault, match="No run made a model 'original'; choose npo, simnpo"):
        find_job("original")


def test_every_takes_a_count(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["checkpoints", "--out", "x", "--every", "0"])
    assert "--every: choose 1 or more" in capsys.readouterr().err
