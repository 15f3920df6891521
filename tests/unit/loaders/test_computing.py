"""The compute dtype by name is the one that models are loaded with."""

from pathlib import Path

import pytest
import torch

from loaders import computing
from loaders.choices import QUANTIZED
from loaders.computing import compute_name
from loaders.device import compute_dtype

DTYPES = {"bf16": torch.bfloat16, "fp16": torch.float16, "fp32": torch.float32}


@pytest.mark.parametrize("precision", QUANTIZED)
def test_this_cpu_computes_in_what_is_said(precision: str) -> None:
    assert DTYPES[compute_name(precision, "cpu")] == compute_dtype("cpu")


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_what_is_not_quantized_is_computed_in_what_it_is_held_in(precision: str) -> None:
    assert compute_name(precision, "cpu") == ""


def test_of_a_device_elsewhere_nothing_is_known() -> None:
    assert compute_name("nf4", "a server") == ""


@pytest.mark.parametrize(
    ("line", "name"),
    [
        ("flags\t\t: fpu avx512f avx512_bf16 avx512_vnni\n", "bf16"),
        ("flags\t\t: fpu avx512f avx512_vnni\n", "fp32"),
        ("Features\t: fp asimd bf16\n", "fp32"),
    ],
)
def test_the_flags_of_a_cpu_decide(
    line: str, name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "cpuinfo").write_text(f"processor\t: 0\n{line}", encoding="ascii")
    monkeypatch.setattr(computing, "CPU", tmp_path / "cpuinfo")
    monkeypatch.setattr(computing.sys, "platform", "linux")
    assert compute_name("nf4", "cpu") == name


@pytest.mark.parametrize(
    ("capability", "name"), [((9, 0), "bf16"), ((8, 0), "bf16"), ((7, 5), "fp16")]
)
def test_gpus_are_asked_through_torch(
    capability: tuple[int, int], name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda device: capability)
    assert compute_name("nf4", "cuda:1") == name
    assert compute_name("fp4", "mps") == "fp16"


def test_other_systems_are_asked_through_torch(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(computing.sys, "platform", "win32")
    monkeypatch.setattr(torch.cpu, "_is_avx512_bf16_supported", lambda: True)
    assert compute_name("int8", "cpu") == "bf16"
