"""A finished sweep as it is read: its bases, equal budgets, seeds; it neither runs nor judges.

The rule's verdicts come with the trials (see rule.py).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from loaders.family import Family
from loaders.faults import Fault
from metrics.choosing.trials import Trial, read_trials

BASES = ("original", "retrained")
SHIPPED = ("npo", "simnpo", "npo_tuned", "simnpo_tuned")


@dataclass(frozen=True)
class Spread:
    """One value over the seeds of a setting."""

    mean: float
    low: float
    high: float
    seeds: int


@dataclass(frozen=True)
class Count:
    """How many of the trials at one λ forgot."""

    weight: float
    forgot: int
    tried: int


def load_sweep(family: Family) -> tuple[Trial, ...]:
    """The trials of a family's sweep, none where it has no sweep.

    Raises Fault for a file that cannot be read, has no retrained model, or is not finished.
    """
    if not family.sweep:
        return ()
    trials = read_trials(Path(family.sweep))
    if sum(trial.method == "retrained" for trial in trials) != 1:
        raise Fault(f"{family.sweep} needs one row 'retrained', to read the others against.")
    if any(trial.method not in BASES and not trial.verdict for trial in trials):
        raise Fault(f"{family.sweep} has trials without a verdict; finish the sweep first.")
    return trials


def find_retrained(trials: Sequence[Trial]) -> Trial:
    """The row of the retrained model, which every sweep that was loaded has."""
    return next(trial for trial in trials if trial.method == "retrained")


def list_bases(trials: Sequence[Trial]) -> list[Trial]:
    """The rows of the original and the retrained model, as far as there are any."""
    return [trial for trial in trials if trial.method in BASES]


def list_methods(trials: Sequence[Trial]) -> list[str]:
    """The methods in the order of the file, without the bases."""
    return [m for m in dict.fromkeys(trial.method for trial in trials) if m not in BASES]


def list_tried(trials: Sequence[Trial], method: str) -> list[Trial]:
    """What a method was given to try. Only seeds that every run of it had are its budget; further
    ones are those of the settings that were taken."""
    own = [trial for trial in trials if trial.method == method]
    seeds: dict[tuple[float | None, ...], set[int]] = {}
    for trial in own:
        run = (trial.lr, trial.beta, trial.retain_weight)
        seeds.setdefault(run, set()).add(trial.seed)
    budget = set.intersection(*seeds.values()) if seeds else set()
    return [trial for trial in own if trial.seed in budget]


def list_shipped(trials: Sequence[Trial]) -> list[Trial]:
    """The trials that became a model, at the published λ first."""
    shipped = [trial for trial in trials if trial.shipped_as]
    known = [trial for key in SHIPPED for trial in shipped if trial.shipped_as == key]
    return known + [trial for trial in shipped if trial.shipped_as not in SHIPPED]


def list_weights(trials: Sequence[Trial]) -> list[float]:
    """Every λ of a sweep, the smallest first."""
    return sorted({trial.retain_weight for trial in trials if trial.retain_weight is not None})


def list_seeds(trials: Sequence[Trial], trial: Trial) -> list[Trial]:
    """All trials of a setting, whatever their seed; `trial` itself is among them."""
    return [other for other in trials if other.setting == trial.setting]


def spread_over(values: Sequence[float]) -> Spread:
    """Mean, least and most of a value that every seed has."""
    return Spread(sum(values) / len(values), min(values), max(values), len(values))


def count_forgot(trials: Sequence[Trial], weight: float) -> Count:
    """How many of `trials` at λ `weight` forgot, by the rule's verdict."""
    at = [trial for trial in trials if trial.retain_weight == weight]
    return Count(weight, sum(trial.verdict == "forgot" for trial in at), len(at))


def memorization_left(trial: Trial, retrained: Trial) -> float:
    """The larger of VerbMem and KnowMem on the forget set, in points above the retrained model's:
    0 for the retrained model."""
    return max(trial.verbmem_f - retrained.verbmem_f, trial.knowmem_f - retrained.knowmem_f)
