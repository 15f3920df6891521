"""Records that may be read beside each other: one family, precision, profile, data set and seed."""

from collections.abc import Sequence
from dataclasses import dataclass

from metrics.store.records import Stored


@dataclass(frozen=True)
class Batch:
    """Records of one family that were measured alike."""

    stored: tuple[Stored, ...]

    @property
    def first(self) -> Stored:
        """Any of them, for what they share."""
        return self.stored[0]

    @property
    def title(self) -> str:
        """The family and the precision."""
        return f"{self.first.family} at {self.first.record.held}"

    @property
    def retrained(self) -> Stored | None:
        """The retrained model that the others are read against, if it is there, and once."""
        return self._single("retrained")

    @property
    def original(self) -> Stored | None:
        """The model that nothing was unlearned from, if it is there, and once."""
        return self._single("original")

    @property
    def is_one_run(self) -> bool:
        """Whether every model is there once, so that they can be compared."""
        models = [one.record.model for one in self.stored]
        devices = {one.device for one in self.stored}
        return len(set(models)) == len(models) and len(devices) == 1

    def _single(self, role: str) -> Stored | None:
        found = [one for one in self.stored if one.face.role == role]
        return found[0] if len(found) == 1 else None


def make_batches(stored: Sequence[Stored]) -> tuple[Batch, ...]:
    """The records sorted into batches, in the order they come."""
    found: dict[tuple[str, ...], list[Stored]] = {}
    for one in stored:
        record = one.record
        alike = (one.family, record.held, record.profile, record.data_sha256)
        found.setdefault((*alike, str(record.seed)), []).append(one)
    return tuple(Batch(tuple(group)) for group in found.values())
