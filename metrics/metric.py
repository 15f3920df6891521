"""What a metric is: a record of a few functions; never one formula in particular."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from loaders.family import Family
from loaders.protocol import Engine
from metrics.data import Data
from metrics.results import AnySample, Measurement

Best = Literal["low", "high", "zero"]


@dataclass(frozen=True)
class Reference:
    """The retrained model's samples of the same metric, and what it is called in a result."""

    name: str
    samples: tuple[AnySample, ...]


Ids = Callable[[Data], tuple[str, ...]]
Run = Callable[[Engine, str, Family, Data], Iterator[AnySample | None]]
Measure = Callable[[Sequence[AnySample], Reference | None, int, int], Measurement]
Derive = Callable[[Iterable[AnySample]], Iterator[AnySample]]


@dataclass(frozen=True)
class Metric:
    """One way of asking a model, and the formula that turns its answers into a number.

    `ids(data)` names the samples in data order. `run(engine, model, family, data)` yields one
    sample per id, in any order, and None at the end of every step of the engine.
    `measure(samples, reference, seed, resamples)` is pure; it takes one sample or more, in data
    order, and raises Fault where the number is not defined. `cost` weighs a row in the progress:
    about the tokens that a model makes for it. A metric that is derived from the samples of
    another needs no engine where those exist: `derive(samples)`.
    """

    key: str
    label: str
    explains: str
    best: Best
    ids: Ids
    run: Run
    measure: Measure
    cost: float
    needs_reference: bool = False
    derived_from: str | None = None
    derive: Derive | None = None

    def total(self, data: Data) -> int:
        """How many samples a full run over `data` has."""
        return len(self.ids(data))
