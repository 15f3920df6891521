"""Every baseline says what ours says: few rows of two models of the demo family, in fp32."""

from dataclasses import replace

import pytest

from benchmarks import floor, sequential, stream, suite, threads
from benchmarks.agreement import Outcome, compare
from benchmarks.models import plain_weights, ready_engine
from benchmarks.visitors import in_turn, together, visits
from loaders import load_family
from loaders.engine.local import LocalEngine
from loaders.engine.weights import Weights
from metrics import load_data

DEMO = load_family("demo")
# The last one's answers are longer than the first one's: some batches end late.
FAMILY = replace(DEMO, models=(DEMO.model("retrained"), DEMO.model("simnpo")))
KEYS = tuple(spec.key for spec in FAMILY.models)
ROWS = 3
NEW_TOKENS = 12


@pytest.fixture(scope="module")
def engine() -> LocalEngine:
    return ready_engine(FAMILY, "fp32")


@pytest.fixture(scope="module")
def models() -> dict[str, Weights]:
    return plain_weights(FAMILY, "fp32")


@pytest.fixture(scope="module")
def outcomes(engine: LocalEngine, models: dict[str, Weights]) -> dict[str, dict[str, Outcome]]:
    contenders = suite.contenders(engine, models, FAMILY, ROWS)
    return {name: run() for name, run in contenders.items()}


@pytest.mark.parametrize("rival", [rival.name for rival in suite.RIVALS])
def test_the_suite_says_the_same(outcomes: dict[str, dict[str, Outcome]], rival: str) -> None:
    agreement = compare(outcomes["ours"], outcomes[rival])
    assert agreement.texts == 3 * ROWS * len(KEYS)
    assert agreement.identical == agreement.texts
    assert agreement.difference < 1e-3
    assert set(outcomes[rival]["simnpo"].numbers) == set(suite.METRICS)


def prompt() -> str:
    return load_data(FAMILY, 1).verbmem[0].prompt


def test_panes_say_the_same(engine: LocalEngine, models: dict[str, Weights]) -> None:
    ours = stream.ours(engine, KEYS, prompt(), NEW_TOKENS)
    assert all(answer.text and answer.tokens == NEW_TOKENS for answer in ours.values())
    assert threads.run(models, prompt(), NEW_TOKENS) == ours
    assert sequential.run(models, prompt(), NEW_TOKENS) == ours


def test_the_floor_makes_a_forward_for_each_token(models: dict[str, Weights]) -> None:
    widths: list[int] = []
    hooks = [
        weights.model.register_forward_pre_hook(
            lambda _, __, given: widths.append(given["input_ids"].shape[1]), with_kwargs=True
        )
        for weights in models.values()
    ]
    floor.run(models, prompt(), {"retrained": 3, "simnpo": 2})
    for hook in hooks:
        hook.remove()
    read = len(models["retrained"].tokenizer.encode(prompt()))
    assert widths == [read, read, 1, 1, 1]


def test_a_crowd_together_reads_what_each_reads_alone(engine: LocalEngine) -> None:
    crowd = visits(FAMILY, 3, NEW_TOKENS)
    joint, alone = together(engine, crowd), in_turn(engine, crowd)
    assert joint.texts == alone.texts
    assert joint.tokens == alone.tokens == 3 * len(KEYS) * NEW_TOKENS
    assert joint.first_seconds.keys() == alone.first_seconds.keys()
