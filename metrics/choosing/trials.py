"""Settings of unlearning methods and what each gave: records and their CSV; never trains.

A sweep is a tuple of trials, and so is the trajectory of one run: the same setting, more steps.
"""

import csv
from collections.abc import Iterable
from dataclasses import asdict, dataclass, fields
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from loaders.faults import Fault

MEASURED = ("verbmem_f", "knowmem_f", "privleak", "knowmem_r", "fluency")


@dataclass(frozen=True)
class Trial:
    """One setting of one method at one length, and what it gave.

    `method` is "original" or "retrained" for the models that the others are set against; these
    have no setting. `beta` is None for a method without one. Values are on their metrics' scales,
    `auc` is PrivLeak's. `verdict` says what the rule found: "forgot", "not forgotten" or
    "collapsed". `shipped_as` is the key of the model that this trial's setting became. `passages`,
    `questions` (on either side) and `texts` (of both splits) are what it was measured on, and
    `base` is the revision of the model that the run began from, or of the base itself.
    """

    method: str
    lr: float | None
    beta: float | None
    retain_weight: float | None
    steps: int
    seed: int
    verbmem_f: float
    knowmem_f: float
    privleak: float
    auc: float
    knowmem_r: float
    fluency: float
    verdict: str = ""
    shipped_as: str = ""
    passages: int = 0
    questions: int = 0
    texts: int = 0
    base: str = ""

    @property
    def setting(self) -> tuple[str, float | None, float | None, float | None, int]:
        """What one seed shares with another."""
        return self.method, self.lr, self.beta, self.retain_weight, self.steps


def write_trials(trials: Iterable[Trial], path: Path) -> None:
    """All trials as CSV, one line each; an empty cell is None."""
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, [field.name for field in fields(Trial)], lineterminator="\n")
        writer.writeheader()
        writer.writerows(asdict(trial) for trial in trials)


def read_trials(path: Path) -> tuple[Trial, ...]:
    """What `write_trials` wrote. Fault for a file that is missing and for a bad line."""
    try:
        with path.open(newline="", encoding="utf-8") as file:
            rows = list(csv.DictReader(file))
    except (OSError, UnicodeDecodeError) as error:
        raise Fault(f"The trials in {path} could not be read: {error}.") from error
    return tuple(_trial(path, number, row) for number, row in enumerate(rows, 2))


def _trial(path: Path, line: int, row: dict[str, str]) -> Trial:
    values = {
        name: None if text == "" and name in ("lr", "beta", "retain_weight") else text
        for name, text in row.items()
    }
    try:
        return TypeAdapter(Trial).validate_python(values)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise Fault(f"{path}, line {line}: {where!r}: {first['msg']}.") from error
