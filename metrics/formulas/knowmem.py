"""KnowMem: does the model answer about a book? Asked as MUSE asks, with ten examples before it.

Greedy, up to 32 tokens; the output is cut at the first of MUSE's stop strings and

    KnowMem = 100 · mean over questions of ROUGE-L F(answer, output)

on the questions about the forget set and, for utility, on those about the retain set (Shi et al.
2024, arXiv 2407.06460, section 3.1; `metrics/knowmem.py` of swj0419/muse_bench). Beside it
stands exact match: the share of outputs whose words are the answer's words and no others. What an
output scores that answers another question of the same set is the floor.
"""

from collections.abc import Sequence
from dataclasses import replace
from functools import cache
from itertools import permutations

from loaders.faults import Fault
from metrics.formulas.rouge import rouge_l, words
from metrics.formulas.verbmem import measure_points, score_output
from metrics.metric import Metric, Reference
from metrics.passes import ASK_FORGET, ASK_REHEARSED, ASK_RETAIN, STOPS, Output, Task
from metrics.reading.statistics import mean
from metrics.results import AnySample, Measurement, Sample


def cut(output: str) -> str:
    """`output` up to MUSE's stop strings, applied one after the other; nothing is stripped."""
    for stop in STOPS:
        output = output.split(stop)[0]
    return output


def sample(row: Output, task: Task) -> Sample:
    """One question's ROUGE-L F, 0–1; its prompt is the whole prompt."""
    return score_output(row, cut(row.text), task)


def measure_questions(
    samples: Sequence[AnySample], reference: Reference | None, seed: int, resamples: int
) -> Measurement:
    """The mean score in points of 100, with exact match beside it; needs no reference."""
    right = [
        float(words(sample.output) == words(sample.reference))
        for sample in samples
        if isinstance(sample, Sample)
    ]
    measured = measure_points(samples, reference, seed, resamples)
    return replace(measured, exact=100 * mean(right))


@cache
def floor(answers: tuple[str, ...]) -> float:
    """KnowMem, in points, of a model that gives the right answers to the wrong questions: the mean
    of ROUGE-L F over all pairs of two questions. Fault for fewer than two answers."""
    if len(answers) < 2:
        raise Fault(f"The floor needs two questions or more, and there are {len(answers)}.")
    pairs = list(permutations([(answer, frozenset(words(answer))) for answer in answers], 2))
    scores = [rouge_l(asked, given) for (asked, ours), (given, theirs) in pairs if ours & theirs]
    return 100 * sum(scores) / len(pairs)


KNOWMEM_F = Metric(
    key="knowmem_f",
    label="KnowMem, forget",
    explains="answers about it",
    best="low",
    group="headline",
    source=ASK_FORGET,
    noun="questions",
    sample=sample,
    measure=measure_questions,
)

KNOWMEM_R = Metric(
    key="knowmem_r",
    label="KnowMem, retain",
    explains="still knows the rest",
    best="high",
    group="headline",
    source=ASK_RETAIN,
    noun="questions",
    sample=sample,
    measure=measure_questions,
)

KNOWMEM_REHEARSED = Metric(
    key="knowmem_rehearsed",
    label="KnowMem, rehearsed",
    explains="still knows what unlearning rehearsed",
    best="high",
    group="utility",
    source=ASK_REHEARSED,
    noun="questions",
    sample=sample,
    measure=measure_questions,
)
