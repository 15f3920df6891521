"""What a stored number depends on, and the name that follows from it; never where it is kept.

A record is named by everything; its rows by what they depend on alone, so that another seed or
another limit finds them again.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from hashlib import sha256

from loaders.checkpoint import device_of, repo_name, revision
from loaders.family import Family, ModelSpec
from metrics.inputs.data import Data
from metrics.profile import Profile
from metrics.results import Record, Results

# Raised whenever the engine, a pass or a formula gives other numbers than it did: what is stored
# under the old one stays readable and is measured anew.
NUMBERS = 1

ID = 12  # hex digits of a name that are shown
NOT_IN_KEY = ("python",)  # versions that no number depends on


@dataclass(frozen=True)
class Key:
    """Everything the numbers of one model depend on, except which metrics they are.

    `rows` stands for the ids of the rows that were asked for, `prompt` for the family's templates
    with `tokenizer` beside; `device` is the kind of device, `compute` what quantized weights are
    computed in, empty where the precision says it. What else is empty is not known: such a record
    is kept and shown, and no run takes its numbers.
    """

    family: str
    model: str
    repo: str
    revision: str
    tokenizer: str
    prompt: str
    precision: str
    device: str
    profile: str
    data_sha256: str
    versions: Mapping[str, str]
    seed: int
    resamples: int
    rows: str
    step: int | None = None
    numbers: int = NUMBERS
    compute: str = ""

    @property
    def id(self) -> str:
        """The name of the record: sha256 of the canonical JSON of all of it.

        Without `compute` where it is empty: there was none in older keys, and what was stored of
        weights that are not quantized is found again.
        """
        values = asdict(self)
        return fingerprint({key: values[key] for key in values if key != "compute" or self.compute})

    @property
    def origin(self) -> str:
        """The name of its rows: no seed is in them, and each has an id of its own."""
        return replace(self, seed=0, resamples=0, rows="").id

    def record(self, scale: str) -> Record:
        """A record that is measured here and has no number yet."""
        return Record(
            model=self.model,
            repo=self.repo,
            revision=self.revision,
            precision=self.precision,
            profile=self.profile,
            source="live",
            scale=scale,
            seed=self.seed,
            data_sha256=self.data_sha256,
            metrics={},
            step=self.step,
            compute=self.compute or None,
        )


@dataclass(frozen=True)
class Setup:
    """How models are run and what counts, known before any of them is loaded."""

    precision: str
    device: str
    profile: Profile
    seed: int
    resamples: int
    versions: Mapping[str, str]
    compute: str


def make_keys(
    family: Family, data: Data, models: Sequence[ModelSpec], setup: Setup
) -> dict[str, Key]:
    """The key of each of `models`, by its key in the family.

    Reads every byte of a local model's weights, once per process.
    """
    prompt = fingerprint(asdict(family.prompt))
    rows = fingerprint(sorted(row_ids(data)))
    return {
        spec.key: Key(
            family=family.name,
            model=spec.key,
            repo=repo_name(spec),
            revision=revision(spec),
            tokenizer=_tokenizer(spec),
            prompt=prompt,
            precision=setup.precision,
            device=device_kind(device_of(spec, setup.device)),
            profile=setup.profile.name,
            data_sha256=data.sha256,
            versions=_counted(setup.versions),
            seed=setup.seed,
            resamples=setup.resamples,
            rows=rows,
            step=spec.step,
            compute="" if spec.is_served else setup.compute,
        )
        for spec in models
    }


def finished_key(results: Results, record: Record) -> Key:
    """The key of a record that came as it is, without the run that made it."""
    ids = {key: [sample.id for sample in m.samples] for key, m in sorted(record.metrics.items())}
    return Key(
        family=results.family,
        model=record.model,
        repo=record.repo,
        revision=record.revision,
        tokenizer="",
        prompt="",
        precision=record.precision,
        device=device_kind(results.device),
        profile=record.profile,
        data_sha256=record.data_sha256,
        versions=_counted(results.versions),
        seed=record.seed,
        resamples=0,
        rows=fingerprint(ids),
        step=record.step,
        compute=record.compute or "",
    )


def row_ids(data: Data) -> frozenset[str]:
    """The ids of all rows that are asked about; the examples in a prompt are in the data's hash."""
    sets = (
        data.verbmem,
        data.knowmem_f,
        data.knowmem_r,
        data.knowmem_rehearsed,
        data.privleak_forget,
        data.privleak_holdout,
        data.privleak_retain,
    )
    return frozenset(row.id for rows in sets for row in rows)


def device_kind(device: str) -> str:
    """ "cuda" of "cuda:1": the same numbers come from the second GPU of a kind."""
    return device.partition(":")[0]


def fingerprint(value: object) -> str:
    """sha256 of canonical JSON: keys in order, no white space."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"))
    return sha256(text.encode("ascii")).hexdigest()


def _tokenizer(spec: ModelSpec) -> str:
    """Which tokenizer reads for the model; one of its own goes with the model's revision."""
    if spec.tokenizer in ("", spec.repo):
        return "its own"
    place = replace(spec, repo=spec.tokenizer, adapter="")
    return f"{repo_name(place)}@{spec.tokenizer_revision}"


def _counted(versions: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in versions.items() if name not in NOT_IN_KEY}
