"""Visitors who press Run at once: together in one step machine, or one after the other through it.

Each asks all models to continue a passage of their own. Everyone's clock starts when everyone
presses, reading the prompts and streaming included.
"""

import os
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from statistics import median

import numpy as np

from benchmarks.figure import Figure, named
from benchmarks.models import ready_engine
from benchmarks.race import Lap, race, seconds
from benchmarks.setting import Crowd, Setting, device_words
from loaders import Family, Request, Sampling, TokenEvent
from loaders.engine.local import LocalEngine
from metrics import load_data

Laps = Mapping[str, Sequence[Lap["Served"]]]
Visits = Sequence[Sequence[Request]]

BASELINE = "the same visitors through the same engine, one after the other"
WARM_UP_TOKENS = 2


@dataclass
class Served:
    """What a crowd got so far: texts by request, tokens, seconds to each request's first token."""

    started: float = field(default_factory=time.perf_counter)
    texts: dict[str, str] = field(default_factory=dict)
    first_seconds: dict[str, float] = field(default_factory=dict)
    tokens: int = 0

    def take(self, event: TokenEvent) -> None:
        """Count one event in."""
        request = event.request_id
        self.first_seconds.setdefault(request, time.perf_counter() - self.started)
        self.texts[request] = self.texts.get(request, "") + event.text
        self.tokens += event.token_id is not None

    @property
    def p95_first_seconds(self) -> float:
        """95 of 100 requests had their first token after that."""
        return float(np.percentile(list(self.first_seconds.values()), 95))


def measure(setting: Setting) -> Iterator[Figure]:
    """Every crowd at every precision."""
    tokens = setting.size.visitor_tokens
    for precision in setting.precisions:
        engine = ready_engine(setting.family, precision)
        for crowd in setting.size.crowds:
            few = visits(setting.family, crowd.visitors, WARM_UP_TOKENS)
            race(_contenders(engine, few), 1)
            made = _contenders(engine, visits(setting.family, crowd.visitors, tokens))
            yield figure(race(made, setting.size.repeats), crowd, tokens, precision)


def visits(family: Family, visitors: int, new_tokens: int) -> list[list[Request]]:
    """The requests of each visitor, a passage of the data for each, from the first one on."""
    passages = load_data(family).verbmem
    sampling = Sampling(new_tokens)
    return [
        [
            Request(f"{number} {spec.key}", spec.key, passage.prompt, sampling)
            for spec in family.models
        ]
        for number, passage in enumerate(passages[i % len(passages)] for i in range(visitors))
    ]


def _contenders(engine: LocalEngine, crowd: Visits) -> dict[str, "partial[Served]"]:
    return {
        "together": partial(together, engine, crowd),
        "in turn": partial(in_turn, engine, crowd),
    }


def together(engine: LocalEngine, crowd: Visits) -> Served:
    """All requests are in the machine at once."""
    served = Served()
    running = set()
    for request in (request for visit in crowd for request in visit):
        engine.submit(request)
        running.add(request.id)
    while running:
        for event in engine.step():
            served.take(event)
            if event.finish is not None:
                running.discard(event.request_id)
    return served


def in_turn(engine: LocalEngine, crowd: Visits) -> Served:
    """The next visitor's requests start when the last one's are done."""
    served = Served()
    for visit in crowd:
        for event in engine.stream(visit):
            if event is not None:
                served.take(event)
    return served


def figure(laps: Laps, crowd: Crowd, new_tokens: int, precision: str) -> Figure:
    """Tokens per second together over those in turn, lap by lap."""
    rates = {name: [lap.result.tokens / lap.seconds for lap in laps[name]] for name in laps}
    waits = {name: median(lap.result.p95_first_seconds for lap in laps[name]) for name in laps}
    joint, alone = (laps[name][-1].result.texts for name in ("together", "in turn"))
    same = sum(text == alone[key] for key, text in joint.items())
    differ = precision == "fp32" and same < len(joint)
    return Figure(
        name=named(f"visitors_{crowd.visitors}", precision),
        unit="ratio",
        runs=tuple(a / b for a, b in zip(rates["together"], rates["in turn"], strict=True)),
        bound="at least",
        target=crowd.target,
        baseline=BASELINE,
        device=device_words(precision, os.cpu_count()),
        note=(
            f"{median(rates['together']):.0f} tokens/s, in turn {median(rates['in turn']):.0f}; "
            f"texts as alone {same} of {len(joint)}; first token within "
            f"{waits['together']:.2f} s (p95), in turn {waits['in turn']:.1f} s"
        ),
        misses=("texts differ from running alone",) if differ else (),
        details={
            "visitors": crowd.visitors,
            "new_tokens": new_tokens,
            "texts": len(joint),
            "texts_identical": same,
            "tokens_per_second": {name: round(median(found), 1) for name, found in rates.items()},
            "p95_first_token_seconds": {name: round(wait, 4) for name, wait in waits.items()},
            "seconds": seconds(laps),
        },
    )
