"""What is measured, in which precisions and how much of it; never measures."""

import os
import platform
from dataclasses import dataclass

import torch

from benchmarks.shape import MIDDLING, SEVEN_BILLION, TINY, Shape
from loaders import Family
from loaders.device import compute_dtype
from loaders.engine.quantization import FOUR_BIT

DEVICE = "cpu"


@dataclass(frozen=True)
class Crowd:
    """How many visitors press Run at once, and how many times faster than a queue that must be."""

    visitors: int
    target: float


@dataclass(frozen=True)
class Size:
    """How much is run. `rows` are those of the suite, all for None; the rest says itself.

    `passes` is how often the row counts of the scaling benchmark are gone through: each pass takes
    as long as 8 suites of the whole data of one model.
    """

    repeats: int = 5
    rows: int | None = 24
    stream_tokens: int = 96
    crowds: tuple[Crowd, ...] = (Crowd(8, 4.0), Crowd(30, 7.0))
    visitor_tokens: int = 48
    row_counts: tuple[int, ...] = (25, 50, 100, 200, 400)
    passes: int = 1
    model_counts: tuple[int, ...] = (1, 2, 4, 6)
    rows_per_model: int = 8
    shape: Shape = SEVEN_BILLION
    gpu_tokens: int = 128
    load_shape: Shape = MIDDLING


QUICK = Size(
    repeats=1,
    rows=2,
    stream_tokens=6,
    crowds=(Crowd(2, 1.0),),
    visitor_tokens=4,
    row_counts=(1, 2),
    model_counts=(1, 2),
    rows_per_model=1,
    shape=TINY,
    gpu_tokens=6,
    load_shape=TINY,
)


@dataclass(frozen=True)
class Setting:
    """What a benchmark is given."""

    family: Family
    precisions: tuple[str, ...]
    size: Size


def device_words(precision: str, threads: int | None = None) -> str:
    """The device, the precision and the threads that there are for every contender alike; None for
    those that torch computes with now.

    What 4-bit weights are multiplied in depends on the CPU, and texts and seconds on that.
    """
    dtype = str(compute_dtype(DEVICE)).removeprefix("torch.")
    inside = f" computed in {dtype}" if precision in FOUR_BIT else ""
    threads = threads or torch.get_num_threads()
    return (
        f"{platform.machine()} CPU, {precision}{inside}, {threads} thread{'s' * (threads > 1)} "
        f"of {os.cpu_count()} cores"
    )
