"""open-unlearning's files, MUSE_EVAL.json and MUSE_SUMMARY.json, written; peer.py reads them.

Only of what was measured its way: numbers of another profile under its names would be taken for
something that they are not. A dict is a file's content, in the order that its own files have.
"""

from collections.abc import Sequence
from functools import cache
from typing import TYPE_CHECKING, Any

from loaders.faults import Fault
from metrics.peer import ATTACKS, MEANS, PRIVLEAK, Mean
from metrics.profile import OPEN_UNLEARNING
from metrics.reading.statistics import mean
from metrics.results import AnySample, LikelihoodSample, Measurement, Record, Sample

if TYPE_CHECKING:
    from rouge_score.rouge_scorer import RougeScorer


def to_summary(record: Record) -> dict[str, float]:
    """A number per metric that open-unlearning has a name for, 0–1, PrivLeak in points.

    Fault for a record of another profile and for one without such a metric.
    """
    return {name: entry["agg_value"] for name, entry in to_eval(record).items()}


def to_eval(record: Record) -> dict[str, Any]:
    """The same with the samples behind each number, by the row's number in the data."""
    _check_profile(record)
    found: dict[str, Any] = {}
    for known in MEANS:
        if (measured := record.metrics.get(known.ours)) is not None:
            found[known.theirs] = _mean(known, measured)
    for theirs, ours in ATTACKS.items():
        measured = record.metrics.get(ours)
        if measured is not None and measured.auc is not None:
            found[theirs] = _attack(measured, OPEN_UNLEARNING.shown_auc(measured.auc))
    if (measured := record.metrics.get(PRIVLEAK)) is not None:
        found[PRIVLEAK] = {"agg_value": measured.value}
    if not found:
        raise Fault(f"{record.model} has no number that {OPEN_UNLEARNING.name} has a name for.")
    return dict(sorted(found.items()))


def _check_profile(record: Record) -> None:
    if record.profile != OPEN_UNLEARNING.name:
        raise Fault(
            f"{record.model} was measured by profile {record.profile}, which scores otherwise; "
            f"measure it with --profile {OPEN_UNLEARNING.name} first."
        )


def _mean(known: Mean, measured: Measurement) -> dict[str, Any]:
    samples = [sample for sample in measured.samples if isinstance(sample, Sample)]
    rows = {_index(sample): _row(known, sample) for sample in samples}
    return {"agg_value": measured.value / 100} | ({"value_by_index": rows} if rows else {})


def _row(known: Mean, sample: Sample) -> dict[str, Any]:
    if known.score == "score":
        return {"score": sample.score}
    scores = _scorer().score(target=sample.reference, prediction=sample.output)
    return {
        "rouge1_recall": float(scores["rouge1"].recall),
        known.score: sample.score,
        "rougeL_recall": float(scores["rougeL"].recall),
        "input": sample.prompt,
        "ground_truth": sample.reference,
        "generation": sample.output,
    }


def _attack(measured: Measurement, auc: float) -> dict[str, Any]:
    """Texts of each split apart, as far as they are there; their mean score is told, and means
    nothing by itself."""
    splits = {split: _split(measured.samples, split) for split in ("forget", "holdout")}
    told = {split: texts for split, texts in splits.items() if texts}
    return told | {"auc": auc, "agg_value": auc}


def _split(samples: Sequence[AnySample], split: str) -> dict[str, Any]:
    texts = [s for s in samples if isinstance(s, LikelihoodSample) and s.split == split]
    if not texts:
        return {}
    rows = {_index(text): {"score": text.score} for text in texts}
    return {"agg_value": mean([text.score for text in texts]), "value_by_index": rows}


def _index(sample: AnySample) -> str:
    """The number at the end of an id."""
    return sample.id.rpartition("-")[2]


@cache
def _scorer() -> "RougeScorer":
    from rouge_score.rouge_scorer import RougeScorer  # takes a second: not at import

    return RougeScorer(["rouge1", "rougeL"], use_stemmer=OPEN_UNLEARNING.stems)
