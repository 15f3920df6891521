"""Runs and records for tests of the store: an engine that counts, a key, a measurement."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

from loaders import Completion, Family, Score
from loaders.fake import FakeEngine
from metrics import Data, Event, Finished, Measurement, Passage, Results, Sample
from metrics.passes import Output
from metrics.store import Face, Key, Store
from metrics.stored import Wanted, run_stored
from tests.unit.metrics.library import DATA, ready

FACE = Face("NPO", "N", "unlearned", "#0072B2", "#58b0ec")
KEY = Key(
    family="lamp",
    model="npo",
    repo="models/npo",
    revision="sha256:0123456789ab",
    tokenizer="its own",
    prompt="p" * 64,
    precision="fp32",
    device="cpu",
    profile="muse",
    data_sha256="0" * 64,
    versions={"numpy": "2.4.6"},
    seed=0,
    resamples=50,
    rows="r" * 64,
)
NUMBER = Measurement(50.0, (40.0, 60.0), 1, (Sample("verbmem-0", "once", "upon", "a time", 0.5),))


def row(name: str) -> Output:
    """One row of a pass, called `name`."""
    return Output(name, f"prompt of {name}", "the truth", "what was said", (1, 2), (3, 4))


def keep(
    store: Store, key: Key = KEY, number: Measurement = NUMBER, metric: str = "verbmem_f"
) -> None:
    """Store one number under `key`."""
    store.begin(key, FACE, "toy", "cpu")
    store.keep_number(key.id, metric, "", number)


def long_data(passages: int) -> Data:
    """DATA with so many passages to recite."""
    rows = (
        Passage(f"verbmem-{i}", f"in the evening {i}", f"they slept {i}") for i in range(passages)
    )
    return replace(DATA, verbmem=tuple(rows))


def sleeper(model: str, prompt: str) -> str:
    """A model that says one thing."""
    return "they slept"


class Asked(FakeEngine):
    """Counts the prompts and texts that come back from it, by model."""

    def __init__(self, seconds_per_step: float = 0.0) -> None:
        super().__init__(sleeper, seconds_per_step=seconds_per_step)
        self.answered: list[str] = []

    def generate(
        self, model: str, prompts: Sequence[str], max_new_tokens: int, stops: Sequence[str] = ()
    ) -> Iterator[Completion | None]:
        for done in super().generate(model, prompts, max_new_tokens, stops):
            self.answered += [model] if done is not None else []
            yield done

    def score(
        self,
        model: str,
        texts: Sequence[str],
        prompts: Sequence[str] | None = None,
        moments: bool = False,
    ) -> Iterator[Score | None]:
        for done in super().score(model, texts, prompts, moments):
            self.answered += [model] if done is not None else []
            yield done


class Opener:
    """Opens `engine`, and remembers which models it was asked to make ready."""

    def __init__(self, engine: FakeEngine, family: Family) -> None:
        self._engine = ready(engine, family)
        self.opened: list[Sequence[str]] = []

    def __call__(self, models: Sequence[str]) -> FakeEngine:
        self.opened.append(tuple(models))
        return self._engine


def run_all(store: Store, opener: Opener, wanted: Wanted, told: list[str]) -> list[Event]:
    """Every event of a run to its end."""
    found = run_stored(store, opener, wanted, told.append)
    return [event for event in found if event is not None]


def results(events: Sequence[Event]) -> Results:
    """What the run ended with."""
    assert isinstance(events[-1], Finished)
    return events[-1].results
