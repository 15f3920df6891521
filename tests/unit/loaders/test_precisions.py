"""Which precisions run on which hardware, and what is said of those that do not."""

from pathlib import Path

import pytest
import torch

from loaders import PRECISIONS, Fault, device
from loaders.choices import QUANTIZED, Hardware, why_unavailable
from loaders.opening import open_engine
from tests.tiny import tiny_family

BARE = Hardware("cpu", has_bitsandbytes=False)


def running_on(hardware: Hardware) -> set[str]:
    return {name for name in PRECISIONS if why_unavailable(name, hardware) is None}


@pytest.mark.parametrize(
    ("hardware", "runs"),
    [
        (Hardware("cpu"), set(PRECISIONS)),
        (Hardware("cpu", has_avx2=False), {"fp32", "bf16"}),
        (Hardware("cuda", capability=9.0), set(PRECISIONS)),
        (Hardware("cuda", capability=5.2), {"fp32", "bf16"}),
        (Hardware("mps", macos=15), set(PRECISIONS)),
        (Hardware("mps", macos=13), {"fp32"}),
        (BARE, {"fp32", "bf16"}),
    ],
)
def test_what_runs_depends_on_the_hardware(hardware: Hardware, runs: set[str]) -> None:
    assert running_on(hardware) == runs


def test_the_reason_has_the_value_and_what_is_needed() -> None:
    said = why_unavailable("nf4", Hardware("cuda", capability=5.2))
    assert said == (
        "bitsandbytes needs a GPU of compute capability 6.0 or newer, and this one has 5.2"
    )
    assert why_unavailable("int8", BARE) == "it needs bitsandbytes, which is not installed"


def test_this_cpu_is_asked_and_every_precision_has_its_line() -> None:
    found = device.available_precisions("cpu")
    assert tuple(found) == PRECISIONS
    assert found["fp32"] is None
    assert found["bf16"] is None


def test_choosing_one_that_does_not_run_gives_the_same_reason(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(device, "look_at", lambda name: BARE)
    family = tiny_family(tmp_path)
    for name in QUANTIZED:
        reason = device.available_precisions("cpu")[name]
        with pytest.raises(Fault, match=f"{name} does not run on this cpu: {reason}. Choose from"):
            open_engine(family, name, "cpu")
    assert open_engine(family, "bf16", "cpu").precision == "bf16"


@pytest.mark.parametrize(
    ("hardware", "dtype"),
    [
        (Hardware("cuda", capability=7.0), torch.float16),
        (Hardware("cuda", capability=7.5), torch.float16),
        (Hardware("cuda", capability=8.0), torch.bfloat16),
        (Hardware("cuda", capability=8.9), torch.bfloat16),
        (Hardware("cuda", capability=12.0), torch.bfloat16),
        (Hardware("mps", macos=15), torch.float16),
        (Hardware("cpu", has_bf16=True), torch.bfloat16),
        (Hardware("cpu"), torch.float32),
    ],
)
def test_turing_computes_in_fp16_and_ampere_in_bf16(hardware: Hardware, dtype: torch.dtype) -> None:
    assert device.dtype_on(hardware) == dtype


def test_what_is_computed_in_here_is_what_this_cpu_is() -> None:
    assert device.compute_dtype("cpu") == device.dtype_on(device.look_at("cpu"))
