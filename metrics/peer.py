"""open-unlearning's files, MUSE_EVAL.json and MUSE_SUMMARY.json, read; peer_out.py writes them.

Of locuslab/open-unlearning, `evals/base.py`: a summary holds a number per metric; an evaluation
holds for each an `agg_value` and, mostly, what stands behind it in `value_by_index`. Scores are
0–1 there and points of 100 here; an AUC is high for members there and low here, 1 − AUC; PrivLeak
is the same. What the files do not say is not made up: neither an interval without samples nor a
reference that is not in the numbers. Never runs a model.
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from hashlib import sha256
from math import inf, isclose, isfinite
from typing import Any

from loaders.choices import require_precision
from loaders.family import Family
from loaders.faults import Fault
from metrics.formulas.knowmem import measure_questions
from metrics.formulas.privleak import measure as measure_leak
from metrics.formulas.privleak import privleak
from metrics.formulas.verbmem import measure_points
from metrics.inputs.sheets import broken_character, parse_json
from metrics.metric import Measure, Reference
from metrics.profile import OPEN_UNLEARNING
from metrics.reading.statistics import RESAMPLES
from metrics.results import LikelihoodSample, Measurement, Record, Results, Sample

SOURCE, UNKNOWN = "imported", "unknown"
NAMED = OPEN_UNLEARNING.name
CHANCE = 0.5  # what it sets PrivLeak against where it has no retrained model's file
AGAINST_CHANCE = Reference("chance, AUC 0.5", auc=CHANCE)
# That attack has taken the reference model's loss off, text by text: chance is what it gives it.
AGAINST_MODEL = Reference(f"{NAMED}'s reference model, AUC 0.5 by definition", auc=CHANCE)
CLOSE = 1e-6  # its numbers are means in another order of summing, or of float32


@dataclass(frozen=True)
class Mean:
    """A metric that is the mean of a score, 0–1: its name there and here, its rows' ids here, and
    what the score is called there."""

    theirs: str
    ours: str
    rows: str
    score: str
    measure: Measure


MEANS = (
    Mean("forget_verbmem_ROUGE", "verbmem_f", "verbmem", "rougeL_f1", measure_points),
    Mean("forget_knowmem_ROUGE", "knowmem_f", "forget_qa", "rougeL_f1", measure_questions),
    Mean("retain_knowmem_ROUGE", "knowmem_r", "retain_qa", "rougeL_f1", measure_questions),
    Mean("extraction_strength", "extraction_strength", "verbmem", "score", measure_points),
    Mean("exact_memorization", "exact_memorization", "verbmem", "score", measure_points),
)
MIN_K, PRIVLEAK = "mia_min_k", "privleak"  # the latter is made of the former's AUC
REFERENCE = "mia_reference"
# Membership attacks by their name there, and here, where their number is PrivLeak's of their AUC.
ATTACKS = {
    MIN_K: PRIVLEAK,
    "mia_loss": "privleak_loss",
    "mia_zlib": "privleak_zlib",
    "mia_min_k_plus_plus": "privleak_min_k_pp",
    REFERENCE: "privleak_reference",
}


@dataclass(frozen=True)
class Claim:
    """What whoever brings a file says of it, since the file does not; what is not known is empty.

    open-unlearning evaluates in bf16 where its settings are left as they are.
    """

    model: str
    precision: str
    repo: str = ""
    revision: str = ""


@dataclass(frozen=True)
class _Entry:
    """What a file says of one metric: in a summary a number, in an evaluation an object."""

    name: str
    value: Any
    body: Mapping[str, Any]


@dataclass(frozen=True)
class _Draws:
    seed: int
    resamples: int


_Read = Measurement | str  # a number, or a sentence why there is none


def from_peer(
    text: str, family: Family, claim: Claim, *, seed: int = 0, resamples: int = RESAMPLES
) -> Results:
    """The one record of an evaluation or a summary, its source "imported".

    Intervals are computed where the samples are there. Where they are not, `n` is 0, since the file
    does not say it, and `ci95` all that is possible. Metrics that have no name here are in `notes`,
    and so are numbers that their own samples do not give. `data_sha256` is of the true texts in the
    file, so that only files with the same ones are compared; empty without samples. Fault for text
    that is no such file, and for a known metric without a number.
    """
    if not claim.model.strip():
        raise Fault("The file does not name its model; say which it is.")
    entries = _entries(text)
    read = dict(_read_all(entries, _Draws(seed, resamples)))
    metrics = {key: found for key, found in read.items() if isinstance(found, Measurement)}
    left_out = tuple(found for found in read.values() if isinstance(found, str))
    if not metrics:
        why = left_out or (f"It has {', '.join(entries)}.",)
        raise Fault(" ".join(["The file has no MUSE metric that can be taken.", *why]))
    record = Record(
        model=claim.model,
        repo=claim.repo,
        revision=claim.revision,
        precision=require_precision(claim.precision),
        profile=OPEN_UNLEARNING.name,
        source=SOURCE,
        scale=family.scale,
        seed=seed,
        data_sha256=_hash_rows(metrics.values()),
        metrics=metrics,
        notes=(*_said_of_all(metrics), *left_out, *_said_of_unknown(entries)),
    )
    created = datetime.now(UTC).isoformat(timespec="seconds")
    return Results(family.name, UNKNOWN, created, {}, (record,))


def _entries(text: str) -> dict[str, _Entry]:
    try:
        raw = parse_json(text)
    except ValueError as error:
        raise Fault(f"The file is not JSON: {error}.") from error
    if not isinstance(raw, dict) or not raw:
        raise Fault(
            "The file has no metrics by name; choose a MUSE_EVAL.json or MUSE_SUMMARY.json."
        )
    bodies = {
        name: said if isinstance(said, dict) else {"agg_value": said} for name, said in raw.items()
    }
    return {name: _Entry(name, body.get("agg_value"), body) for name, body in bodies.items()}


def _read_all(entries: Mapping[str, _Entry], draws: _Draws) -> Iterator[tuple[str, _Read]]:
    """What there is of each metric, by its name here."""
    for known in MEANS:
        if (entry := entries.get(known.theirs)) is not None:
            yield known.ours, _read_mean(known, entry, draws)
    if (leak := entries.get(PRIVLEAK)) is not None:
        yield PRIVLEAK, _read_privleak(leak, entries.get(MIN_K), draws)
    for theirs, ours in ATTACKS.items():
        if (entry := entries.get(theirs)) is not None and ours not in entries:
            against = AGAINST_MODEL if theirs == REFERENCE else AGAINST_CHANCE
            yield ours, _read_attack(entry, against, draws)


def _read_mean(known: Mean, entry: _Entry, draws: _Draws) -> _Read:
    value = 100 * _value(entry, 0, 1)
    rows = _rows(entry.name, entry.body).items()
    samples = [
        Sample(
            id=f"{known.rows}-{index}",
            prompt=_text(row, "input"),
            reference=_text(row, "ground_truth"),
            output=_text(row, "generation"),
            score=_number(f"{known.score} of {entry.name}, row {index},", row[known.score], 0, 1),
        )
        for index, row in rows
        if row.get(known.score) is not None
    ]
    if not samples:
        return Measurement(value, (0.0, 100.0), 0, ())
    measured = known.measure(samples, None, draws.seed, draws.resamples)
    if not isclose(measured.value, value, abs_tol=100 * CLOSE):
        return (
            f"{entry.name} is left out: its agg_value is {value / 100:.4f}, and the mean of "
            f"{known.score} of its rows {measured.value / 100:.4f}."
        )
    return measured


def _read_privleak(leak: _Entry, min_k: _Entry | None, draws: _Draws) -> _Read:
    """PrivLeak as it is; what it was set against follows from it and the AUC of Min-K%."""
    value = _value(leak, -100, inf)
    if min_k is None:
        return Measurement(value, (-100.0, max(100.0, value)), 0, (), reference=UNKNOWN)
    auc = 1 - _value(min_k, 0, 1)
    reference = AGAINST_CHANCE if auc == 0 else _derived(auc, value)
    if reference is None:
        return f"privleak is left out: {value:.2f} does not follow from the AUC of {min_k.name}."
    read = _read_attack(min_k, reference, draws)
    if auc > 0 or isinstance(read, str):
        return read if isinstance(read, str) else replace(read, value=value)
    return replace(read, value=value, reference=UNKNOWN)


def _derived(auc: float, value: float) -> Reference | None:
    """The AUC that `auc` was set against where PrivLeak is `value`; None where none is in 0–1."""
    if value <= -100:
        return None
    against = auc / (1 + value / 100)
    if isclose(against, CHANCE, abs_tol=CLOSE):
        return AGAINST_CHANCE
    if not 0 < against <= 1:
        return None
    return Reference(f"{NAMED}'s retrained model, AUC {against:.4f}", auc=against)


def _read_attack(entry: _Entry, reference: Reference, draws: _Draws) -> _Read:
    """PrivLeak of an attack's AUC against `reference`, whose AUC is given."""
    auc, against = 1 - _value(entry, 0, 1), reference.auc or CHANCE
    samples = [*_texts(entry, "forget"), *_texts(entry, "holdout")]
    if len({sample.split for sample in samples}) < 2:
        ends = privleak(0, against), privleak(1, against)
        value = privleak(auc, against)
        return Measurement(value, ends, 0, (), auc=auc, reference=reference.name)
    measured = measure_leak(samples, reference, draws.seed, draws.resamples)
    if measured.auc is None or not isclose(measured.auc, auc, abs_tol=CLOSE):
        return (
            f"{entry.name} is left out: its AUC is {1 - auc:.4f}, and that of its texts "
            f"{1 - (measured.auc or 0.0):.4f}."
        )
    return measured


