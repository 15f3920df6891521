"""How long a model takes to load: quantized while it is read, and from a prequantized copy.

The weights are random, because what is read and quantized asks only for shapes. Both end with the
first forward pass, in which a CPU repacks 4-bit weights.
"""

import tempfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path

from benchmarks.figure import Figure
from benchmarks.race import race, seconds, times_faster
from benchmarks.setting import DEVICE, Setting, device_words
from benchmarks.shape import build
from loaders.engine.weights import load_weights
from loaders.family import ModelSpec
from loaders.prequantized.making import make
from loaders.prequantized.record import Record
from loaders.prequantized.source import Source
from loaders.sizes import say_size

PRECISION = "nf4"
TARGET = 3.0


def measure(setting: Setting) -> Iterator[Figure]:
    """One figure: how many times faster the copy is loaded, of files that the system has read."""
    with tempfile.TemporaryDirectory() as folder:
        source = build(Path(folder) / "source", setting.size.load_shape, DEVICE).models[0]
        record = make(Source(source), Path(folder) / PRECISION, DEVICE)
        place = str(Path(folder) / PRECISION)
        copy = replace(source, repo=place, tokenizer=place)
        contenders = {"quantized at load": loading(source), "prequantized": loading(copy)}
        race(contenders, 1)
        laps = race(contenders, setting.size.repeats)
    ours, theirs = laps["prequantized"], laps["quantized at load"]
    yield Figure(
        name="prequantized_load",
        unit="ratio",
        runs=times_faster(ours, theirs),
        bound="at least",
        target=TARGET,
        baseline="the same checkpoint in bf16, quantized while it is read",
        device=device_words(PRECISION),
        note=_note(setting, record, min(lap.seconds for lap in ours)),
        details={"seconds": seconds(laps)},
    )


def loading(spec: ModelSpec) -> Callable[[], None]:
    """Load the model ready to answer, and let it go."""
    return partial(_load, spec)


def _load(spec: ModelSpec) -> None:
    load_weights(spec, PRECISION, DEVICE)


def _note(setting: Setting, record: Record, best: float) -> str:
    before = say_size(sum(file.bytes for file in record.source_files))
    name = setting.size.load_shape.name
    return f"{name}, {before} to {say_size(record.bytes)}; the copy in {best:.2f} s"
