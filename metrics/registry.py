"""The metrics there are, in the order they are run and shown; a new one is one more name here."""

from collections.abc import Sequence

from loaders.faults import Fault
from metrics.fluency import FLUENCY
from metrics.knowmem import KNOWMEM_F, KNOWMEM_R
from metrics.metric import Metric
from metrics.privleak import PRIVLEAK
from metrics.verbmem import VERBMEM

METRICS = (VERBMEM, KNOWMEM_F, PRIVLEAK, KNOWMEM_R, FLUENCY)


def choose(keys: Sequence[str] | None) -> tuple[Metric, ...]:
    """The metrics called `keys` in the registry's order, all for None; Fault lists the choices."""
    if keys is None:
        return METRICS
    known = [metric.key for metric in METRICS]
    if unknown := next((key for key in keys if key not in known), None):
        raise Fault(f"There is no metric {unknown!r}; choose from {', '.join(known)}.")
    return tuple(metric for metric in METRICS if metric.key in keys)
