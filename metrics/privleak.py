"""PrivLeak: does the model betray having seen the book? Read off likelihoods, no text is made.

Min-40% Prob of a text with token log-probs logp_1 … logp_n (after the BOS), k = int(0.4 n):

    m = −mean of the k smallest logp        (Shi et al. 2023, arXiv 2310.16789)

Low m looks like a member. With forget texts as members and holdout texts as non-members

    AUC      = P(m_holdout < m_forget) + ½ P(m_holdout = m_forget)
    PrivLeak = 100 · (AUC − AUC_retrained) / AUC_retrained

(Shi et al. 2024, arXiv 2407.06460, section 3.2; `metrics/privleak.py` of swj0419/muse_bench).
A model that memorized the forget set has AUC → 0 and PrivLeak → −100, one that over-forgot is
positive, 0 is the retrained model. The labels in MUSE's code and in its key
`forget_holdout_Min-40%` read the other way round; what its code computes is the AUC above.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, zip_longest

import numpy as np

from loaders.family import Family
from loaders.faults import Fault
from loaders.protocol import Engine
from metrics.data import Data, Text
from metrics.metric import Metric, Reference
from metrics.results import AnySample, LikelihoodSample, Measurement
from metrics.statistics import (
    Floats,
    auc,
    percentile_interval,
    resampled_auc,
    resampled_counts,
    wins,
)

SHARE = 0.4


@dataclass(frozen=True)
class Split:
    """Min-K% values of the texts of one split: the model's and, text by text, the reference's."""

    model: Floats
    reference: Floats


def min_k(logprobs: Sequence[float], text_id: str, share: float = SHARE) -> float:
    """Min-K% value of one text: −mean of the int(share · n) smallest of its n log-probs.

    Fault for a log-prob that is not finite and for a text too short to have one of them.
    """
    values = np.sort(np.asarray(logprobs, dtype=np.float64))
    if not np.isfinite(values).all():
        raise Fault(
            f"{text_id}: a log-prob is not a finite number; the model's weights or its "
            "precision are broken. Try --precision fp32."
        )
    if (k := int(share * values.size)) == 0:
        raise Fault(
            f"{text_id} has {values.size} tokens; Min-{share:.0%} needs 3 or more. "
            "Lengthen the text or remove the row."
        )
    return -float(values[:k].mean())


def texts(data: Data) -> tuple[Text, ...]:
    """Forget and holdout texts by turns, so that a run that is half done has both."""
    pairs = zip_longest(data.privleak_forget, data.privleak_holdout)
    return tuple(text for text in chain.from_iterable(pairs) if text is not None)


def ids(data: Data) -> tuple[str, ...]:
    """All scored texts, the forget set first."""
    return tuple(text.id for text in (*data.privleak_forget, *data.privleak_holdout))


def run(
    engine: Engine, model: str, family: Family, data: Data
) -> Iterator[LikelihoodSample | None]:
    """One sample per text, as batches come back."""
    rows = texts(data)
    for score in engine.score(model, [row.text for row in rows]):
        if score is None:
            yield None
            continue
        row = rows[score.index]
        yield LikelihoodSample(row.id, row.split, min_k(score.logprobs, row.id))


def measure(
    samples: Sequence[AnySample], reference: Reference | None, seed: int, resamples: int
) -> Measurement:
    """PrivLeak in points against `reference`, on the texts that are in `samples`.

    The interval resamples the texts of both splits, each draw for the model and the reference
    alike. Fault without a reference, without texts of both splits and for a reference whose AUC
    is 0.
    """
    if reference is None:
        raise Fault(
            "PrivLeak is set against the retrained model of the same run and precision, "
            "and there is none; include it in the models."
        )
    forget = _split(samples, reference, "forget")
    holdout = _split(samples, reference, "holdout")
    ours, theirs = auc(holdout.model, forget.model), auc(holdout.reference, forget.reference)
    if theirs == 0:
        raise Fault(
            f"The AUC of {reference.name} is 0 on {forget.model.size} forget and "
            f"{holdout.model.size} holdout texts, and PrivLeak divides by it; use more rows, or "
            "holdout texts that are more like the forget texts."
        )
    ci95 = _interval(forget, holdout, theirs, seed, resamples)
    value = privleak(ours, theirs)
    return Measurement(value, ci95, len(samples), tuple(samples), ours, reference.name)


def privleak(model_auc: float, reference_auc: float) -> float:
    """The formula of this file's head, in points; `reference_auc` is not 0."""
    return 100 * (model_auc - reference_auc) / reference_auc


def _split(samples: Sequence[AnySample], reference: Reference, split: str) -> Split:
    known = {sample.id: sample.score for sample in reference.samples}
    ours = [s for s in samples if isinstance(s, LikelihoodSample) and s.split == split]
    if not ours:
        raise Fault(f"PrivLeak needs {split} texts, and there are none.")
    if missing := next((s.id for s in ours if s.id not in known), None):
        raise Fault(f"{missing} was not scored with {reference.name}; run both on the same texts.")
    return Split(
        np.array([sample.score for sample in ours]),
        np.array([known[sample.id] for sample in ours]),
    )


def _interval(
    forget: Split, holdout: Split, reference_auc: float, seed: int, resamples: int
) -> tuple[float, float]:
    """The axis goes from AUC 0 to AUC 1; its upper end stands for all beyond it, as where a
    resample's reference AUC is 0. One text in a split says nothing: then the axis end to end."""
    ends = privleak(0, reference_auc), privleak(1, reference_auc)
    if min(forget.model.size, holdout.model.size) < 2:
        return ends
    drawn_f = resampled_counts(forget.model.size, (seed, 0), resamples)
    drawn_h = resampled_counts(holdout.model.size, (seed, 1), resamples)
    ours = resampled_auc(wins(holdout.model, forget.model), drawn_h, drawn_f)
    theirs = resampled_auc(wins(holdout.reference, forget.reference), drawn_h, drawn_f)
    values = np.where(ours == theirs, 0.0, ends[1])
    np.divide(100 * (ours - theirs), theirs, out=values, where=theirs > 0)
    return percentile_interval(values.clip(*ends))


PRIVLEAK = Metric(
    key="privleak",
    label="PrivLeak",
    explains="betrays having seen it",
    best="zero",
    ids=ids,
    run=run,
    measure=measure,
    cost=8,
    needs_reference=True,
)
