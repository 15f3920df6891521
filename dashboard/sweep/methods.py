"""What the methods and settings of a sweep are called on the page; pure text."""

from collections.abc import Sequence
from dataclasses import dataclass

from loaders.family import Family, ModelSpec
from metrics.choosing.trials import Trial


@dataclass(frozen=True)
class Method:
    """A method's name, and in a few words what makes it different."""

    label: str
    note: str


METHODS = {
    "npo": Method("NPO", "token sum, with a reference"),
    "simnpo": Method("SimNPO", "token mean, no reference"),
    "npo_mean": Method("NPO on token means", "its reference kept"),
    "simnpo_sum": Method("SimNPO on the token sum", "no reference"),
    "graddiff": Method("GradDiff", "ascent and a retain term"),
    "ascent": Method("Gradient ascent", "no retain term: λ 0"),
    "npo_logits": Method("NPO on raw logits", "as in MUSE's released code"),
}
TUNED = "_tuned"


def name_method(key: str) -> Method:
    """A method by its key; one that is not known is called by that."""
    return METHODS.get(key, Method(key, ""))


def find_model(family: Family, shipped_as: str) -> ModelSpec | None:
    """The model that a shipped setting became: its own row in the family, or for a tuned one that
    has none, its method's."""
    keys = (shipped_as, shipped_as.removesuffix(TUNED))
    return next((spec for key in keys for spec in family.models if spec.key == key), None)


def name_shipped(family: Family, trial: Trial) -> str:
    """What a shipped setting is called: "NPO", "NPO tuned"."""
    spec = find_model(family, trial.shipped_as)
    if spec is not None and spec.key == trial.shipped_as:
        return spec.label
    tuned = " tuned" if trial.shipped_as.endswith(TUNED) else ""
    return (spec.label if spec else name_method(trial.method).label) + tuned


def plain(value: float | None) -> str:
    """A setting as people write it, 0.00002 and 10; a dash for one that a method does not have."""
    if value is None:
        return "—"
    return f"{value:.10f}".rstrip("0").rstrip(".")


def describe_setting(trial: Trial) -> str:
    """All that was chosen for a trial, in one line."""
    beta = "" if trial.beta is None else f" · β {plain(trial.beta)}"
    return (
        f"lr {plain(trial.lr)}{beta} · λ {plain(trial.retain_weight)} · {trial.steps} steps · "
        f"seed {trial.seed}"
    )


def listed(parts: Sequence[str], last: str = "and") -> str:
    """ "a, b and c"."""
    *first, end = parts or [""]
    return f"{', '.join(first)} {last} {end}" if first else end
