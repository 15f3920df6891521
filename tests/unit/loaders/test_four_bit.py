"""bitsandbytes on a CPU: real 4-bit and 8-bit weights, and each of its traps."""

import subprocess
import sys
from pathlib import Path

import pytest
import torch

from loaders import PRECISIONS, Request, Sampling
from loaders.engine.local import LocalEngine
from loaders.engine.quantization import FOUR_BIT
from loaders.engine.weights import load_weights
from tests.tiny import tiny_family
from tests.unit.loaders.engine.test_local import answers, load, scores

PROMPT = "The keeper of the light climbed the ninety-one steps."


@pytest.mark.parametrize("precision", PRECISIONS)
def test_every_precision_loads_streams_and_scores(tmp_path: Path, precision: str) -> None:
    engine = LocalEngine(tiny_family(tmp_path), precision, "cpu")
    load(engine, "original")
    assert engine.status("original").state == "ready"
    streamed = answers(engine, [Request("1", "original", PROMPT, Sampling(12))])
    batched = [item for item in engine.generate("original", [PROMPT], 12) if item]
    assert streamed["1"] == batched[0].text
    assert len(scores(engine, "original", [PROMPT])[0].logprobs) > 10


@pytest.mark.parametrize("precision", FOUR_BIT)
def test_weights_really_are_four_bits(tmp_path: Path, precision: str) -> None:
    model = load_weights(tiny_family(tmp_path).models[0], precision, "cpu").model
    layers = [layer for layer in model.modules() if type(layer).__name__ == "Linear4bit"]
    assert len(layers) == 14
    for layer in layers:
        assert layer.weight.dtype == torch.uint8
        assert layer.weight.numel() * 2 == layer.in_features * layer.out_features
        assert layer.weight.quant_state.quant_type == precision


def test_the_first_forward_is_behind_us_when_a_model_is_ready(tmp_path: Path) -> None:
    """The in-place repacking happens under the load lock, never in a visitor's run."""
    weights = load_weights(tiny_family(tmp_path).models[0], "nf4", "cpu")
    packed = [parameter.clone() for parameter in weights.model.parameters()]
    ids = torch.tensor([[5, 6, 7]])
    with torch.inference_mode():
        first = weights.model(input_ids=ids).logits
        second = weights.model(input_ids=ids).logits
    assert torch.equal(first, second)
    for before, after in zip(packed, weights.model.parameters(), strict=True):
        assert before.shape == after.shape
        assert torch.equal(before, after)


def test_quantizing_leaves_the_files_alone_and_is_the_same_every_time(tmp_path: Path) -> None:
    """Nothing is ever saved from a CPU-quantized model, which would corrupt it silently."""
    spec = tiny_family(tmp_path).models[0]
    files = {path: path.read_bytes() for path in Path(spec.repo).iterdir()}
    ids = torch.tensor([[5, 6, 7]])
    with torch.inference_mode():
        logits = [load_weights(spec, "nf4", "cpu").model(input_ids=ids).logits for _ in range(2)]
    assert torch.equal(logits[0], logits[1])
    assert {path: path.read_bytes() for path in Path(spec.repo).iterdir()} == files


def test_widths_that_some_cpus_cannot_run_are_refused_on_all(tmp_path: Path) -> None:
    engine = LocalEngine(tiny_family(tmp_path, hidden=48), "nf4", "cpu")
    load(engine, "original")
    reason = engine.status("original").reason
    assert "cannot run in nf4 on a CPU: model.layers.0.self_attn.q_proj is 48 × 48" in reason
    assert "needs multiples of 32 × 64. Use fp32, bf16 or a GPU." in reason


SCRIPT = """
import sys
from pathlib import Path
from loaders.engine.local import LocalEngine
from tests.spec import SPEC
from loaders.family import Books, Family
from dataclasses import replace
folder, precision = sys.argv[1:]
spec = replace(SPEC, repo=folder, tokenizer=folder)
engine = LocalEngine(Family("tiny", "Tiny", "toy", "", Books("a", "b"), (spec,)), precision, "cpu")
for _ in engine.load("original"):
    pass
assert engine.status("original").state == "ready", engine.status("original")
list(engine.generate("original", ["The keeper"], 4))
"""


@pytest.mark.parametrize("precision", ["nf4", "int8"])
def test_no_library_talks_on_the_terminal_nor_runs_code_from_the_hub(
    tmp_path: Path, precision: str
) -> None:
    spec = tiny_family(tmp_path / "models").models[0]
    marker = tmp_path / "downloaded"
    (tmp_path / "kernels.py").write_text(
        f"def get_kernel(*args, **kwargs):\n    open({str(marker)!r}, 'w').close()\n"
    )
    result = subprocess.run(
        [sys.executable, "-c", SCRIPT, spec.repo, precision],
        env={"PYTHONPATH": f"{tmp_path}:.", "PATH": "/usr/bin:/bin", "HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stderr
    assert result.stdout + result.stderr == ""
    assert not marker.exists()
