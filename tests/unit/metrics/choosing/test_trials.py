"""Trials as CSV: what is written is read back, what is bad is named."""

from pathlib import Path

import pytest

from loaders import Fault
from metrics.choosing.trials import Trial, read_trials, write_trials

TRIAL = Trial("npo", 1e-3, 0.01, 0.1, 40, 2, 14.5, 3.0, -20.25, 0.4, 61.5, 0.87, "forgot", "npo")
BASE = Trial("retrained", None, None, None, 0, 0, 14.0, 0.0, 0.0, 0.5, 97.0, 0.9)


def test_what_is_written_is_read_back(tmp_path: Path) -> None:
    write_trials([TRIAL, BASE], tmp_path / "sweep.csv")
    assert read_trials(tmp_path / "sweep.csv") == (TRIAL, BASE)


def test_seeds_share_their_setting_and_lengths_do_not() -> None:
    assert TRIAL.setting == ("npo", 1e-3, 0.01, 0.1, 40)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(Fault, match=r"trials in .*sweep.csv could not be read"):
        read_trials(tmp_path / "sweep.csv")


def test_a_bad_number_is_named_with_its_line_and_column(tmp_path: Path) -> None:
    path = tmp_path / "sweep.csv"
    write_trials([BASE, TRIAL], path)
    path.write_text(path.read_text(encoding="utf-8").replace("61.5", "lots"), encoding="utf-8")
    with pytest.raises(Fault, match=r"sweep.csv, line 3: 'knowmem_r'"):
        read_trials(path)
