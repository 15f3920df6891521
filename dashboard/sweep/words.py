"""What a sweep shows, said in a few computed sentences; pure text.

Two methods are never compared without their λ and their normalisation in the same sentence.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from dashboard.sweep.methods import listed, name_method, plain
from metrics.choosing.rule import FIRST_SEED, PUBLISHED_RETAIN_WEIGHT, missed, pick
from metrics.choosing.sweep import (
    Count,
    Spread,
    count_forgot,
    find_retrained,
    list_methods,
    list_seeds,
    list_tried,
    list_weights,
    spread_over,
)
from metrics.choosing.trials import Trial
from metrics.reading.numerals import number
from metrics.registry import METRICS

COMPARED = ("npo", "simnpo")
EXCHANGED = ("npo_mean", "simnpo_sum")
NORMALISED = "with NPO on the token sum and SimNPO on the token mean"


@dataclass(frozen=True)
class Said:
    """A few sentences and what they are about."""

    about: str
    text: str


def describe_sweep(trials: Sequence[Trial]) -> tuple[Said, ...]:
    """Budgets, the published λ, every λ, the normalisation, where it forgot; all in numbers."""
    said = (
        Said("What was tried", _budgets(trials)),
        Said("At the published λ = 1", _at_one(trials)),
        Said("With λ free", _free(trials)),
        Said("With the normalisations exchanged", _exchanged(trials)),
        Said("Where it forgot", _where(trials)),
    )
    return tuple(part for part in said if part.text)


def describe_misses(trial: Trial, retrained: Trial) -> str:
    """By how much a trial misses which bounds, the furthest first; empty for one that forgot."""
    gaps = sorted(missed(trial, retrained).items(), key=lambda gap: -gap[1])
    told = [f"{number(points, 1)} on {_name(key)}" for key, points in gaps]
    if not told:
        return ""
    first = told[0].replace(" on", " points on", 1)
    return f"out of bounds by {listed([first, *told[1:]])}"


def take(trials: Sequence[Trial], method: str, weight: float | None = None) -> Trial | None:
    """What the rule takes of a method's trials, at one λ or at every λ; it looks at one seed."""
    tried = [trial for trial in list_tried(trials, method) if trial.seed == FIRST_SEED]
    at = [trial for trial in tried if weight is None or trial.retain_weight == weight]
    return pick(at, find_retrained(trials)) if at else None


def _budgets(trials: Sequence[Trial]) -> str:
    same: dict[int, list[str]] = {}  # names of the methods that were given so many trials
    for method in list_methods(trials):
        same.setdefault(len(list_tried(trials, method)), []).append(name_method(method).label)
    told = [f"{listed(names)} {count}{_each(names)}" for count, names in same.items()]
    compared = {len(list_tried(trials, m)) for m in COMPARED if m in list_methods(trials)}
    unequal = " NPO and SimNPO were not given the same." if len(compared) > 1 else ""
    retrained = find_retrained(trials)
    return (
        f"Trials: {'; '.join(told)}.{unequal} What a model keeps is its KnowMem on the retain set: "
        f"Retrained has {number(retrained.knowmem_r, 1)}, with VerbMem "
        f"{number(retrained.verbmem_f, 1)}."
    )


def _each(names: Sequence[str]) -> str:
    return " each" if len(names) > 1 else ""


def _at_one(trials: Sequence[Trial]) -> str:
    taken = [take(trials, method, PUBLISHED_RETAIN_WEIGHT) for method in COMPARED]
    found = [trial for trial in taken if trial is not None]
    return " ".join([*(f"{_keeps(trials, t)}." for t in found), *_compare(trials, found)])


def _free(trials: Sequence[Trial]) -> str:
    taken = [take(trials, method) for method in COMPARED]
    found = [trial for trial in taken if trial is not None]
    if not found:
        return ""
    if all(trial.retain_weight == PUBLISHED_RETAIN_WEIGHT for trial in found):
        return f"No other λ is better for {listed([_label(trial) for trial in found])}."
    told = [
        f"{_where_best(trial)}, {_keeps(trials, trial)}."
        if trial.retain_weight != PUBLISHED_RETAIN_WEIGHT
        else f"No other λ is better for {_label(trial)}."
        for trial in found
    ]
    return " ".join([*told, *_compare(trials, found)])


def _exchanged(trials: Sequence[Trial]) -> str:
    told = []
    for method in EXCHANGED:
        one, best = take(trials, method, PUBLISHED_RETAIN_WEIGHT), take(trials, method)
        if one is not None:
            end = "; no other λ is better." if one == best else "."
            told.append(f"At λ 1, {_keeps(trials, one)}{end}")
        if best is not None and best != one:
            told.append(f"{_where_best(best)}, {_keeps(trials, best)}.")
    return " ".join(told)


def _where_best(trial: Trial) -> str:
    near = "its best" if trial.verdict == "forgot" else "where it comes nearest"
    return f"At λ {plain(trial.retain_weight)}, {near}"


