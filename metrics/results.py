"""What a run of metrics says, and its JSON; never how it was computed or drawn."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from pydantic import TypeAdapter, ValidationError

from loaders.faults import Fault

SCHEMA = 2


@dataclass(frozen=True)
class Sample:
    """One answer or text. `score` is on the metric's own scale for one sample, most often 0–1; the
    metric's value is a function of the samples. `output` is what the model made of `prompt`, or
    what it knew of `reference`."""

    id: str
    prompt: str
    reference: str
    output: str
    score: float


@dataclass(frozen=True)
class LikelihoodSample:
    """One scored text. `score` is low for what looks like a member; PrivLeak's is the Min-K% value,
    −mean of the smallest log-probs, and `by_share` are those of each k (privleak.SHARES).

    `tokens` is how many tokens a mean per token is over, where a metric weighs by them; `against`
    what was taken off the score: the retrained model's own of the same text.
    """

    id: str
    split: str
    score: float
    by_share: tuple[float | None, ...] | None = None
    tokens: int | None = None
    against: float | None = None


AnySample = Sample | LikelihoodSample


@dataclass(frozen=True)
class Against:
    """The same number set against another reference, which is named."""

    value: float
    ci95: tuple[float, float]
    reference: str


@dataclass(frozen=True)
class Measurement:
    """One metric of one model.

    `value` and `ci95` are on the metric's own scale (points of 100; fluency 0–1). `n` counts the
    samples, forget and holdout texts together for PrivLeak; it is 0 where a number was imported
    alone, and `ci95` is then all that is possible. `auc`, `reference` and `full` are set by
    PrivLeak and its kin alone: the AUC in 0–1, low for members, the name of what it was set
    against, and the number against the retrained model at full precision; `exact` by KnowMem alone:
    the share of answers that are right to the word, in points of 100.
    """

    value: float
    ci95: tuple[float, float]
    n: int
    samples: tuple[AnySample, ...]
    auc: float | None = None
    reference: str | None = None
    exact: float | None = None
    full: Against | None = None


@dataclass(frozen=True)
class Record:
    """One model at one precision, with everything needed to know where its numbers came from.

    `step` is set where the model is one of several stages of a training run: the steps until then.
    `notes` say in sentences what the other fields have no place for. `compute` is what quantized
    weights were computed in, where that is known.
    """

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
    step: int | None = None
    notes: tuple[str, ...] | None = None
    compute: str | None = None

    @property
    def held(self) -> str:
        """How the weights were held and computed in: "nf4, computed in bf16", or "fp32"."""
        return f"{self.precision}, computed in {self.compute}" if self.compute else self.precision


@dataclass(frozen=True)
class Results:
    """A whole run: what the command line prints, the page draws and the file on disk holds."""

    schema: int = field(default=SCHEMA, kw_only=True)
    family: str
    device: str
    created: str
    versions: dict[str, str]
    records: tuple[Record, ...]

    def record(self, model: str, precision: str, step: int | None = None) -> Record | None:
        """The record of `model` at `precision`, where there is one; of several steps that of
        `step`, the first where none is asked for."""
        wanted = (model, precision)
        found = (r for r in self.records if (r.model, r.precision) == wanted)
        return next((r for r in found if step is None or r.step == step), None)


def to_json(results: Results) -> str:
    """`results` as JSON text; what is None is left out."""
    text = TypeAdapter(Results).dump_json(results, indent=1, exclude_none=True)
    return text.decode("utf-8") + "\n"


def from_json(text: str) -> Results:
    """Read what `to_json` wrote. Fault for other JSON and for a schema newer than this code's."""
    try:
        raw = json.loads(text)
    except json.JSONDecodeError as error:
        raise Fault(f"The results are not JSON: {error}.") from error
    _check_schema(raw)
    try:
        return TypeAdapter(Results).validate_python(raw)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise Fault(f"The results are not as expected at {where!r}: {first['msg']}.") from error


def merge(parts: Sequence[Results]) -> Results:
    """One Results of several runs of one family, for instance at several precisions.

    The newest run's date is kept. Fault for nothing to merge, for different families or devices,
    and for a model that was measured twice at one precision and step.
    """
    if not parts:
        raise Fault("There are no results to merge.")
    for name in ("family", "device"):
        if len(values := sorted({getattr(part, name) for part in parts})) > 1:
            raise Fault(f"Results of one {name} can be merged, these are of {', '.join(values)}.")
    records = tuple(record for part in parts for record in part.records)
    _check_single(records)
    newest = max(parts, key=lambda part: part.created)
    return Results(newest.family, newest.device, newest.created, newest.versions, records)


def _check_schema(raw: Any) -> None:
    schema = raw.get("schema") if isinstance(raw, dict) else None
    if not isinstance(schema, int):
        raise Fault("The results have no schema number: they are not from this project.")
    if schema > SCHEMA:
        raise Fault(
            f"The results have schema {schema}, this version reads up to {SCHEMA}: update it."
        )


def _check_single(records: Sequence[Record]) -> None:
    seen = set()
    for record in records:
        key = (record.model, record.precision, record.step)
        if key in seen:
            step = "" if record.step is None else f", step {record.step},"
            raise Fault(f"{record.model} @ {record.precision}{step} is there twice; merge it once.")
        seen.add(key)
