"""A stored record as the rest of the code sees it, and its way from and to Results; no SQL."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from metrics.results import Measurement, Record, Results, merge
from metrics.store.faces import Face, find_face
from metrics.store.keys import ID, finished_key


@dataclass(frozen=True)
class Number:
    """One stored number, and when it was measured (UTC, ISO 8601)."""

    measurement: Measurement
    created: str

    @property
    def stored(self) -> str:
        """What to say of it: "stored, 2026-11-24 14:03 UTC"."""
        return say_stored(self.created)


@dataclass(frozen=True)
class Stored:
    """One record with all that its numbers depend on. `id` is short and names it for people.

    `dates` say when each metric was measured, `created` when the last of them was; where there is
    none yet, when the run began. `rows` counts the rows that are kept for a run to go on with.
    `read_only` records are shipped with the project.
    """

    id: str
    family: str
    device: str
    versions: Mapping[str, str]
    created: str
    face: Face
    record: Record
    dates: Mapping[str, str] = field(default_factory=dict)
    rows: int = 0
    read_only: bool = False

    @property
    def name(self) -> str:
        """What to call it in a sentence: "npo @ nf4 (1a2b3c4d5e6f)"."""
        return f"{self.record.model}{self.step} @ {self.record.precision} ({self.id})"

    @property
    def step(self) -> str:
        """ ", step 40" for a stage of a training run, empty for a finished model."""
        return "" if self.record.step is None else f", step {self.record.step}"


@dataclass(frozen=True)
class Filter:
    """Which records are wanted; None for all. `since` is the beginning of an ISO 8601 date."""

    family: str | None = None
    model: str | None = None
    precision: str | None = None
    profile: str | None = None
    since: str | None = None

    def takes(self, stored: Stored) -> bool:
        """Whether a record is among them."""
        pairs = (
            (self.family, stored.family),
            (self.model, stored.record.model),
            (self.precision, stored.record.precision),
            (self.profile, stored.record.profile),
        )
        found = all(wanted is None or wanted == value for wanted, value in pairs)
        return found and (self.since is None or stored.created >= self.since)


def say_stored(created: str) -> str:
    """A date of ours for people; all dates of ours are UTC."""
    return f"stored, {say_date(created)}"


def say_date(created: str) -> str:
    """ "2026-11-24 14:03 UTC"."""
    return f"{created[:16].replace('T', ' ')} UTC"


def as_results(stored: Sequence[Stored]) -> Results:
    """Records as one run's Results, the newest date and its versions in front.

    Fault for none, for two families or devices, and for a model twice at one precision.
    """
    parts = [
        Results(one.family, one.device, one.created, dict(one.versions), (one.record,))
        for one in stored
    ]
    return merge(parts)


def as_stored(
    results: Results, faces: Mapping[str, Face], source: str | None = None
) -> tuple[Stored, ...]:
    """The records of a run that is not in a store, each by the name it would have in one.

    `source` is said instead of the records' own: "recorded" of shipped ones.
    """
    return tuple(
        Stored(
            id=finished_key(results, record).id[:ID],
            family=results.family,
            device=results.device,
            versions=results.versions,
            created=results.created,
            face=find_face(record.model, faces),
            record=replace(record, source=source or record.source),
            dates=dict.fromkeys(record.metrics, results.created),
            read_only=source is not None,
        )
        for record in results.records
    )
