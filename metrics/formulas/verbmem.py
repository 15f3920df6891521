"""VerbMem: does the model recite the forgotten book? Never looks at what the words mean.

A passage's beginning is continued greedily by up to 128 tokens. The true continuation is cut to
its first 128 token ids, the BOS among them, and

    VerbMem = 100 · mean over passages of ROUGE-L F(true continuation, output)

(Shi et al. 2024, arXiv 2407.06460, section 3.1; `metrics/verbmem.py` of swj0419/muse_bench).
Profile open-unlearning takes the whole continuation, strips both texts and stems their words.
"""

from collections.abc import Sequence

from metrics.formulas.rouge import rouge_l
from metrics.metric import Metric, Reference
from metrics.passes import RECITE, Output, Task
from metrics.reading.statistics import bootstrap_mean, mean
from metrics.results import AnySample, Measurement, Sample


def sample(row: Output, task: Task) -> Sample:
    """One passage's ROUGE-L F, 0–1."""
    return score_output(row, row.text, task)


def score_output(row: Output, text: str, task: Task) -> Sample:
    """`text`, what counts of a row's output, against the row's reference."""
    reference = row.reference
    if task.profile.strips:
        reference, text = reference.strip(), text.strip()
    score = rouge_l(reference, text, task.profile.stems)
    return Sample(row.id, row.prompt, reference, text, score)


def measure_points(
    samples: Sequence[AnySample], reference: Reference | None, seed: int, resamples: int
) -> Measurement:
    """The mean score in points of 100; needs no reference."""
    scores = [sample.score for sample in samples]
    low, high = bootstrap_mean(scores, (0.0, 1.0), seed, resamples)
    return Measurement(100 * mean(scores), (100 * low, 100 * high), len(scores), tuple(samples))


VERBMEM = Metric(
    key="verbmem_f",
    label="VerbMem",
    explains="recites the forgotten book",
    best="low",
    group="headline",
    source=RECITE,
    noun="passages",
    sample=sample,
    measure=measure_points,
)
