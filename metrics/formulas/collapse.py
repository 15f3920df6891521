"""Whether a model's low VerbMem is forgetting, or only that it no longer writes; never a metric.

Three signs, each set against the retrained model's outputs for the same passages:

- dead: half of the outputs or more are empty or loop, and twice as many as the retrained model's;
- repetitive: its fluency is under half of the retrained model's;
- salad: its phrasing is under half of the retrained model's.

A small model's greedy text loops and wanders even where it is healthy, hence the comparison.
Without a retrained model the true continuations stand in for its outputs where the first two are
concerned, and the third is not asked. Half, because the nearest healthy and unhealthy sets of
outputs on the demo data lie well to either side of it (see fluency.py and phrasing.py).
"""

from collections.abc import Sequence
from dataclasses import dataclass

from metrics.formulas.fluency import FLUENCY, SHARE_OF_RETRAINED, collapsed, collapsed_set, fluency
from metrics.formulas.phrasing import PHRASING
from metrics.formulas.verbmem import VERBMEM
from metrics.reading.statistics import mean
from metrics.results import AnySample, Record, Sample

HALF = 0.5


@dataclass(frozen=True)
class Writing:
    """One model's samples of fluency and, where it was measured, of phrasing."""

    fluency: Sequence[AnySample]
    phrasing: Sequence[AnySample] = ()


def flag(ours: Writing, verbmem: float, retrained: Writing | None = None) -> str:
    """A sentence for a model that has collapsed, "" for one that writes or has no samples.

    `verbmem` is its VerbMem in points. The retrained model itself is flagged without a reference.
    """
    if not ours.fluency:
        return ""
    sign = _dead(ours, retrained) or _repetitive(ours, retrained) or _salad(ours, retrained)
    return (
        f"VerbMem is {verbmem:.1f}, but {sign}: this is collapse, not forgetting." if sign else ""
    )


def flag_record(record: Record, retrained: Record | None) -> str:
    """The sentence for a record, against that of the retrained model at its precision; "" where
    VerbMem or fluency was not measured."""
    measured = record.metrics.get(VERBMEM.key)
    if measured is None:
        return ""
    other = None if retrained is None or retrained.model == record.model else _writing(retrained)
    return flag(_writing(record), measured.value, other if other and other.fluency else None)


def _writing(record: Record) -> Writing:
    found = [record.metrics.get(metric.key) for metric in (FLUENCY, PHRASING)]
    return Writing(*(measured.samples if measured else () for measured in found))


def count_dead(samples: Sequence[AnySample]) -> int:
    """How many outputs are empty or loop."""
    return sum(collapsed(sample.output) for sample in samples if isinstance(sample, Sample))


def _dead(ours: Writing, retrained: Writing | None) -> str:
    dead, total = count_dead(ours.fluency), len(ours.fluency)
    theirs = count_dead(retrained.fluency) / len(retrained.fluency) if retrained else 0.0
    if dead / total < max(HALF, 2 * theirs):
        return ""
    return f"{dead} of {total} outputs are empty or loop"


def _repetitive(ours: Writing, retrained: Writing | None) -> str:
    if not collapsed_set(ours.fluency, retrained.fluency if retrained else None):
        return ""
    expected = (
        f"Retrained's {_mean(retrained.fluency):.2f}"
        if retrained
        else f"the true text's {_fluency_of_truth(ours.fluency):.2f}"
    )
    return f"its outputs repeat themselves, fluency {_mean(ours.fluency):.2f} beside {expected}"


def _fluency_of_truth(samples: Sequence[AnySample]) -> float:
    return mean([fluency(sample.reference) for sample in samples if isinstance(sample, Sample)])


def _salad(ours: Writing, retrained: Writing | None) -> str:
    if retrained is None or not ours.phrasing or not retrained.phrasing:
        return ""
    value, expected = _mean(ours.phrasing), _mean(retrained.phrasing)
    if value >= SHARE_OF_RETRAINED * expected:
        return ""
    return f"its words come in no order, phrasing {value:.2f} beside Retrained's {expected:.2f}"


def _mean(samples: Sequence[AnySample]) -> float:
    return mean([sample.score for sample in samples])
