"""Does a rebuilt family measure like the shipped one? Never changes what is shipped."""

from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from metrics import Measurement, from_json
from metrics.choosing.trials import MEASURED
from metrics.files import read_text
from unlearning.layout import build_library, hash_files
from unlearning.runs import measure

PRECISION = "fp32"


@dataclass(frozen=True)
class Comparison:
    """One number of one model: rebuilt, shipped, and the shipped one's 95 % interval."""

    model: str
    metric: str
    rebuilt: float
    shipped: float
    ci95: tuple[float, float]

    @property
    def agrees(self) -> bool:
        """Whether the rebuilt number lies in the shipped one's interval."""
        low, high = self.ci95
        return low <= self.rebuilt <= high

    def __str__(self) -> str:
        low, high = self.ci95
        return (
            f"{self.model:14} {self.metric:10} rebuilt {self.rebuilt:7.2f}  shipped "
            f"{self.shipped:7.2f} [{low:.2f}, {high:.2f}]  {'ok' if self.agrees else 'DIFFERS'}"
        )


def compare(rebuilt: Path, shipped: Path) -> list[Comparison]:
    """Every number of every model of `rebuilt`, measured now, against `shipped`'s results."""
    results = from_json(read_text(shipped / "results.json.gz"))
    found = []
    for record in results.records:
        if record.precision != PRECISION:
            continue
        values = measure(record.model, rebuilt / "models" / record.model, rebuilt, "data")
        found += [
            _compare(record.model, name, values[name], record.metrics[name]) for name in MEASURED
        ]
    return found


def changed_files(seed: int, shipped: Path) -> list[str]:
    """The files of data/ and selection/ that the seed does not give as they are shipped."""
    wanted = hash_files(build_library(seed))
    return [name for name in wanted if _hash_of(shipped / name) != wanted[name]]


def _hash_of(path: Path) -> str:
    return sha256(path.read_bytes()).hexdigest() if path.is_file() else ""


def _compare(model: str, metric: str, ours: Measurement, theirs: Measurement) -> Comparison:
    return Comparison(model, metric, ours.value, theirs.value, theirs.ci95)
