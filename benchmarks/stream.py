"""Four panes that answer one prompt: ours against threads, against a queue and over the floor.

Ratios are of seconds per token, each contender's own tokens counted, so that an answer that ends
early helps nobody.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from statistics import median

from benchmarks import floor, sequential, threads
from benchmarks.answer import Answer, total
from benchmarks.figure import Bound, Figure, named
from benchmarks.models import plain_weights, ready_engine
from benchmarks.race import Lap, race, seconds
from benchmarks.setting import Setting, device_words
from loaders import Engine, Request, Sampling
from loaders.engine.weights import Weights
from metrics import load_data

Run = Callable[[], dict[str, Answer]]
PaneLap = Lap[dict[str, Answer]]
Laps = Mapping[str, Sequence[PaneLap]]


@dataclass(frozen=True)
class Rival:
    """What ours is set against: at least so many times faster, or at most so much slower."""

    name: str
    bound: Bound
    target: float
    baseline: str


RIVALS = (
    Rival("threads", "at least", 1.5, "four threads of generate(), a TextIteratorStreamer each"),
    Rival("sequential", "at least", 1.3, "four calls of generate(), one after the other"),
    Rival("floor", "at most", 1.2, "four models' bare forwards in lockstep, no sampling, no text"),
)


def measure(setting: Setting) -> Iterator[Figure]:
    """The three comparisons at every precision."""
    for precision in setting.precisions:
        engine = ready_engine(setting.family, precision)
        models = plain_weights(setting.family, precision)
        prompt = load_data(setting.family, 1).verbmem[0].prompt
        made = contenders(engine, models, prompt, setting.size.stream_tokens)
        race(made, 1)
        laps = race(made, setting.size.repeats)
        for rival in RIVALS:
            yield figure(rival, laps, precision)


def contenders(
    engine: Engine, models: Mapping[str, Weights], prompt: str, new_tokens: int
) -> dict[str, Run]:
    """Four ways to run all models on `prompt`; the floor is as long as our answers are."""
    answers = ours(engine, tuple(models), prompt, new_tokens)
    lengths = {key: answer.tokens for key, answer in answers.items()}
    return {
        "ours": partial(ours, engine, tuple(models), prompt, new_tokens),
        "threads": partial(threads.run, models, prompt, new_tokens),
        "sequential": partial(sequential.run, models, prompt, new_tokens),
        "floor": partial(floor.run, models, prompt, lengths),
    }


def ours(engine: Engine, models: Sequence[str], prompt: str, new_tokens: int) -> dict[str, Answer]:
    """Every model's greedy answer, streamed as the page streams it."""
    answers = dict.fromkeys(models, Answer("", 0))
    requests = [Request(key, key, prompt, Sampling(new_tokens)) for key in models]
    for event in engine.stream(requests):
        if event is not None:
            before = answers[event.model]
            answers[event.model] = Answer(before.text + event.text, before.tokens + 1)
    return answers


def per_token(laps: Sequence[PaneLap]) -> list[float]:
    """Seconds per token of all panes together, lap by lap."""
    return [lap.seconds / total(lap.result.values()) for lap in laps]


def figure(rival: Rival, laps: Laps, precision: str) -> Figure:
    """Ours against `rival`: times faster, or for a floor times slower, lap by lap."""
    times = {name: per_token(laps[name]) for name in ("ours", rival.name)}
    above, below = (rival.name, "ours") if rival.bound == "at least" else ("ours", rival.name)
    rates = {name: 1 / median(found) for name, found in times.items()}
    last = {name: laps[name][-1].result for name in times}
    same = _identical(last["ours"], last[rival.name])
    return Figure(
        name=named(f"stream_vs_{rival.name}", precision),
        unit="ratio",
        runs=tuple(a / b for a, b in zip(times[above], times[below], strict=True)),
        bound=rival.bound,
        target=rival.target,
        baseline=rival.baseline,
        device=device_words(precision),
        note=f"{rates['ours']:.0f} tokens/s, {rival.name} {rates[rival.name]:.0f}"
        + ("" if same is None else f"; texts identical {same} of {len(last['ours'])}"),
        details={
            "tokens_per_second": {name: round(rate, 1) for name, rate in rates.items()},
            "tokens": {name: _tokens(found) for name, found in last.items()},
            "texts_identical": same,
            "seconds": seconds({name: laps[name] for name in times}),
        },
    )


def _tokens(answers: Mapping[str, Answer]) -> dict[str, int]:
    return {key: answer.tokens for key, answer in answers.items()}


def _identical(ours: Mapping[str, Answer], theirs: Mapping[str, Answer]) -> int | None:
    """How many panes show the same; None where the other contender shows none."""
    if not any(answer.text for answer in theirs.values()):
        return None
    return sum(answer.text == theirs[key].text for key, answer in ours.items())
