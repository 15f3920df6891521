"""The GPU's benchmark: its CPU twin runs all of it, on models of a few kilobytes."""

import pytest
import torch

from benchmarks.__main__ import main, make_setting, parser
from benchmarks.figure import Figure
from benchmarks.gpu import measure
from benchmarks.setting import QUICK, Setting
from benchmarks.shape import SEVEN_BILLION, TINY, muse_data
from loaders import load_family


@pytest.fixture(scope="module")
def figures() -> dict[str, Figure]:
    setting = Setting(load_family("demo"), ("nf4",), QUICK)
    return {figure.name: figure for figure in measure(setting)}


def test_everything_is_measured(figures: dict[str, Figure]) -> None:
    streams = {"gpu_stream_each", "gpu_stream_vs_eager", "gpu_stream_vs_threads"}
    others = {"gpu_prequantized", "gpu_weights", "gpu_first_token", "gpu_evaluation"}
    assert set(figures) == streams | others
    assert all(figure.value > 0 for figure in figures.values())


def test_the_eager_path_says_the_same(figures: dict[str, Figure]) -> None:
    assert figures["gpu_stream_vs_eager"].misses == ()
    assert "texts identical 4 of 4" in figures["gpu_stream_vs_eager"].note


def test_rows_are_as_many_and_as_long_as_those_of_muse() -> None:
    data = muse_data(SEVEN_BILLION)
    assert len(data.verbmem) == len(data.knowmem_f) == len(data.knowmem_r) == 100
    assert len(data.privleak_forget) == len(data.privleak_holdout) == 100
    assert len(data.verbmem[0].prompt.split()) == 1000
    assert len(data.privleak_forget[0].text.split()) == 2048
    assert muse_data(TINY) == muse_data(TINY)


@pytest.mark.skipif(torch.cuda.is_available(), reason="says what to do where there is no GPU")
def test_without_a_gpu_it_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["gpu"]) == 2
    assert "There is no CUDA GPU here" in capsys.readouterr().err


def test_it_is_run_only_when_it_is_named() -> None:
    assert "gpu" not in parser().parse_args([]).names
    assert make_setting(parser().parse_args(["gpu"])).size.shape is SEVEN_BILLION
