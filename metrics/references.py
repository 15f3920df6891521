"""What PrivLeak and its kin are set against where the run's own retrained model is not it."""

from loaders.choices import FULL_PRECISION
from loaders.family import Family
from loaders.faults import Fault
from metrics.metric import Metric, Reference
from metrics.passes import Task
from metrics.results import Results


def declared_reference(family: Family, metric: Metric) -> Reference:
    """The AUC that the family declares for a metric; a Fault where it declares none, or one that
    no model can have been measured at and divided by."""
    declared = family.reference_auc
    if declared is not None and metric.key in declared.values:
        auc = declared.values[metric.key]
        if not 0 < auc <= 1:
            raise Fault(
                f"[reference_auc] of the family {family.name} has {metric.key} = {auc}; "
                "an AUC is more than 0 and at most 1, and low for members."
            )
        return Reference(f"declared: {declared.source}", auc=auc)
    if family.retrained is None:
        raise Fault(
            f"{metric.label} is set against a retrained model, and the family {family.name} has "
            "none; [reference_auc] in its file can declare an AUC to use."
        )
    raise Fault(
        f"{metric.label} is set against the retrained model of the same run; "
        f"add {family.retrained.key!r} to the models."
    )


def full_reference(
    full: Results | None, task: Task, precision: str, metric: Metric
) -> Reference | None:
    """The retrained model's samples at full precision, on the same data and by the same profile."""
    retrained = task.family.retrained
    if full is None or retrained is None or precision == FULL_PRECISION:
        return None
    record = full.record(retrained.key, FULL_PRECISION)
    if record is None or metric.key not in record.metrics:
        return None
    if (record.data_sha256, record.profile) != (task.data.sha256, task.profile.name):
        return None
    name = f"{retrained.key} @ {FULL_PRECISION}, {full.created[:10]}"
    return Reference(name, record.metrics[metric.key].samples)
