"""Records for tests of what is exported: four models, a nasty text, a number that is missing."""

from dataclasses import replace

from metrics import LikelihoodSample, Measurement, Sample
from metrics.store import Face, Stored
from metrics.store.keys import fingerprint
from tests.unit.metrics.store.shelves import KEY

NASTY = "<script>alert('x')</script> & \"50 % of $5_000\" #1 {a\\b} ~^ \x1b[31m\n=1+1"
FACES = {
    "original": Face("Original", "O", "original", "#D55E00", "#ff8a3d"),
    "retrained": Face("Retrained", "R", "retrained", "#009E73", "#2cc79b"),
    "npo": Face("NPO", "N", "unlearned", "#0072B2", "#58b0ec"),
    "simnpo": Face("SimNPO & co_1", "S", "unlearned", "url(//x)", "#e79fc6"),
}
RECALL = {"original": 0.9, "retrained": 0.1, "npo": 0.2, "simnpo": 0.15}


def answers(share: float, n: int = 12, text: str = "said") -> Measurement:
    """n answers whose scores lie around `share`."""
    scores = [min(1.0, max(0.0, share + (i % 5 - 2) / 50)) for i in range(n)]
    samples = tuple(
        Sample(f"q-{i}", "asked", "true", text, score) for i, score in enumerate(scores)
    )
    value = 100 * sum(scores) / n
    return Measurement(value, (value - 2.5, value + 2.5), n, samples)


def texts(away: float, n: int = 8) -> Measurement:
    """n scored texts of each split, the forget texts `away` from the holdout ones."""
    samples = [LikelihoodSample(f"f-{i}", "forget", 2 + i / 7 - away) for i in range(n)]
    samples += [LikelihoodSample(f"h-{i}", "holdout", 2 + i / 7) for i in range(n)]
    name = "retrained @ fp32, this run"
    return Measurement(-40 * away, (-50.0, 3.0), 2 * n, tuple(samples), 0.4, name)


def made(model: str, precision: str = "fp32", **metrics: Measurement) -> Stored:
    """One record, its id a hash as any."""
    measured = metrics or {
        "verbmem_f": answers(RECALL[model]),
        "privleak": texts(RECALL[model]),
        "knowmem_r": replace(answers(0.8 - RECALL[model] / 4), exact=75.0),
    }
    key = replace(KEY, model=model, precision=precision, revision=f"sha256:{model:0<12}")
    return Stored(
        id=fingerprint([model, precision, sorted(measured)])[:12],
        family="lamp_1",
        device="cpu",
        versions={"numpy": "2.4.6"},
        created="2026-11-24T14:03:22+00:00",
        face=FACES[model],
        record=replace(key.record("toy"), metrics=measured),
        dates=dict.fromkeys(measured, "2026-11-24T14:03:22+00:00"),
    )


ALL = tuple(made(model) for model in FACES)
