"""Membership inference beside PrivLeak: four more attacks on the same texts; no text is made.

Each gives a text a score that is low for one the model was trained on. With token log-probs
logp_1 … logp_n (after the BOS), and μ_j and σ_j² the mean and the variance of log p over the
vocabulary, under p, where token j is predicted,

    loss      = −mean of logp                                     (Yeom et al. 2018)
    zlib      = loss / bytes of zlib(text as UTF-8)               (Carlini et al. 2021)
    Min-K%++  = −mean of the k smallest (logp − μ) / max(σ, .001), k = int(0.4 n)
                                                                  (Zhang et al. 2024)
    reference = loss − loss of the retrained model                (Watson et al. 2022)

(arXiv 1709.01604, 2012.07805, 2404.02936 and 2111.08440)
and its number is PrivLeak's, 100 · (AUC − AUC_retrained) / AUC_retrained, of that score (see
privleak.py; the first two are "PPL", which MUSE does not exponentiate, and "PPL/zlib" in
`metrics/privleak.py` of swj0419/muse_bench). zlib corrects for how predictable a text is at all,
Min-K%++ for how open the place of a token was, reference for how hard a text is to a model that
has not seen it.

The reference attack on the retrained model itself scores every text 0, so all tie and its AUC is ½
by definition and exactly. Hence its PrivLeak is 100 · (AUC − ½) / ½: −100 where the forget texts
are those that gained most over the retrained model, 100 where they lost most. It needs that model's
losses text by text; a declared AUC does not have them.

Profile open-unlearning takes Min-K%++ as it takes Min-K%: the last token is out, float32.
"""

import zlib
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from loaders.faults import Fault
from metrics.formulas.privleak import SHARE, SHARES, check_finite, measure, min_k, sweep_shares
from metrics.metric import Metric, Reference
from metrics.passes import SCORE, Likelihoods, Task
from metrics.reading.statistics import Floats, auc
from metrics.results import AnySample, LikelihoodSample, Measurement

LEAST_VARIANCE = 1e-6
CHANCE = 0.5


@dataclass(frozen=True)
class RocPoint:
    """What one threshold says: the share of holdout texts, and that of forget texts, that are taken
    for members."""

    holdout: float
    forget: float


@dataclass(frozen=True)
class ShareAuc:
    """The AUC of Min-K% or its like at one k, 0–1 and low for members; None where a split has no
    text that is long enough. `n` texts of both splits are."""

    share: float
    auc: float | None
    n: int


def loss(row: Likelihoods) -> float:
    """−mean log-prob of a text, in nats per token; Fault where it has no tokens or no numbers."""
    if not row.logprobs:
        raise Fault(f"{row.id} has no tokens; write a text or remove the row.")
    return -float(check_finite(row.logprobs, row.id).mean())


def standardized(row: Likelihoods) -> tuple[float, ...]:
    """(logp − μ) / max(σ, .001) of each token; Fault where the engine gave no μ and σ²."""
    if not len(row.means) == len(row.variances) == len(row.logprobs):
        raise Fault(
            f"{row.id} was scored without the mean and the variance of log p over the vocabulary, "
            "which Min-K%++ needs; run the models on this machine."
        )
    logprobs, means, variances = (
        check_finite(values, row.id) for values in (row.logprobs, row.means, row.variances)
    )
    values = (logprobs - means) / np.sqrt(variances.clip(min=LEAST_VARIANCE))
    return tuple(float(value) for value in values)


def sample_loss(row: Likelihoods, task: Task) -> LikelihoodSample:
    """One text's loss; of the reference attack too, which takes the other off when it measures."""
    return LikelihoodSample(row.id, row.split, loss(row))


def sample_zlib(row: Likelihoods, task: Task) -> LikelihoodSample:
    """One text's loss per compressed byte."""
    size = len(zlib.compress(row.text.encode("utf-8")))
    return LikelihoodSample(row.id, row.split, loss(row) / size)


def sample_min_k_pp(row: Likelihoods, task: Task) -> LikelihoodSample:
    """One text's Min-40%++ value, and those at the other shares."""
    values = standardized(row)
    score = min_k(values, row.id, SHARE, task.profile)
    return LikelihoodSample(row.id, row.split, score, sweep_shares(values, row.id, task.profile))


