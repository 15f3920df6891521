"""What a loaded model is said to be made of, against sums by hand."""

from pathlib import Path

import pytest

from loaders.engine.footprint import footprint, weigh
from loaders.engine.local import LocalEngine
from loaders.engine.weights import Weights, load_weights
from tests.tiny import tiny_family
from tests.unit.loaders.engine.test_local import load

HIDDEN, LAYERS = 64, 2
LINEAR = LAYERS * (4 * HIDDEN * HIDDEN + 3 * HIDDEN * 2 * HIDDEN)
NORMS = (2 * LAYERS + 1) * HIDDEN


def loaded(folder: Path, precision: str) -> Weights:
    return load_weights(tiny_family(folder, hidden=HIDDEN).models[0], precision, "cpu")


def outside(weights: Weights) -> int:
    """Numbers that are never quantized: embeddings, the head and the norms."""
    return 2 * weights.model.config.vocab_size * HIDDEN + NORMS


def tables(weights: Weights) -> int:
    """Bytes of what is no weight: the angles of the positions."""
    return sum(buffer.untyped_storage().nbytes() for buffer in weights.model.buffers())


@pytest.mark.parametrize("precision", ["fp32", "nf4", "int8"])
def test_parameters_are_those_before_quantization(tmp_path: Path, precision: str) -> None:
    weights = loaded(tmp_path, precision)
    found = footprint(weights)
    assert found.parameters == LINEAR + outside(weights)
    assert (found.layers, found.context, found.commit) == (LAYERS, 256, "")


@pytest.mark.parametrize(("precision", "each"), [("fp32", 4), ("bf16", 2)])
def test_plain_weights_take_their_width_though_the_decoder_merged_them(
    tmp_path: Path, precision: str, each: int
) -> None:
    weights = loaded(tmp_path, precision)
    assert weigh(weights.model) == each * (LINEAR + outside(weights)) + tables(weights)
    dtype = {"fp32": "float32", "bf16": "bfloat16"}[precision]
    assert footprint(weights).compute_dtype == dtype


@pytest.mark.parametrize(("precision", "each"), [("nf4", 0.5), ("int8", 1)])
def test_quantized_weights_count_with_the_scales_beside_them(
    tmp_path: Path, precision: str, each: float
) -> None:
    weights = loaded(tmp_path, precision)
    rest = weights.model.dtype.itemsize * outside(weights) + tables(weights)
    bare = rest + each * LINEAR
    assert bare < weigh(weights.model) < bare + LINEAR / 8


def test_an_engine_tells_it_with_the_status(tmp_path: Path) -> None:
    engine = LocalEngine(tiny_family(tmp_path), "fp32", "cpu")
    assert (engine.status("original").bytes, engine.status("original").footprint) == (0, None)
    load(engine, "original")
    status = engine.status("original")
    assert status.footprint is not None
    assert status.bytes >= 4 * status.footprint.parameters
