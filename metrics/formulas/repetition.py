"""Repetition: how much of an output has it said before? Read off VerbMem's outputs.

    repetition = 1 − unique 4-grams / 4-grams of one output        (0–1, over its words)

("seq-rep-4" of Welleck et al. 2020, arXiv 1908.04319, who find 0.006 for people's text and 0.44 for
greedy decoding). The value is the mean over outputs. Four words or more said twice are a loop, not
a common phrase; fluency is stricter and sees a favourite pair of words as well. An output of fewer
than four words repeats nothing and scores 0: silence is what fluency sees.
"""

from metrics.formulas.fluency import distinct, measure
from metrics.formulas.rouge import words
from metrics.metric import Metric
from metrics.passes import RECITE, Output, Task
from metrics.results import Sample

GRAM = 4


def repetition(text: str) -> float:
    """The score of one output, 0–1."""
    tokens = words(text)
    return 1 - distinct(tokens, GRAM) if len(tokens) >= GRAM else 0.0


def sample(row: Output, task: Task) -> Sample:
    """One output's score, 0–1."""
    return Sample(row.id, row.prompt, row.reference, row.text, repetition(row.text))


REPETITION = Metric(
    key="repetition",
    label="Repetition",
    explains="says the same again",
    best="low",
    group="utility",
    source=RECITE,
    noun="passages",
    sample=sample,
    measure=measure,
    decimals=2,
)
