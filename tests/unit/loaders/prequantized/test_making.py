"""A checkpoint is written before its model ever runs, and kept if it is the same to the bit."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from loaders import Fault
from loaders.engine.weights import loading, read_model, read_tokenizer
from loaders.prequantized.making import DTYPE, expected_bytes, make
from loaders.prequantized.record import LIBRARIES, hash_files, read_record
from loaders.prequantized.source import Source
from loaders.prequantized.verification import Probe, probe, require_equal
from tests.tiny import tiny_family


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Source:
    return Source(tiny_family(tmp_path_factory.mktemp("source")).models[0])


@pytest.fixture(scope="module")
def made(source: Source, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("made") / "original"
    make(source, folder, "cpu")
    return folder


def test_what_is_written_is_the_quantization_before_any_forward(source: Source, made: Path) -> None:
    """On CPUs that repack weights, a model that ran first is saved with other scales."""
    fresh = read_model(source.spec, "nf4", "cpu", DTYPE).state_dict()
    written = load_file(made / "model.safetensors")
    assert set(written) <= set(fresh)
    assert len([name for name in written if name.endswith(".nested_absmax")]) == 14
    for name, tensor in written.items():
        assert torch.equal(tensor, fresh[name]), name


def test_folder_holds_weights_tokenizer_card_and_record(source: Source, made: Path) -> None:
    names = {path.name for path in made.iterdir()}
    assert {"config.json", "model.safetensors", "tokenizer.json", "README.md"} <= names
    record = read_record(made)
    assert record.files == hash_files(made)
    assert record.source_files == hash_files(Path(source.spec.repo))
    assert record.dtype == "bfloat16"
    assert set(record.versions) == {"python", *LIBRARIES}


def test_the_size_is_known_before(source: Source, made: Path) -> None:
    """What safetensors writes beside the numbers is a few kilobytes of names."""
    taken = sum(t.nbytes for t in load_file(made / "model.safetensors").values())
    assert 0.8 < expected_bytes(source) / taken <= 1.05


def test_a_quantized_source_is_not_quantized_again(source: Source, made: Path) -> None:
    again = replace(source, spec=replace(source.spec, repo=str(made)))
    with pytest.raises(Fault, match="is stored quantized to nf4 already; use it as it is"):
        expected_bytes(again)


def test_nothing_is_left_of_a_model_that_could_not_be_made(tmp_path: Path) -> None:
    spec = tiny_family(tmp_path / "source", hidden=48).models[0]
    with pytest.raises(Fault, match="needs multiples of 32 × 64"):
        make(Source(spec), tmp_path / "out" / "original", "cpu")
    assert list((tmp_path / "out").iterdir()) == []


def probed(source: Source) -> Probe:
    with loading(source.spec):
        model = read_model(source.spec, "nf4", "cpu", DTYPE)
        return probe(model, read_tokenizer(source.spec), "cpu")


def test_a_bit_that_differs_is_a_fault(source: Source) -> None:
    fresh = probed(source)
    same = Probe(fresh.logits.clone(), fresh.ids, fresh.text)
    assert require_equal("x", fresh, same) == (
        f"logits of 2 × 64 tokens over {fresh.logits.shape[-1]} words of the vocabulary"
    )
    same.logits.view(torch.int16)[1, 63, 5] += 1
    with pytest.raises(Fault, match=r"^x answers otherwise after it was written: its logits are"):
        require_equal("x", fresh, same)
    with pytest.raises(Fault, match="tokenizer written for x reads otherwise"):
        require_equal("x", fresh, Probe(fresh.logits, (1, 2), fresh.text))