def _keeps(trials: Sequence[Trial], trial: Trial) -> str:
    over = _kept(trials, trial)
    ranged = (
        f" ({number(over.low, 1)} to {number(over.high, 1)} over {over.seeds} seeds, of which "
        f"{_forgot(trials, trial)} forgot)"
    )
    return (
        f"{_label(trial)} keeps {number(trial.knowmem_r, 1)}{ranged if over.seeds > 1 else ''}, "
        f"with VerbMem {number(trial.verbmem_f, 1)} and PrivLeak {number(trial.privleak, 1)}; "
        f"verdict: {_verdict(trials, trial)}"
    )


def _forgot(trials: Sequence[Trial], trial: Trial) -> int:
    """How many seeds of a setting forgot."""
    return sum(other.verdict == "forgot" for other in list_seeds(trials, trial))


def _verdict(trials: Sequence[Trial], trial: Trial) -> str:
    misses = describe_misses(trial, find_retrained(trials))
    return f"{trial.verdict}, {misses}" if misses else trial.verdict


def _kept(trials: Sequence[Trial], trial: Trial) -> Spread:
    return spread_over([other.knowmem_r for other in list_seeds(trials, trial)])


def _compare(trials: Sequence[Trial], found: Sequence[Trial]) -> list[str]:
    """One sentence on two methods, which names λ and normalisation; none where there is only one.

    What is kept is compared only where both forgot.
    """
    if len(found) != 2:
        return []
    weights = [plain(trial.retain_weight) for trial in found]
    same = weights[0] == weights[1]
    at = f"at λ {weights[0]}" if same else f"at λ {weights[0]} for NPO and {weights[1]} for SimNPO"
    return [f"So {at}, {NORMALISED}, {_difference(trials, found)}."]


def _difference(trials: Sequence[Trial], found: Sequence[Trial]) -> str:
    forgot = [trial for trial in found if trial.verdict == "forgot"]
    if not forgot:
        return "neither forgot, and what the two keep is not compared"
    if len(forgot) == 1:
        return f"only {_label(forgot[0])} forgot, and what the two keep is not compared"
    first, second = found
    gap = number(abs(second.knowmem_r - first.knowmem_r), 1)
    if float(gap) == 0:
        return "both forgot and keep the same"
    more = second if second.knowmem_r > first.knowmem_r else first
    return f"both forgot, and {_label(more)} keeps {gap} points more{_overlap(trials, found)}"


def _overlap(trials: Sequence[Trial], found: Sequence[Trial]) -> str:
    first, second = (_kept(trials, trial) for trial in found)
    if min(first.seeds, second.seeds) < 2:
        return ""
    apart = first.low > second.high or second.low > first.high
    overlap = ", and their seeds do not overlap" if apart else ", but their seeds overlap"
    failed = [t for t in found if _forgot(trials, t) < _kept(trials, t).seeds]
    told = [f"only {_forgot(trials, t)} of {_label(t)}'s seeds forgot" for t in failed]
    return f"{overlap}, and {listed(told)}" if told else overlap


def _where(trials: Sequence[Trial]) -> str:
    methods = list_methods(trials)
    tried = {method: list_tried(trials, method) for method in methods}
    if not any(trial.verdict == "forgot" for some in tried.values() for trial in some):
        return _nowhere(trials, [trial for some in tried.values() for trial in some])
    alike: dict[str, list[str]] = {}  # methods with the same λ, and as many trials at each
    for method, some in tried.items():
        counts = [count_forgot(some, weight) for weight in list_weights(some)]
        told = f"{name_method(method).label} {listed([str(count.forgot) for count in counts])}"
        alike.setdefault(_tried_at(counts), []).append(told)
    return " ".join(f"{at}: {'; '.join(told)}." for at, told in alike.items())


def _tried_at(counts: Sequence[Count]) -> str:
    weights = listed([plain(count.weight) for count in counts])
    totals = [str(count.tried) for count in counts]
    alike = len(totals) > 1 and len(set(totals)) == 1
    of = f"{totals[0]} each" if alike else listed(totals)
    return f"Trials that forgot at λ {weights}, of {of}"


def _nowhere(trials: Sequence[Trial], tried: Sequence[Trial]) -> str:
    if not tried:
        return ""
    retrained = find_retrained(trials)
    near = pick(tried, retrained)
    misses = Counter(key for trial in tried for key in missed(trial, retrained))
    told = [f"{_name(key)} by {count}" for key, count in misses.most_common()]
    return (
        f"None of the {len(tried)} trials forgot. {_label(near)} ({name_method(near.method).note}) "
        f"at λ {plain(near.retain_weight)} comes nearest: {_verdict(trials, near)}. "
        f"Bounds that were missed: {listed(told)}."
    )


def _label(trial: Trial) -> str:
    return name_method(trial.method).label


def _name(key: str) -> str:
    """A metric's name inside a sentence: "KnowMem (forget)"."""
    (name,) = [metric.label for metric in METRICS if metric.key == key]
    label, comma, part = name.partition(", ")
    return f"{label} ({part})" if comma else label.replace("Fluency", "fluency")
