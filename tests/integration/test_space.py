"""An assembled Space is started as a Space is, in the environment of these tests, and asked."""

import sys
from pathlib import Path

import pytest

from deploy.assemble import assemble
from deploy.kinds import find_kind
from deploy.trial import Trial, run_trial, use
from loaders import Fault


def test_the_folder_alone_starts_answers_and_ends(tmp_path: Path) -> None:
    folder = tmp_path / "space"
    assemble(find_kind("cpu"), "", folder)
    before = set(folder.rglob("*"))
    checks = {check.name: check for check in use(folder, Path(sys.executable), tmp_path)}
    assert [check.name for check in checks.values() if not check.passed] == []
    assert list(checks) == ["page", "cold start", "health", "prompt", "shut down"]
    said = checks["health"].said
    assert said.startswith("original ready, retrained ready, npo ready, simnpo ready in nf4")
    version = (folder / "VERSION").read_text(encoding="utf-8").strip()
    assert said.endswith(version)
    assert checks["prompt"].said == "original, retrained, npo, simnpo answered"
    assert set(folder.rglob("*")) == before


def test_a_folder_without_a_space_is_said(tmp_path: Path) -> None:
    with pytest.raises(Fault, match="holds no Space; run `make space` first"):
        list(run_trial(Trial(tmp_path, tmp_path / "environment", "", keeps=False)))
