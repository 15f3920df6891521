"""Two stored records set side by side, in numbers and sample by sample; never runs a model.

The tests are those of comparison.py, Holm's correction over the metrics of this one pair.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from loaders.faults import Fault
from metrics.metric import Metric
from metrics.reading.comparison import Comparison, Comparisons, Missing, Role, compare
from metrics.reading.statistics import PERMUTATIONS, RESAMPLES, holm
from metrics.registry import METRICS
from metrics.results import AnySample, Results
from metrics.store.records import Stored

ROLE: Role = "original"  # what `compare` calls the one that the other is set against
RULER = "the retrained model"


@dataclass(frozen=True)
class Pair:
    """Two records, and the retrained model's that PrivLeak is set against, where there is one."""

    one: Stored
    other: Stored
    retrained: Stored | None = None


@dataclass(frozen=True)
class Change:
    """One sample that both records have, and by how much its score differs."""

    one: AnySample
    other: AnySample

    @property
    def by(self) -> float:
        """The score of `one` less that of `other`, on the scale of samples."""
        return self.one.score - self.other.score


def shared_metrics(pair: Pair) -> tuple[Metric, ...]:
    """The metrics that both have a number of, in the order they are shown."""
    keys = set(pair.one.record.metrics) & set(pair.other.record.metrics)
    return tuple(metric for metric in METRICS if metric.key in keys)


def compare_pair(
    pair: Pair, *, resamples: int = RESAMPLES, permutations: int = PERMUTATIONS
) -> Comparisons:
    """`one` less `other`, metric by metric; what cannot be tested is in `missing`, and why."""
    made: list[Comparison] = []
    missing: list[Missing] = []
    for metric in shared_metrics(pair):
        known = pair.retrained if metric.needs_reference else None
        if metric.needs_reference and known is None:
            missing.append(_without_ruler(pair, metric))
            continue
        found = compare(
            _as_run(pair, known),
            [metric],
            None if known is None else RULER,
            _name(pair.other),
            seed=pair.one.record.seed,
            resamples=resamples,
            permutations=permutations,
        ).find(_name(pair.one), _precision(pair), metric.key, ROLE)
        if isinstance(found, Comparison):
            made.append(found)
        elif found is not None:
            missing.append(found)
    adjusted = holm([row.p for row in made]) if made else ()
    rows = zip(made, adjusted, strict=True)
    corrected = tuple(replace(row, p_holm=p, tests=len(made)) for row, p in rows)
    return Comparisons(corrected, tuple(missing))


def _without_ruler(pair: Pair, metric: Metric) -> Missing:
    reason = (
        f"{pair.one.name} and {pair.other.name} have no retrained model in common that it could be "
        "set against; measure one at their family, precision, data and profile."
    )
    return Missing(_name(pair.one), _precision(pair), metric.key, ROLE, reason)


def changed(pair: Pair, metric: Metric) -> tuple[Change, ...]:
    """The samples that both have, those whose scores differ most in front.

    Fault for records of different data, whose ids name other samples.
    """
    if pair.one.record.data_sha256 != pair.other.record.data_sha256:
        raise Fault(
            f"{pair.one.name} and {pair.other.name} were measured on different data; there are no "
            "samples to set side by side."
        )
    theirs = {sample.id: sample for sample in pair.other.record.metrics[metric.key].samples}
    ours = pair.one.record.metrics[metric.key].samples
    both = [Change(sample, theirs[sample.id]) for sample in ours if sample.id in theirs]
    return tuple(sorted(both, key=lambda change: -abs(change.by)))


def find_retrained(one: Stored, other: Stored, known: Sequence[Stored]) -> Stored | None:
    """The retrained model of the precision, compute dtype, data, profile and device that two
    records share; None where they do not, or where none is known."""
    if _conditions(one) != _conditions(other):
        return None
    candidates = (one, other, *known)
    return next(
        (
            stored
            for stored in candidates
            if stored.face.role == "retrained" and _conditions(stored) == _conditions(one)
        ),
        None,
    )


def _conditions(stored: Stored) -> tuple[str, ...]:
    record = stored.record
    shared = (record.held, record.data_sha256, record.profile)
    return (stored.family, stored.device, *shared)


def _as_run(pair: Pair, retrained: Stored | None) -> Results:
    """The records as models of one run, called by what tells them apart."""
    precision = _precision(pair)
    named = [(pair.one, _name(pair.one)), (pair.other, _name(pair.other))]
    if retrained is not None:
        named.append((retrained, RULER))
    records = [
        replace(stored.record, model=name, precision=precision, step=None) for stored, name in named
    ]
    one = pair.one
    return Results(one.family, one.device, one.created, dict(one.versions), tuple(records))


def _name(stored: Stored) -> str:
    """What tells two records of one model apart."""
    return f"{stored.record.model}{stored.step} ({stored.id})"


def _precision(pair: Pair) -> str:
    both = (pair.one.record.precision, pair.other.record.precision)
    return " and ".join(dict.fromkeys(both))