def _texts(entry: _Entry, split: str) -> Iterator[LikelihoodSample]:
    body = entry.body.get(split)
    where = f"{split} of {entry.name}"
    for index, row in _rows(where, body if isinstance(body, dict) else {}).items():
        score = _number(f"the score of {where}, row {index},", row.get("score"), -inf, inf)
        yield LikelihoodSample(f"privleak_{split}-{index}", split, score)


def _rows(where: str, body: Mapping[str, Any]) -> dict[int, Mapping[str, Any]]:
    """What stands in `value_by_index`, by its number."""
    rows = body.get("value_by_index", {})
    if not isinstance(rows, dict) or not all(isinstance(row, dict) for row in rows.values()):
        raise Fault(f"The value_by_index of {where} has no object for every row.")
    if wrong := next((index for index in rows if not index.isdecimal()), None):
        raise Fault(f"The value_by_index of {where} has a row {wrong!r}; rows have numbers.")
    return {int(index): rows[index] for index in sorted(rows, key=int)}


def _value(entry: _Entry, low: float, high: float) -> float:
    if entry.value is None:
        raise Fault(
            f"{entry.name} has no agg_value; evaluate it again, or take it out of the file."
        )
    return _number(entry.name, entry.value, low, high)


def _number(where: str, value: Any, low: float, high: float) -> float:
    """`value` as a number from `low` to `high`."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not isfinite(value):
        raise Fault(f"{where} is {_shown(value)}; it must be a finite number.")
    if not low - CLOSE <= value <= high + CLOSE:
        raise Fault(f"{where} is {value}; {NAMED} writes {low:g} to {high:g}.")
    return float(min(max(value, low), high))


def _hash_rows(found: Iterable[Measurement]) -> str:
    """Of ids and true texts; where there is no text, of the scores, which no other file shares."""
    samples = [sample for measured in found for sample in measured.samples]
    texts = {(s.id, s.reference) for s in samples if isinstance(s, Sample) and s.reference}
    rows = texts or {(sample.id, str(sample.score)) for sample in samples}
    return sha256(json.dumps(sorted(rows)).encode("ascii")).hexdigest() if rows else ""


def _text(row: Mapping[str, Any], name: str) -> str:
    """A text of a row, "" where it has none."""
    value = row.get(name, "")
    if not isinstance(value, str) or (broken := broken_character(value)):
        why = _shown(value) if not isinstance(value, str) else f"a text with {broken}"
        raise Fault(f"A row has {why} as {name!r}; it must be a whole text.")
    return value


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 40 else text[:37] + "..."


def _said_of_all(metrics: Mapping[str, Measurement]) -> Iterator[str]:
    yield (
        f"Read from a file of {NAMED}, which names neither data nor device nor date; the model and "
        "its precision are as whoever brought it says, the date is that of reading, and the data's "
        "hash is of the true texts in it."
    )
    if any(measured.n == 0 for measured in metrics.values()):
        yield "Where n is 0 the file has a number alone: how far chance moves it is not known."
    if any(measured.reference == AGAINST_CHANCE.name for measured in metrics.values()):
        yield "What is set against an AUC of 0.5 is set against no retrained model."


def _said_of_unknown(entries: Mapping[str, _Entry]) -> Iterator[str]:
    known = {PRIVLEAK, *ATTACKS, *(mean.theirs for mean in MEANS)}
    for name, entry in entries.items():
        if name not in known:
            yield f"{name} has no name here; the file says {_shown(entry.value)}."
