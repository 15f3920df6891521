"""A measured figure and the JSON file that figures are kept in; never how one was measured."""

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from typing import Any, Literal

from loaders import Fault
from metrics.versions import versions

Unit = Literal["ratio", "seconds", "tokens_per_second", "gib"]
Bound = Literal["at least", "at most"]


@dataclass(frozen=True)
class Figure:
    """One claim about speed, with the runs behind it; its value is their median.

    `misses` are conditions beside the target that do not hold, in words: a figure that has one is
    not met, however fast. `note` is printed beside the figure, `details` is kept with it.
    """

    name: str
    unit: Unit
    runs: tuple[float, ...]
    bound: Bound
    target: float
    baseline: str
    device: str
    note: str = ""
    misses: tuple[str, ...] = ()
    details: dict[str, Any] = field(default_factory=dict)
    created: str = field(default_factory=lambda: datetime.now(UTC).isoformat(timespec="seconds"))

    @property
    def value(self) -> float:
        """The median run."""
        return median(self.runs)

    @property
    def met(self) -> bool:
        """Whether the target is reached and every other condition holds."""
        reached = (
            self.value >= self.target if self.bound == "at least" else self.value <= self.target
        )
        return reached and not self.misses


def named(name: str, precision: str) -> str:
    """`name` for fp32, which is what a figure without a suffix is; else with the precision's."""
    return name if precision == "fp32" else f"{name}_{precision}"


def as_json(figure: Figure) -> dict[str, Any]:
    """What is kept of a figure under its name; the first key is its unit."""
    return {
        figure.unit: round(figure.value, 4),
        "bound": figure.bound,
        "target": figure.target,
        "met": figure.met,
        "misses": list(figure.misses),
        "runs": [round(run, 4) for run in figure.runs],
        "baseline": figure.baseline,
        "device": figure.device,
        "versions": versions(),
        "created": figure.created,
        "note": figure.note,
        "details": figure.details,
    }


def save(path: Path, figures: Iterable[Figure]) -> None:
    """Put `figures` into the file at `path` by their names and leave all others in it."""
    kept = _read(path)
    kept.update({figure.name: as_json(figure) for figure in figures})
    path.parent.mkdir(parents=True, exist_ok=True)
    half = path.with_name(f"{path.name}.part")
    half.write_text(json.dumps(kept, indent=1) + "\n", encoding="utf-8")
    half.replace(path)


def _read(path: Path) -> dict[str, Any]:
    if not path.exists():
        return {}
    try:
        kept = json.loads(path.read_text(encoding="utf-8"))
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise Fault(f"{path} is not JSON: {error}. Name another file, or remove it.") from error
    if not isinstance(kept, dict):
        raise Fault(f"{path} holds no figures; name another file, or remove it.")
    return kept
