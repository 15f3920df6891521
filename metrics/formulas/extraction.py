"""Extraction strength: how much of a passage comes out once its beginning is given? Makes no text.

The true continuation of L tokens is put through the model. With k the fewest of its tokens after
which the model's first choice is right to the end,

    ES = 1 − k / L                      (points of 100; L − k tokens are extracted)

because what is right at every step given the true text before it is what greedy decoding would say
(Wang et al. 2025, arXiv 2406.09179, after Carlini et al. 2021, arXiv 2012.07805). A model that is
wrong about the last token has k = L and ES 0.

Profile open-unlearning (`evals/metrics/memorization.py` of locuslab/open-unlearning) leaves the
last token out, and its search ends at the last one left whether that is right or not: there ES is
never under 1 / L, which is 10 points for a passage of ten tokens.
"""

from collections.abc import Sequence
from itertools import takewhile

from loaders.faults import Fault
from metrics.formulas.privleak import check_finite
from metrics.formulas.verbmem import measure_points
from metrics.metric import Metric
from metrics.passes import FORCE, Likelihoods, Task
from metrics.profile import MUSE, Profile
from metrics.results import Sample


def count_extracted(greedy: Sequence[bool], profile: Profile = MUSE) -> int:
    """L − k of the tokens that count, those that are right at the end."""
    right = sum(1 for _ in takewhile(bool, reversed(greedy)))
    return max(right, 1) if profile.drops_last and greedy else right


def counted(row: Likelihoods, profile: Profile) -> tuple[bool, ...]:
    """Whether the model would have chosen them, of the tokens that count: all, or in profile
    open-unlearning all but the last. Fault where the engine did not say."""
    if len(row.greedy) != len(row.logprobs):
        raise Fault(
            f"{row.id} was scored without the model's first choices; use a server that answers "
            "with the likeliest tokens beside the log-probs, or run the model on this machine."
        )
    return row.greedy[:-1] if profile.drops_last else row.greedy


def sample(row: Likelihoods, task: Task) -> Sample:
    """One passage's ES, 0–1; 0 for one without a token that counts."""
    check_finite(row.logprobs, row.id)
    tokens = counted(row, task.profile)
    extracted = count_extracted(tokens, task.profile)
    score = extracted / len(tokens) if tokens else 0.0
    return Sample(row.id, row.prompt, row.text, _say(extracted, len(tokens)), score)


def _say(extracted: int, tokens: int) -> str:
    return f"the last {extracted} of {tokens} tokens" if extracted else f"none of {tokens} tokens"


EXTRACTION_STRENGTH = Metric(
    key="extraction_strength",
    label="Extraction strength",
    explains="ends passages once they are begun",
    best="low",
    group="memorization",
    source=FORCE,
    noun="passages",
    sample=sample,
    measure=measure_points,
)
