"""What a metric is: a record of a few functions; never one formula in particular."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from metrics.inputs.data import Data
from metrics.passes import Pass, Task
from metrics.results import AnySample, Measurement

Best = Literal["low", "high", "zero"]
Group = Literal["headline", "memorization", "membership", "utility"]


@dataclass(frozen=True)
class Reference:
    """What a metric is set against, and what it is called in a result: the retrained model's
    samples of the same metric, or no samples and a declared AUC."""

    name: str
    samples: tuple[AnySample, ...] = ()
    auc: float | None = None


# A metric takes the rows of its own pass alone, which no type says; hence Any.
MakeSample = Callable[[Any, Task], AnySample]
Measure = Callable[[Sequence[AnySample], Reference | None, int, int], Measurement]


@dataclass(frozen=True)
class Metric:
    """One formula over the rows of one pass.

    `sample(row, task)` scores one row. `measure(samples, reference, seed, resamples)` is pure; it
    takes one sample or more, in data order. Both raise Fault where what they say is not defined.
    `noun` is what a sample is called. `decimals` are those that its value is shown with.
    """

    key: str
    label: str
    explains: str
    best: Best
    group: Group
    source: Pass
    noun: str
    sample: MakeSample
    measure: Measure
    decimals: int = 1
    needs_reference: bool = False

    def ids(self, data: Data) -> tuple[str, ...]:
        """The samples of a full run over `data`, in data order."""
        return self.source.ids(data)

    def total(self, data: Data) -> int:
        """How many samples a full run over `data` has."""
        return len(self.ids(data))
