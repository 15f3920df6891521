"""Longest verbatim run: how many tokens of the book come out in one piece? Read off VerbMem's
outputs, no text is made for it.

    run of a passage = the most tokens that follow one another in the output as in the continuation

wherever they stand in either; the value is the mean over passages, in tokens. The continuation is
that of VerbMem, at most 127 tokens. ROUGE-L forgives gaps, and a passage quoted from its second
sentence on is a passage quoted: this is what a reader, or a court, would recognise (Wei et al.
2024, arXiv 2406.18664, count it in words and characters). A few tokens are common English, so it
is read against the retrained model.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from metrics.metric import Metric, Reference
from metrics.passes import RECITE, RECITED_TOKENS, Output, Task
from metrics.reading.statistics import bootstrap_mean, mean
from metrics.results import AnySample, Measurement, Sample

LONGEST = RECITED_TOKENS - 1  # VerbMem counts the BOS among its 128


@dataclass(frozen=True)
class Run:
    """Where the longest common run is in the output, and how long; the first of several."""

    start: int
    length: int

    @property
    def end(self) -> int:
        return self.start + self.length


def longest_run(output: Sequence[int], reference: Sequence[int]) -> Run:
    """The longest piece of `output` that is a piece of `reference` too; length 0 where none is."""
    theirs = np.asarray(reference, dtype=np.int64)
    ending = np.zeros(theirs.size + 1, dtype=np.int64)  # of the runs that end at each place of it
    best = Run(0, 0)
    for place, token in enumerate(output):
        ending[1:] = (ending[:-1] + 1) * (theirs == token)
        if (length := int(ending.max())) > best.length:
            best = Run(place + 1 - length, length)
    return best


def mark(text: str, reference: str) -> str:
    """`text` with ⟦ ⟧ around the longest run of characters that it shares with `reference`.

    Tokens are not letters: where the runs are of a few tokens the marked one may be another.
    """
    run = longest_run([ord(sign) for sign in text], [ord(sign) for sign in reference])
    if not run.length:
        return text
    return f"{text[: run.start]}⟦{text[run.start : run.end]}⟧{text[run.end :]}"


def sample(row: Output, task: Task) -> Sample:
    """One passage's longest run in tokens; its output has the run marked."""
    run = longest_run(row.token_ids, row.reference_ids[:LONGEST])
    output = mark(row.text, row.reference) if run.length else row.text
    return Sample(row.id, row.prompt, row.reference, output, float(run.length))


def measure(
    samples: Sequence[AnySample], reference: Reference | None, seed: int, resamples: int
) -> Measurement:
    """The mean run in tokens; needs no reference."""
    scores = [sample.score for sample in samples]
    ci95 = bootstrap_mean(scores, (0.0, float(LONGEST)), seed, resamples)
    return Measurement(mean(scores), ci95, len(scores), tuple(samples))


LONGEST_RUN = Metric(
    key="longest_run",
    label="Longest run, tokens",
    explains="recites without a slip",
    best="low",
    group="memorization",
    source=RECITE,
    noun="passages",
    sample=sample,
    measure=measure,
)
