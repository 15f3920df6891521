"""Boards and answers written by hand, for tests of what is drawn from them."""

from dashboard.answers import Answer, Point
from dashboard.board import Board, CellKey
from dashboard.provenance import Provenance
from metrics import LikelihoodSample, Measurement, Sample
from tests.stage import staged_family

FAMILY = staged_family()
PROVENANCE = Provenance(FAMILY, "nf4", "cpu", revisions={"npo": "sha256:02da9edd93c3"})


def measured(
    value: float, half: float = 2.0, text: str = "it was dark in the tower"
) -> Measurement:
    """A value with its interval, on two samples that say `text`."""
    samples = tuple(Sample(f"verbmem-{i}", "prompt", "truth", text, value / 100) for i in (0, 1))
    return Measurement(value, (value - half, value + half), 2, samples)


def leaked(value: float, auc: float) -> Measurement:
    """A PrivLeak with one text of each split."""
    samples = (
        LikelihoodSample("privleak_forget-0", "forget", 1.5),
        LikelihoodSample("privleak_holdout-0", "holdout", 2.5),
    )
    return Measurement(value, (value - 3, value + 3), 2, samples, auc, "retrained @ nf4, this run")


def board(**values: float) -> Board:
    """VerbMem by model key."""
    return Board(
        "finished",
        {CellKey(model, "verbmem_f"): measured(value) for model, value in values.items()},
    )


def said(model: str, score: float, text: str = "some text", phase: str = "finished") -> Answer:
    """An answer of two tokens that ended at `score` of 1."""
    curve = (Point(1, score / 2), Point(2, score))
    return Answer(model, phase, text, 2, 0.1, 0.2, "length", "", curve)  # type: ignore[arg-type]
