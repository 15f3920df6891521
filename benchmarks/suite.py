"""The four headline numbers of all models: ours against the reference way and a batched peer.

Speed over the reference counts only where both say the same. For the peer, whose batches round
otherwise than ours in 4-bit, agreement is reported and no condition.

All have every core: ours a thread on each, which is one of torch's, the others as many of torch's.
"""

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from benchmarks import batched, reference
from benchmarks.agreement import Agreement, Outcome, compare
from benchmarks.figure import Figure, named
from benchmarks.models import plain_weights, ready_engine
from benchmarks.race import Lap, race, seconds, times_faster, with_threads
from benchmarks.setting import Setting, device_words
from loaders import Engine, Family, Fault
from loaders.engine.weights import Weights
from metrics import Data, Finished, Record, Results, Sample, load_data, run

METRICS = ("verbmem_f", "knowmem_f", "privleak", "knowmem_r")
WARM_UP_ROWS = 1

Contenders = dict[str, Callable[[], dict[str, Outcome]]]
Laps = Mapping[str, Sequence[Lap[dict[str, Outcome]]]]


@dataclass(frozen=True)
class Rival:
    """What ours is set against: how many times faster it must be, and whether it must agree."""

    name: str
    target: float
    must_agree: bool
    baseline: str


RIVALS = (
    Rival(
        "reference",
        target=10.0,
        must_agree=True,
        baseline="one prompt per generate(), full length, three splits twice, a loop over tokens",
    ),
    Rival(
        "batched",
        target=2.0,
        must_agree=False,
        baseline="batches of 8 passages, 16 questions and 8 texts in data order, left padding",
    ),
)


def measure(setting: Setting) -> Iterator[Figure]:
    """Both comparisons at every precision, on the same rows and in the same minutes."""
    for precision in setting.precisions:
        engine = ready_engine(setting.family, precision)
        models = plain_weights(setting.family, precision)
        race(contenders(engine, models, setting.family, WARM_UP_ROWS), 1)
        made = contenders(engine, models, setting.family, setting.size.rows)
        laps = race(made, setting.size.repeats)
        for rival in RIVALS:
            yield figure(rival, laps, precision, setting.size.rows)


def contenders(
    engine: Engine, models: Mapping[str, Weights], family: Family, rows: int | None
) -> Contenders:
    """Three ways to the same numbers, each on models that are loaded already."""
    data, retain = load_data(family, rows), reference.retain_texts(family, rows)
    key, cores = retrained(family), os.cpu_count() or 1
    return {
        "ours": lambda: ours(engine, family, data),
        "reference": lambda: with_threads(cores, lambda: reference.run(models, key, data, retain)),
        "batched": lambda: with_threads(cores, lambda: batched.run(models, key, data)),
    }


def ours(engine: Engine, family: Family, data: Data) -> dict[str, Outcome]:
    """The suite as the page and the command line run it."""
    results = headline(engine, family, data)
    return {record.model: _outcome(record) for record in results.records}


def headline(
    engine: Engine, family: Family, data: Data, models: tuple[str, ...] | None = None
) -> Results:
    """Our suite of the four headline metrics, to its end."""
    for event in run(engine, family, data, models=models, metrics=METRICS):
        if isinstance(event, Finished):
            return event.results
    raise RuntimeError("the run ended without its results")


def retrained(family: Family) -> str:
    """The key of the model that PrivLeak is set against."""
    if family.retrained is None:
        raise Fault(f"The family {family.name} has no retrained model; measure another one.")
    return family.retrained.key


def _outcome(record: Record) -> Outcome:
    texts = {
        sample.id: sample.output
        for measured in record.metrics.values()
        for sample in measured.samples
        if isinstance(sample, Sample)
    }
    return Outcome(texts, {key: measured.value for key, measured in record.metrics.items()})


def figure(rival: Rival, laps: Laps, precision: str, rows: int | None) -> Figure:
    """Ours against `rival`; what they say is compared as of the last lap."""
    last = laps["ours"][-1].result
    agreement = compare(last, laps[rival.name][-1].result)
    return Figure(
        name=named(f"suite_vs_{rival.name}", precision),
        unit="ratio",
        runs=times_faster(laps["ours"], laps[rival.name]),
        bound="at least",
        target=rival.target,
        baseline=rival.baseline,
        device=device_words(precision, os.cpu_count()),
        note=agreement.words(),
        misses=agreement.misses() if rival.must_agree else (),
        details={
            "rows": rows or "all",
            "models": list(last),
            "metrics": list(METRICS),
            "agreement": agreement.as_json(),
            "agreement_of_the_rivals": _rivals_agreement(laps).as_json(),
            "seconds": seconds({name: laps[name] for name in ("ours", rival.name)}),
        },
    )


def _rivals_agreement(laps: Laps) -> Agreement:
    """How far two ways through transformers agree: the yardstick for ours, in 4-bit above all."""
    one, other = (laps[rival.name][-1].result for rival in RIVALS)
    return compare(one, other)