def measure_against(
    samples: Sequence[AnySample], reference: Reference | None, seed: int, resamples: int
) -> Measurement:
    """PrivLeak of the reference attack; its samples have the retrained model's loss taken off.

    Samples that have had it taken off already, of either model, are taken as the losses they were.
    Fault without the retrained model's losses and for a text that it was not scored with.
    """
    if reference is None or not reference.samples:
        raise Fault(
            "The reference attack takes the retrained model's loss off, text by text; "
            "include that model in the run. A declared AUC does not say it."
        )
    known = {sample.id: _whole(sample) for sample in reference.samples}
    if missing := next((sample.id for sample in samples if sample.id not in known), None):
        raise Fault(f"{missing} was not scored with {reference.name}; run both on the same texts.")
    less = [_less(sample, known[sample.id]) for sample in samples]
    return measure(less, Reference(reference.name, auc=CHANCE), seed, resamples)


def _whole(sample: AnySample) -> float:
    """The loss itself, whatever has been taken off it."""
    taken = sample.against if isinstance(sample, LikelihoodSample) else None
    return sample.score + (taken or 0.0)


def _less(sample: AnySample, theirs: float) -> AnySample:
    if not isinstance(sample, LikelihoodSample):
        return sample
    return replace(sample, score=_whole(sample) - theirs, against=theirs)


def roc(samples: Sequence[AnySample]) -> tuple[RocPoint, ...]:
    """The curve of an attack from (0, 0) to (1, 1): a text is taken for a member where its score
    is not over a threshold, and every score that occurs is one. The area under it is 1 − AUC, high
    for members. Fault without texts of both splits."""
    forget, holdout = (np.sort(_scores(samples, split)) for split in ("forget", "holdout"))
    thresholds = np.unique(np.concatenate([forget, holdout]))
    shares = (
        np.searchsorted(scores, thresholds, side="right") / scores.size
        for scores in (holdout, forget)
    )
    points = [RocPoint(float(x), float(y)) for x, y in zip(*shares, strict=True)]
    return (RocPoint(0.0, 0.0), *points)


def auc_by_share(samples: Sequence[AnySample]) -> tuple[ShareAuc, ...]:
    """The AUC at each of privleak.SHARES, of the texts that are long enough for it."""
    texts = [s for s in samples if isinstance(s, LikelihoodSample) and s.by_share is not None]
    found = []
    for place, share in enumerate(SHARES):
        forget, holdout = (_at(texts, split, place) for split in ("forget", "holdout"))
        both = bool(forget and holdout)
        value = auc(holdout, forget) if both else None
        found.append(ShareAuc(share, value, len(forget) + len(holdout)))
    return tuple(found)


def _at(texts: Sequence[LikelihoodSample], split: str, place: int) -> list[float]:
    values = [text.by_share[place] for text in texts if text.by_share and text.split == split]
    return [value for value in values if value is not None]


def _scores(samples: Sequence[AnySample], split: str) -> Floats:
    found = [s.score for s in samples if isinstance(s, LikelihoodSample) and s.split == split]
    if not found:
        raise Fault(f"A ROC curve needs {split} texts, and there are none.")
    return np.array(found, dtype=np.float64)


PRIVLEAK_LOSS = Metric(
    key="privleak_loss",
    label="PrivLeak, loss",
    explains="betrayed by its loss",
    best="zero",
    group="membership",
    source=SCORE,
    noun="texts",
    sample=sample_loss,
    measure=measure,
    needs_reference=True,
)

PRIVLEAK_ZLIB = Metric(
    key="privleak_zlib",
    label="PrivLeak, zlib",
    explains="betrayed by its loss per compressed byte",
    best="zero",
    group="membership",
    source=SCORE,
    noun="texts",
    sample=sample_zlib,
    measure=measure,
    needs_reference=True,
)

PRIVLEAK_MIN_K_PP = Metric(
    key="privleak_min_k_pp",
    label="PrivLeak, Min-K%++",
    explains="betrayed by its least expected tokens",
    best="zero",
    group="membership",
    source=SCORE,
    noun="texts",
    sample=sample_min_k_pp,
    measure=measure,
    needs_reference=True,
)

PRIVLEAK_REFERENCE = Metric(
    key="privleak_reference",
    label="PrivLeak, reference",
    explains="betrayed by its loss beside the retrained model's",
    best="zero",
    group="membership",
    source=SCORE,
    noun="texts",
    sample=sample_loss,
    measure=measure_against,
    needs_reference=True,
)
