"""Made-up trials with round numbers, for tests of what is read, drawn and said about a sweep."""

from dataclasses import replace

from metrics.choosing.rule import mark
from metrics.choosing.trials import Trial

RETRAINED = replace(
    Trial("retrained", None, None, None, 0, 0, 14.0, 0.0, 0.0, 0.5, 98.0, 0.9),
    passages=50,
    questions=100,
    texts=200,
    base="sha256:0123456789ab",
)
ORIGINAL = replace(
    RETRAINED,
    method="original",
    verbmem_f=99.0,
    knowmem_f=100.0,
    privleak=-100.0,
    base="sha256:ba9876543210",
)
GOOD = replace(
    RETRAINED,
    method="npo",
    lr=1e-3,
    beta=0.01,
    retain_weight=1.0,
    steps=20,
    verbmem_f=15.0,
    knowmem_f=4.0,
    privleak=-20.0,
    auc=0.4,
    knowmem_r=60.0,
    fluency=0.85,
)


def tried(method: str, weight: float, kept: float, leak: float = -20.0, seed: int = 0) -> Trial:
    """A trial that forgot, unless its `leak` is beyond 25, and keeps so much."""
    same = replace(GOOD, method=method, seed=seed)
    return replace(same, retain_weight=weight, knowmem_r=kept, privleak=leak)


def small_sweep() -> tuple[Trial, ...]:
    """Four methods at λ 1 and 10, gradient ascent at λ 0, and two more seeds of NPO at λ 1."""
    return tuple(
        mark(
            [
                ORIGINAL,
                RETRAINED,
                tried("npo", 1.0, 60.0),
                tried("npo", 10.0, 80.0, leak=-31.5),
                tried("simnpo", 1.0, 50.0, leak=-28.0),
                tried("simnpo", 10.0, 90.0),
                tried("npo_mean", 1.0, 55.0),
                tried("npo_mean", 10.0, 70.0),
                tried("simnpo_sum", 1.0, 40.0),
                tried("simnpo_sum", 10.0, 30.0),
                replace(tried("ascent", 0.0, 0.0), fluency=0.1, beta=None),
                replace(tried("ascent", 0.0, 20.0), verbmem_f=40.0, beta=None, lr=1e-5),
                tried("npo", 1.0, 50.0, seed=1),
                replace(tried("npo", 1.0, 64.0, seed=2), knowmem_f=9.0),
            ]
        )
    )


def nothing_forgot() -> tuple[Trial, ...]:
    """The same with a PrivLeak that no rule lets pass."""
    blank = [replace(trial, verdict="", shipped_as="") for trial in small_sweep()]
    return tuple(mark([t if t.method in ("original", "retrained") else _leaking(t) for t in blank]))


def _leaking(trial: Trial) -> Trial:
    return replace(trial, privleak=-90.0)
