"""The metrics there are, in the order they are run and shown; a new one is one more name here."""

from collections.abc import Sequence

from loaders.faults import Fault
from metrics.formulas.entropy import ENTROPY
from metrics.formulas.exactness import EXACT_MEMORIZATION
from metrics.formulas.extraction import EXTRACTION_STRENGTH
from metrics.formulas.fluency import FLUENCY
from metrics.formulas.knowmem import KNOWMEM_F, KNOWMEM_R, KNOWMEM_REHEARSED
from metrics.formulas.membership import (
    PRIVLEAK_LOSS,
    PRIVLEAK_MIN_K_PP,
    PRIVLEAK_REFERENCE,
    PRIVLEAK_ZLIB,
)
from metrics.formulas.perplexity import PERPLEXITY_HOLDOUT, PERPLEXITY_R
from metrics.formulas.phrasing import PHRASING
from metrics.formulas.privleak import PRIVLEAK
from metrics.formulas.probability import ANSWER_PROBABILITY_F, ANSWER_PROBABILITY_R
from metrics.formulas.repetition import REPETITION
from metrics.formulas.truth_ratio import TRUTH_RATIO_F, TRUTH_RATIO_R
from metrics.formulas.verbatim import LONGEST_RUN
from metrics.formulas.verbmem import VERBMEM
from metrics.metric import Metric

METRICS: tuple[Metric, ...] = (
    *(VERBMEM, KNOWMEM_F, PRIVLEAK, KNOWMEM_R, FLUENCY),
    *(EXTRACTION_STRENGTH, EXACT_MEMORIZATION, LONGEST_RUN, ANSWER_PROBABILITY_F, TRUTH_RATIO_F),
    *(PRIVLEAK_LOSS, PRIVLEAK_ZLIB, PRIVLEAK_MIN_K_PP, PRIVLEAK_REFERENCE),
    *(KNOWMEM_REHEARSED, ANSWER_PROBABILITY_R, TRUTH_RATIO_R, PERPLEXITY_R, PERPLEXITY_HOLDOUT),
    *(REPETITION, ENTROPY, PHRASING),
)
HEADLINE = tuple(metric for metric in METRICS if metric.group == "headline")
ALL = "all"


def choose(keys: Sequence[str] | None) -> tuple[Metric, ...]:
    """The metrics called `keys` in the registry's order; a group's name stands for all of it and
    "all" for every metric, None for the headline. Fault lists the choices."""
    if keys is None:
        return HEADLINE
    groups = {metric.group for metric in METRICS}
    known = [metric.key for metric in METRICS]
    if unknown := next((key for key in keys if key not in {*known, *groups, ALL}), None):
        choices = ", ".join([*known, *sorted(groups), ALL])
        raise Fault(f"There is no metric {unknown!r}; choose from {choices}.")
    return tuple(m for m in METRICS if m.key in keys or m.group in keys or ALL in keys)


def find_metric(key: str) -> Metric:
    """The metric called `key`; a Fault where there is none."""
    for metric in METRICS:
        if metric.key == key:
            return metric
    raise Fault(f"There is no metric {key!r}; choose from {', '.join(m.key for m in METRICS)}.")
