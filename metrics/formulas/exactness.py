"""Exact memorization: how many tokens of a passage does the model expect? No text is made.

The true continuation of L tokens is put through the model, each after the true text before it, and

    EM = 100 · mean over passages of #{tokens that are the model's first choice} / L

("memorization" of Tirumala et al. 2022, arXiv 2205.10770). It counts what any reader of
English expects as well, so it is never near 0: what says something is how far above the retrained
model it stands. Profile open-unlearning leaves the last token out.
"""

from metrics.formulas.extraction import counted
from metrics.formulas.privleak import check_finite
from metrics.formulas.verbmem import measure_points
from metrics.metric import Metric
from metrics.passes import FORCE, Likelihoods, Task
from metrics.results import Sample


def sample(row: Likelihoods, task: Task) -> Sample:
    """One passage's share of tokens, 0–1; 0 for one without a token that counts."""
    check_finite(row.logprobs, row.id)
    tokens = counted(row, task.profile)
    right = sum(tokens)
    score = right / len(tokens) if tokens else 0.0
    return Sample(row.id, row.prompt, row.text, f"{right} of {len(tokens)} tokens", score)


EXACT_MEMORIZATION = Metric(
    key="exact_memorization",
    label="Exact memorization",
    explains="expects the very words",
    best="low",
    group="memorization",
    source=FORCE,
    noun="passages",
    sample=sample,
    measure=measure_points,
)
