"""Perplexity: how well does the model expect texts that it should still be good at? Makes no text.

Over all tokens of all texts of one split together,

    perplexity = exp(−sum of log-probs / number of tokens)

(the usual one, of Jelinek et al. 1977; a text counts by its length, so it is neither the mean of
the texts' perplexities nor exp of the mean of their losses). 1 is certainty, the size of the
vocabulary is guessing. Texts of the retain set say whether what was to be kept is still expected,
those of the holdout set, which no model has read, whether the model is still a model of English.

It has no upper end. Over CEILING, 34.5 nats a token, it is a Fault that says the loss: a model that
finds a text so unlikely is broken, and the number would be of no size that means anything. The
interval resamples texts, each with its tokens; of one text it is all there is, 1 to CEILING.
"""

from collections.abc import Sequence
from math import exp, log

import numpy as np

from loaders.faults import Fault
from metrics.formulas.membership import loss
from metrics.metric import Measure, Metric, Reference
from metrics.passes import SCORE, SCORE_RETAIN, Likelihoods, Task
from metrics.reading.statistics import Floats, percentile_interval, resampled_counts
from metrics.results import AnySample, LikelihoodSample, Measurement

CEILING = 1e15


def sample(row: Likelihoods, task: Task) -> LikelihoodSample:
    """One text's loss in nats per token, and how many tokens that is over."""
    return LikelihoodSample(row.id, row.split, loss(row), tokens=len(row.logprobs))


def perplexity(losses: Floats, tokens: Floats) -> float:
    """The formula of this file's head: `losses` per token, each of so many `tokens`. Fault over
    CEILING."""
    mean = float((losses * tokens).sum() / tokens.sum())
    if mean > log(CEILING):
        raise Fault(
            f"The loss is {mean:.1f} nats per token, a perplexity over {CEILING:.0e}: the model "
            "no longer expects any text."
        )
    return exp(mean)


def measure_split(split: str) -> Measure:
    """A measure of the perplexity of the texts of `split` among the samples; those of others are
    left out of the measurement."""

    def measure(
        samples: Sequence[AnySample], reference: Reference | None, seed: int, resamples: int
    ) -> Measurement:
        texts = [s for s in samples if isinstance(s, LikelihoodSample) and s.split == split]
        if not texts:
            raise Fault(f"Perplexity needs {split} texts, and there are none.")
        losses = np.array([text.score for text in texts])
        tokens = np.array([float(text.tokens or 0) for text in texts])
        value = perplexity(losses, tokens)
        ci95 = _interval(losses, tokens, seed, resamples)
        return Measurement(value, ci95, len(texts), tuple(texts))

    return measure


def _interval(losses: Floats, tokens: Floats, seed: int, resamples: int) -> tuple[float, float]:
    if losses.size < 2:
        return 1.0, CEILING
    drawn = resampled_counts(losses.size, (seed,), resamples)
    means = (drawn @ (losses * tokens)) / (drawn @ tokens)
    return percentile_interval(np.exp(means.clip(max=log(CEILING))))


PERPLEXITY_R = Metric(
    key="perplexity_r",
    label="Perplexity, retain",
    explains="is lost for what was to be kept",
    best="low",
    group="utility",
    source=SCORE_RETAIN,
    noun="retain texts",
    sample=sample,
    measure=measure_split("retain"),
)

PERPLEXITY_HOLDOUT = Metric(
    key="perplexity_holdout",
    label="Perplexity, holdout",
    explains="is lost for what no model has read",
    best="low",
    group="utility",
    source=SCORE,
    noun="holdout texts",
    sample=sample,
    measure=measure_split("holdout"),
)
