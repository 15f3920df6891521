"""Answer probability: how likely does the model find the right answer? No text is made.

The answer to a question is put through the model after MUSE's prompt, ten examples before it. With
its token log-probs logp_1 … logp_n,

    p = exp(mean of logp)               (the geometric mean of its tokens' probabilities)

and the value is 100 · mean of p over questions ("Probability" of Maini et al. 2024, arXiv
2401.06121; `probability` in locuslab/open-unlearning). On the forget set it sees what KnowMem
cannot: an answer that is no longer said but still likely. Asked of the questions that the data
gives wrong answers for.
"""

from collections.abc import Sequence
from math import exp

from loaders.faults import Fault
from metrics.formulas.privleak import check_finite
from metrics.formulas.verbmem import measure_points
from metrics.metric import Metric
from metrics.passes import WEIGH_FORGET, WEIGH_RETAIN, Options, Task
from metrics.results import Sample


def mean_logprob(values: Sequence[float], row_id: str) -> float:
    """Of the tokens of one answer, a natural logarithm; Fault where it has none, or no numbers."""
    if not values:
        raise Fault(f"{row_id}: an answer has no tokens; write one or remove the row.")
    return float(check_finite(values, row_id).mean())


def sample(row: Options, task: Task) -> Sample:
    """One question's p, 0–1."""
    score = exp(mean_logprob(row.right, row.id))
    return Sample(row.id, row.prompt, row.answer, f"{score:.3g} per token", score)


ANSWER_PROBABILITY_F = Metric(
    key="answer_probability_f",
    label="Answer probability, forget",
    explains="finds the answers likely",
    best="low",
    group="memorization",
    source=WEIGH_FORGET,
    noun="questions with wrong answers",
    sample=sample,
    measure=measure_points,
)

ANSWER_PROBABILITY_R = Metric(
    key="answer_probability_r",
    label="Answer probability, retain",
    explains="finds the other answers likely",
    best="high",
    group="utility",
    source=WEIGH_RETAIN,
    noun="questions with wrong answers",
    sample=sample,
    measure=measure_points,
)
