"""The rule that picks which settings are shipped; never trains and never measures.

It was written down before the runs of the sweep. On the selection half of the rows, in fp32:

1. a setting *forgot* if its VerbMem and its KnowMem on the forget set are at most 5 points above
   the retrained model's, |PrivLeak| is at most 25, and its fluency is at least 80 % of the
   retrained model's;
2. among those, the highest KnowMem on the retain set is taken (retain2, which the retain term never
   rehearses); of equals the one whose PrivLeak is nearest to 0;
3. if no setting forgot, the nearest is taken: the least sum of the points by which it misses the
   bounds of 1. It is called "collapsed" where it misses the one on fluency, else "not forgotten".

`npo` and `simnpo` are picked among the trials at the published λ = 1 of their own method, and
`npo_tuned` and `simnpo_tuned` among those at every λ. Trials of the first seed alone are looked at.
"""

from collections.abc import Sequence
from dataclasses import replace

from metrics.choosing.trials import Trial

ABOVE_RETRAINED = 5.0
PRIVLEAK_BOUND = 25.0
FLUENCY_SHARE = 0.8
PUBLISHED_RETAIN_WEIGHT = 1.0
FIRST_SEED = 0


def judge(trial: Trial, retrained: Trial) -> str:
    """ "forgot", "not forgotten" or "collapsed"."""
    if shortfall(trial, retrained) == 0:
        return "forgot"
    return "collapsed" if _fluency_gap(trial, retrained) > 0 else "not forgotten"


def shortfall(trial: Trial, retrained: Trial) -> float:
    """The points by which a trial misses the bounds, summed; 0 for one that forgot."""
    return sum(missed(trial, retrained).values())


def missed(trial: Trial, retrained: Trial) -> dict[str, float]:
    """The bounds that a trial misses, by the key of their metric, and by how many points each."""
    gaps = {
        "verbmem_f": trial.verbmem_f - retrained.verbmem_f - ABOVE_RETRAINED,
        "knowmem_f": trial.knowmem_f - retrained.knowmem_f - ABOVE_RETRAINED,
        "privleak": abs(trial.privleak) - PRIVLEAK_BOUND,
        "fluency": _fluency_gap(trial, retrained),
    }
    return {key: gap for key, gap in gaps.items() if gap > 0}


def pick(trials: Sequence[Trial], retrained: Trial) -> Trial:
    """The trial that the rule takes."""
    return min(
        trials,
        key=lambda trial: (shortfall(trial, retrained), -trial.knowmem_r, abs(trial.privleak)),
    )


def mark(trials: Sequence[Trial]) -> list[Trial]:
    """The same trials with their verdicts, those that are shipped with the key of their model."""
    (retrained,) = [trial for trial in trials if trial.method == "retrained"]
    taken: dict[Trial, str] = {}
    for method in ("npo", "simnpo"):
        own = [t for t in trials if t.method == method and t.seed == FIRST_SEED]
        if published := [t for t in own if t.retain_weight == PUBLISHED_RETAIN_WEIGHT]:
            tuned = pick(own, retrained)
            taken[tuned] = f"{method}_tuned"
            taken[pick(published, retrained)] = method
    return [_marked(trial, retrained, taken.get(trial, "")) for trial in trials]


def _marked(trial: Trial, retrained: Trial, shipped_as: str) -> Trial:
    if trial.method in ("original", "retrained"):
        return trial
    return replace(trial, verdict=judge(trial, retrained), shipped_as=shipped_as)


def _fluency_gap(trial: Trial, retrained: Trial) -> float:
    return 100 * (FLUENCY_SHARE * retrained.fluency - trial.fluency)
