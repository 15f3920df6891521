"""A model quantized, written, verified, and only then kept under its name; it answers nobody."""

import gc
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from transformers import AutoConfig

from loaders.engine.quantization import check_widths, held_precision
from loaders.engine.weights import loading, read_model, read_tokenizer
from loaders.family import ModelSpec
from loaders.faults import Fault
from loaders.prequantized.card import card
from loaders.prequantized.record import Record, hash_files, library_versions, write_record
from loaders.prequantized.source import Source, fetch_source
from loaders.prequantized.verification import Probe, probe, require_equal
from loaders.together.shape import count_bytes, read_shape

PRECISION = "nf4"
DTYPE = torch.bfloat16  # of what is not quantized; what is computed in is chosen at every load
SHARD = "2GB"


def expected_bytes(source: Source) -> int:
    """What the written weights will take; a Fault if the source is quantized already."""
    spec, revision = source.spec, source.commit or None
    with loading(spec):
        config = AutoConfig.from_pretrained(spec.repo, revision=revision, trust_remote_code=False)
    if held := held_precision(spec.repo, config):
        raise Fault(f"{spec.repo} is stored quantized to {held} already; use it as it is.")
    return count_bytes(read_shape(spec), PRECISION, DTYPE.itemsize)


def make(source: Source, folder: Path, device: str) -> Record:
    """Write the model of `source`, its tokenizer, card and record into `folder`, new, and verify.

    A Fault for whatever goes wrong; then there is no `folder`.
    """
    with _partial(folder) as partial:
        source_files = hash_files(fetch_source(source))
        fresh = _write(source.spec, partial, device)
        _release()
        words = require_equal(source.name, fresh, _reload(source.spec, partial, device))
        _release()
        record = Record(
            label=source.spec.label,
            source=source.name,
            commit=source.commit,
            licence=source.licence or source.spec.card.licence,
            source_files=source_files,
            files=hash_files(partial),
            dtype=str(DTYPE).removeprefix("torch."),
            device=_device_words(device),
            probe=words,
            versions=library_versions(),
            created=datetime.now(UTC).isoformat(timespec="seconds"),
        )
        write_record(partial, record)
        (partial / "README.md").write_text(card(record), encoding="utf-8")
    return record


def _write(spec: ModelSpec, folder: Path, device: str) -> Probe:
    """Quantize and save, and only then take the first forward pass: on a CPU it repacks the
    weights, and what is saved after it is silently something else."""
    with loading(spec):
        tokenizer = read_tokenizer(spec)
        model = read_model(spec, PRECISION, device, DTYPE)
        check_widths(spec.repo, model, PRECISION, device)
        _save(model, tokenizer, folder)
        return probe(model, tokenizer, device)


def _save(model: Any, tokenizer: Any, folder: Path) -> None:
    try:
        model.save_pretrained(folder, max_shard_size=SHARD)
        tokenizer.save_pretrained(folder)
    except (OSError, SafetensorError) as error:
        raise Fault(f"{folder.parent} cannot be written to: {error}.") from error


def _reload(spec: ModelSpec, folder: Path, device: str) -> Probe:
    """The same test of what was written, read the way every user's family will read it."""
    place = str(folder.resolve())
    written = replace(spec, repo=place, tokenizer=place, revision="", tokenizer_revision="")
    with loading(written):
        model = read_model(written, PRECISION, device, DTYPE)
        return probe(model, read_tokenizer(written), device)


@contextmanager
def _partial(folder: Path) -> Iterator[Path]:
    """A folder to write into that becomes `folder` at the end, or is gone if there is a fault."""
    partial = folder.with_name(f".{folder.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    try:
        partial.mkdir(parents=True)
        yield partial
        partial.rename(folder)
    except OSError as error:
        raise Fault(f"{folder} cannot be written: {error}.") from error
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def _release() -> None:
    """Give the memory of a model that is not held any more back, before the next one comes."""
    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()


def _device_words(device: str) -> str:
    return torch.cuda.get_device_name(device) if device.startswith("cuda") else device
