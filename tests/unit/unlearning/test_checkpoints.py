"""Only a row whose weights are all there is trained further."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from loaders import Fault
from loaders.prequantized.making import make
from loaders.prequantized.source import Source
from tests.tiny import tiny_family
from unlearning.checkpoints import load_row


def test_an_adapter_and_quantized_weights_are_refused(tmp_path: Path) -> None:
    spec = tiny_family(tmp_path).models[0]
    assert load_row(spec).dtype == torch.float32
    with pytest.raises(Fault, match=r"Original is an adapter on .* merge it into a checkpoint of"):
        load_row(replace(spec, adapter="them/lora", adapter_revision="abc"))
    make(Source(spec), tmp_path / "copy", "cpu")
    with pytest.raises(Fault, match="copy is stored quantized to nf4 and cannot be had in fp32"):
        load_row(replace(spec, repo=str(tmp_path / "copy")))
