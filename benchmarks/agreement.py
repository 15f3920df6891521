"""Whether two ways of running the suite say the same; never runs one."""

from collections.abc import Mapping
from dataclasses import dataclass

IDENTICAL = 0.995
POINTS = 0.1


@dataclass(frozen=True)
class Outcome:
    """What a run says of one model: texts by sample id, numbers in points by metric.

    A number that is not defined (PrivLeak against an AUC of 0) is not in it.
    """

    texts: dict[str, str]
    numbers: dict[str, float]


@dataclass(frozen=True)
class Agreement:
    """How near two runs are; `difference` is the largest between two numbers, in points."""

    texts: int
    identical: int
    difference: float

    @property
    def share(self) -> float:
        """Identical texts of all texts, 0–1."""
        return self.identical / self.texts

    def misses(self) -> tuple[str, ...]:
        """In words, what keeps the two from saying the same."""
        found = []
        if self.share < IDENTICAL:
            found.append(f"fewer than {IDENTICAL:.1%} of texts identical")
        if self.difference > POINTS:
            found.append(f"scores more than {POINTS:g} points apart")
        return tuple(found)

    def as_json(self) -> dict[str, float]:
        """What is kept of it with a figure."""
        return {
            "texts": self.texts,
            "identical": self.identical,
            "identical_share": round(self.share, 5),
            "largest_difference_points": round(self.difference, 5),
        }

    def words(self) -> str:
        """Both numbers, for the table."""
        return (
            f"texts identical {self.share:.1%} of {self.texts}, "
            f"scores within {self.difference:.3f} points"
        )


def compare(ours: Mapping[str, Outcome], theirs: Mapping[str, Outcome]) -> Agreement:
    """Model by model and sample by sample; both must be of the same samples and numbers."""
    texts, others = _texts(ours), _texts(theirs)
    numbers, other_numbers = _numbers(ours), _numbers(theirs)
    if texts.keys() != others.keys() or numbers.keys() != other_numbers.keys():
        odd = (texts.keys() ^ others.keys()) | (numbers.keys() ^ other_numbers.keys())
        raise RuntimeError(f"the runs are not of the same samples and numbers: {sorted(odd)[:5]}")
    identical = sum(text == others[key] for key, text in texts.items())
    apart = [abs(number - other_numbers[key]) for key, number in numbers.items()]
    return Agreement(len(texts), identical, max(apart))


def _texts(run: Mapping[str, Outcome]) -> dict[str, str]:
    return {f"{m} {key}": text for m, outcome in run.items() for key, text in outcome.texts.items()}


def _numbers(run: Mapping[str, Outcome]) -> dict[str, float]:
    return {f"{m} {key}": n for m, outcome in run.items() for key, n in outcome.numbers.items()}
