"""Unlearning over processes: what two of them find is what one finds."""

import re
from pathlib import Path

import pytest

from tests.commands import run_process
from tests.tiny import save_tiny

FAMILY = """
name = "tiny"
title = "Tiny"
scale = "toy"
data = "./data"
[books]
forget = "a"
retain = "b"
[[models]]
key = "original"
label = "Original"
letter = "O"
role = "original"
note = "untrained"
repo = "./original"
colour = "#000000"
colour_dark = "#ffffff"
marker = "circle"
"""


@pytest.fixture
def family(tmp_path: Path) -> Path:
    save_tiny(tmp_path / "original")
    (tmp_path / "data" / "raw").mkdir(parents=True)
    for name in ("forget", "retain1"):
        text = " ".join(f"{name} {number} of the light" for number in range(400))
        (tmp_path / "data" / "raw" / f"{name}.txt").write_text(text, encoding="utf-8")
    (tmp_path / "family.toml").write_text(FAMILY, encoding="utf-8")
    return tmp_path / "family.toml"


def losses(family: Path, out: str, *launcher: str) -> list[float]:
    """Every number that a run prints of its steps."""
    asked = ["--family", str(family), "--steps", "3", "--precision", "no", "--method", "npo"]
    done = run_process(*launcher, "-m", "unlearning", "unlearn", *asked, "--out", out)
    assert done.returncode == 0, done.stderr[-2000:]
    return [float(n) for n in re.findall(r"(?:loss|forget|retain) (-?[\d.]+)", done.stdout)]


def test_two_processes_have_the_losses_of_one(family: Path, tmp_path: Path) -> None:
    launcher = ("-m", "accelerate.commands.launch", "--cpu", "--num_processes", "2")
    alone = losses(family, str(tmp_path / "alone"))
    shared = losses(family, str(tmp_path / "shared"), *launcher)
    assert len(alone) == 9
    assert shared == pytest.approx(alone, abs=2e-4)
    assert (tmp_path / "shared" / "checkpoint-3" / "model.safetensors").is_file()
