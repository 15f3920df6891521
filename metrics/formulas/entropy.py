"""n-gram entropy: how evenly spread are the words of an output? Read off VerbMem's outputs.

With H_n the entropy in bits of the n-grams of one output, each as likely as it is frequent there,

    entropy = (H_2 + 2 · H_3) / 3

(of Zhang et al. 2018, arXiv 1809.05972, in the weighting of Meng et al. 2022, arXiv 2202.05262,
which zzwjames/FailureLLMUnlearning calls fluency; their words come from NLTK, these are ROUGE's).
The value is the mean over outputs, in bits. Where nothing is said twice it is the logarithm of the
length, 6.6 bits for 100 words: it falls with loops and with outputs that end early, and a salad of
words has all of it. Read it against the retrained model.
"""

from collections import Counter
from collections.abc import Sequence
from math import log2

from metrics.formulas.rouge import words
from metrics.metric import Metric, Reference
from metrics.passes import RECITE, RECITED_TOKENS, Output, Task
from metrics.reading.statistics import bootstrap_mean, mean
from metrics.results import AnySample, Measurement, Sample

MOST = log2(RECITED_TOKENS)  # bits of as many words as VerbMem asks tokens for, none twice


def entropy(text: str) -> float:
    """The score of one output in bits, 0 or more; an H_n that it is too short for is 0."""
    tokens = words(text)
    return (ngram_entropy(tokens, 2) + 2 * ngram_entropy(tokens, 3)) / 3


def ngram_entropy(tokens: Sequence[str], n: int) -> float:
    """H_n in bits; 0 for fewer than n tokens."""
    counts = Counter(tuple(tokens[i : i + n]) for i in range(len(tokens) - n + 1))
    total = counts.total()
    return sum(count / total * log2(total / count) for count in counts.values())


def sample(row: Output, task: Task) -> Sample:
    """One output's score, in bits."""
    return Sample(row.id, row.prompt, row.reference, row.text, entropy(row.text))


def measure(
    samples: Sequence[AnySample], reference: Reference | None, seed: int, resamples: int
) -> Measurement:
    """The mean score in bits; needs no reference."""
    scores = [sample.score for sample in samples]
    ci95 = bootstrap_mean(scores, (0.0, MOST), seed, resamples)
    return Measurement(mean(scores), ci95, len(scores), tuple(samples))


ENTROPY = Metric(
    key="entropy",
    label="Entropy, bits",
    explains="varies its words",
    best="high",
    group="utility",
    source=RECITE,
    noun="passages",
    sample=sample,
    measure=measure,
    decimals=2,
)
