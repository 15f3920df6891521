"""What a run of metrics says, and its JSON; never how it was computed or drawn."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Sample:
    """One generated answer. `score` is in 0–1; the metric's value is a function of the samples."""

    id: str
    prompt: str
    reference: str
    output: str
    score: float


@dataclass(frozen=True)
class LikelihoodSample:
    """One scored text of PrivLeak. `score` is its Min-K% value: −mean of the k smallest log-probs."""

    id: str
    split: str
    score: float


@dataclass(frozen=True)
class Measurement:
    """One metric of one model.

    `value` and `ci95` are on the metric's own scale (points of 100; fluency 0–1). `auc` and
    `reference` are set by PrivLeak alone: its AUC in 0–1 and the name of what it was set against.
    """

    value: float
    ci95: tuple[float, float]
    n: int
    samples: tuple[Sample, ...] | tuple[LikelihoodSample, ...]
    auc: float | None = None
    reference: str | None = None


@dataclass(frozen=True)
class Record:
    """One model at one precision, with everything needed to know where its numbers came from."""

    model: str
    repo: str
    revision: str
    precision: str
    profile: str
    source: str
    scale: str
    seed: int
    data_sha256: str
    metrics: dict[str, Measurement]


@dataclass(frozen=True)
class Results:
    """A whole run: what the command line prints, the page draws and the file on disk holds."""

    family: str
    device: str
    created: str
    versions: dict[str, str]
    records: tuple[Record, ...]
    schema: int = 1
