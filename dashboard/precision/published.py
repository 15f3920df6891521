"""Numbers that others printed of models in full precision and in 4 bits; read, never measured."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Literal

from pydantic import ConfigDict, TypeAdapter

from loaders.family import Role
from metrics.reading.recovery import recovery

BOOKS = Path(__file__).parents[2] / "assets" / "published" / "books-quantization.toml"
STRICT = ConfigDict(extra="forbid")


@dataclass(frozen=True)
class Source:
    """Who printed numbers, and where."""

    __pydantic_config__ = STRICT

    key: str
    label: str
    where: str


@dataclass(frozen=True)
class PaperModel:
    """A model of the literature; none of this project's checkpoints."""

    __pydantic_config__ = STRICT

    key: str
    label: str
    role: Role
    colour: str
    colour_dark: str
    marker: str


@dataclass(frozen=True)
class Pair:
    """One model's numbers by metric in full precision and quantized; the latter may be missing.

    `learning_rate` is that of unlearning, where it is known.
    """

    __pydantic_config__ = STRICT

    model: str
    source: str
    where: str
    full: Mapping[str, float]
    quantized: Mapping[str, float] = field(default_factory=dict)
    learning_rate: float | None = None


@dataclass(frozen=True)
class Pairs:
    """All pairs of one data set. `full` and `quantized` name the two precisions; the first source
    is the one that is drawn and the first pair of a model the one that counts."""

    __pydantic_config__ = STRICT

    title: str
    scale: Literal["toy", "full"]
    full: str
    quantized: str
    held: str
    explains: str
    caveats: tuple[str, ...]
    sources: tuple[Source, ...]
    models: tuple[PaperModel, ...]
    pairs: tuple[Pair, ...]

    def model(self, pair: Pair) -> PaperModel:
        """The model of a pair."""
        return next(model for model in self.models if model.key == pair.model)

    def of(self, source: Source) -> tuple[Pair, ...]:
        """A source's pairs."""
        return tuple(pair for pair in self.pairs if pair.source == source.key)

    def counting(self, source: Source) -> tuple[Pair, ...]:
        """The first pair of each of a source's models."""
        first = {pair.model: pair for pair in reversed(self.of(source))}
        return tuple(pair for pair in self.of(source) if first[pair.model] is pair)

    def original(self, source: str) -> Pair | None:
        """What a source's recoveries are read against."""
        found = (pair for pair in self.pairs if pair.source == source)
        return next((pair for pair in found if self.model(pair).role == "original"), None)

    def regained(self, pair: Pair, metric: str) -> float | None:
        """The recovery of an unlearned model; None where there is none to be had."""
        original = self.original(pair.source)
        if original is None or self.model(pair).role != "unlearned":
            return None
        numbers = (pair.quantized.get(metric), pair.full.get(metric), original.full.get(metric))
        if None in numbers:
            return None
        at_p, at_full, before = (number for number in numbers if number is not None)
        return recovery(at_p, at_full, before)


@lru_cache(maxsize=4)
def load_pairs(path: Path = BOOKS) -> Pairs:
    """Read the pairs that ship with the project."""
    raw = tomllib.loads(path.read_text(encoding="utf-8"))
    return TypeAdapter(Pairs).validate_python(raw)
