"""Fluency: does the model still write? Read off the VerbMem outputs, no text is made for it.

With distinct-n = unique n-grams / n-grams of one output (Li et al. 2016, arXiv 1510.03055), which
is 1 − seq-rep-n (Welleck et al. 2020, arXiv 1908.04319), an output scores their product

    fluency = distinct-2 · distinct-3 · distinct-4        (0–1, high is better)

over the n it is long enough for ("diversity" of Su et al. 2022, arXiv 2202.06417, who find 0.95
for people's text and less than 0.2 for greedy decoding of a small model). An output of no word or
one scores 0. The value is the mean over outputs. It sees loops and silence, not nonsense: a salad
of words that do not repeat scores high.

How the thresholds were set: the true continuations of the demo data score 0.78 to 1 (mean 0.95)
and hold no run of three equal pieces of text, so LOOPING and RUN flag none of them by a wide
margin; an untrained-looking model's "object object object …" scores under 0.01. A small model's
greedy text repeats itself even where it is healthy, so a whole set of outputs is set against the
retrained model's, which was trained alike and never unlearned.
"""

import re
from collections.abc import Sequence
from functools import lru_cache

from metrics.formulas.rouge import words
from metrics.metric import Metric, Reference
from metrics.passes import RECITE, Output, Task
from metrics.reading.statistics import bootstrap_mean, mean
from metrics.results import AnySample, Measurement, Sample

LOOPING = 0.2
LOOPING_WORDS = 16
RUN = re.compile(r"(.{2,80}?)\1{2,}", re.DOTALL)
RUN_CHARACTERS = 12
SHARE_OF_RETRAINED = 0.5
TEXTS = 2**13  # remembered, as a page asks about all of its texts whenever it draws a number


def distinct(tokens: Sequence[str], n: int) -> float:
    """Unique n-grams / n-grams; needs at least n tokens."""
    grams = [tuple(tokens[i : i + n]) for i in range(len(tokens) - n + 1)]
    return len(set(grams)) / len(grams)


@lru_cache(TEXTS)
def fluency(text: str) -> float:
    """The score of one output, 0–1."""
    tokens = words(text)
    if len(tokens) < 2:
        return 0.0
    product = 1.0
    for n in (2, 3, 4):
        if len(tokens) >= n:
            product *= distinct(tokens, n)
    return product


@lru_cache(TEXTS)
def collapsed(text: str) -> bool:
    """Whether one answer is dead or loops, with no reference: right for short answers too.

    Dead: no word in it. Looping: a piece of up to 80 characters, three times or more in a row,
    makes up half of it; or it has 16 words or more and a fluency under 0.2.
    """
    tokens = words(text)
    if not tokens:
        return True
    return _runs(text) or (len(tokens) >= LOOPING_WORDS and fluency(text) < LOOPING)


def collapsed_set(samples: Sequence[AnySample], retrained: Sequence[AnySample] | None) -> bool:
    """Whether a model no longer writes: its fluency is under half of the retrained model's.

    Takes the fluency samples of both. Without a retrained model the true continuations that the
    samples carry stand in for its outputs.
    """
    expected = (
        [fluency(sample.reference) for sample in samples if isinstance(sample, Sample)]
        if retrained is None
        else [sample.score for sample in retrained]
    )
    return mean([sample.score for sample in samples]) < SHARE_OF_RETRAINED * mean(expected)


def _runs(text: str) -> bool:
    """Whether a repeated piece makes up half of `text`; characters, as loops need not be words."""
    line = " ".join(text.lower().split()) + " "
    run = max((len(found.group(0)) for found in RUN.finditer(line)), default=0)
    return run >= max(RUN_CHARACTERS, len(line) / 2)


def sample(row: Output, task: Task) -> Sample:
    """One output's score, 0–1."""
    return Sample(row.id, row.prompt, row.reference, row.text, fluency(row.text))


def measure(
    samples: Sequence[AnySample], reference: Reference | None, seed: int, resamples: int
) -> Measurement:
    """The mean score, 0–1; needs no reference."""
    scores = [sample.score for sample in samples]
    ci95 = bootstrap_mean(scores, (0.0, 1.0), seed, resamples)
    return Measurement(mean(scores), ci95, len(scores), tuple(samples))


FLUENCY = Metric(
    key="fluency",
    label="Fluency",
    explains="still writes",
    best="high",
    group="headline",
    source=RECITE,
    noun="passages",
    sample=sample,
    measure=measure,
    decimals=2,
)
