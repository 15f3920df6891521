"""Made-up results at several precisions with round numbers, for tests of what is read off them."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from metrics import HEADLINE, AnySample, LikelihoodSample, Measurement, Metric, Results, Sample
from metrics.metric import Reference
from metrics.results import Record

ROWS, TEXTS = 20, 10
WOBBLE = 0.02  # scores go up and down by so much, row by row, so that there is a spread


@dataclass(frozen=True)
class Scores:
    """What a model is to have: mean scores, and of ten holdout texts those that look like
    members."""

    verbmem_f: float
    knowmem_f: float
    likely: int
    knowmem_r: float
    fluency: float


Values = Mapping[str, Mapping[str, Scores]]

ORIGINAL = Scores(0.9, 0.9, 0, 0.9, 0.9)
RETRAINED = Scores(0.1, 0.04, 5, 0.9, 0.9)
NPO = Scores(0.1, 0.04, 4, 0.5, 0.8)
SIMNPO = Scores(0.1, 0.1, 5, 0.88, 0.85)
FULL = {"original": ORIGINAL, "retrained": RETRAINED, "npo": NPO, "simnpo": SIMNPO}

NOTHING: Values = {
    "fp32": FULL,
    "nf4": FULL | {"original": replace(ORIGINAL, verbmem_f=0.8)},
    "fp4": FULL | {"npo": replace(NPO, knowmem_r=0.3, knowmem_f=0.03)},
}
BACK: Values = NOTHING | {"fp4": FULL | {"npo": Scores(0.5, 0.04, 3, 0.6, 0.8)}}
TRACES: Values = NOTHING | {"fp4": FULL | {"npo": replace(NPO, verbmem_f=0.108)}}


def made_results(values: Values = NOTHING, source: str = "recorded") -> Results:
    """Results of those values, each number measured on its samples."""
    records = tuple(
        Record(
            model=model,
            repo=f"models/{model}",
            revision="sha256:0123456789ab",
            precision=precision,
            profile="muse",
            source=source,
            scale="toy",
            seed=0,
            data_sha256="ab" * 32,
            metrics={m.key: _measured(m, scores, models["retrained"]) for m in HEADLINE},
        )
        for precision, models in values.items()
        for model, scores in models.items()
    )
    return Results("staged", "cpu", "2026-11-24T10:00:00+00:00", {}, records)


def _measured(metric: Metric, scores: Scores, retrained: Scores) -> Measurement:
    reference = Reference("retrained, this run", _samples(metric, retrained))
    return metric.measure(_samples(metric, scores), reference, 0, 200)


def _samples(metric: Metric, scores: Scores) -> tuple[AnySample, ...]:
    if metric.key == "privleak":
        return _texts(scores.likely)
    middle = getattr(scores, metric.key)
    return tuple(
        Sample(f"{metric.key}-{i}", "p", "r", "o", middle + WOBBLE * (i % 2 or -1))
        for i in range(ROWS)
    )


def _texts(likely: int) -> tuple[LikelihoodSample, ...]:
    """Texts of which `likely` of ten holdout texts are below every forget text: that is the AUC."""
    forget = [LikelihoodSample(f"forget-{i}", "forget", 10.0 + i) for i in range(TEXTS)]
    holdout = [
        LikelihoodSample(f"holdout-{i}", "holdout", float(i) if i < likely else 100.0 + i)
        for i in range(TEXTS)
    ]
    return tuple(forget + holdout)
