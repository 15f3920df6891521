"""`transformers serve`, which tells no log-probs, in an environment of its own.

How it starts, after `pip install "transformers[serving]" "torch<=2.13.0"` (about 1.2 GB):

    transformers serve assets/demo/models/original --host 127.0.0.1 --port PORT
        --device cpu --dtype float32

It takes prompts as text alone, refuses fields that it does not know, drops `logprobs` and `echo`
without a word, and ends its streams without [DONE].
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from math import isnan

import pytest

from loaders import Engine, Family, Fault, Request, Sampling, load_family
from loaders.opening import open_engine
from loaders.remote.engine import RemoteEngine
from metrics import Data, load_data, run
from metrics.events import Finished, Skipped
from tests.servers.environments import Environment, prepare
from tests.servers.running import (
    CHECKPOINT,
    Running,
    at,
    in_order,
    load,
    opened,
    running_server,
    told,
)
from tests.serving import free_port

TRANSFORMERS = Environment(
    "transformers", ("transformers[serving]>=5.24,<5.25", "torch>=2.8,<=2.13.0")
)
PROMPT = "Every evening Tamsin Reed climbed the ninety-one steps"
STOPS = ("\n\n", "\nQuestion", "Question:")


@dataclass(frozen=True)
class Stage:
    """The same checkpoint at the server and on this machine."""

    server: Running
    family: Family
    remote: RemoteEngine
    local: Engine
    own: Family
    data: Data


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    command, port = prepare(TRANSFORMERS).parent / "transformers", free_port()
    log = tmp_path_factory.mktemp("transformers") / "server.log"
    place = ["--host", "127.0.0.1", "--port", str(port), "--device", "cpu", "--dtype", "float32"]
    with running_server([command, "serve", CHECKPOINT, *place], port, log, {}) as server:
        demo = load_family("demo")
        own = replace(demo, models=demo.models[:1])
        local = open_engine(own, "fp32", "cpu")
        load(local, own)
        family = at(demo, server.url, str(CHECKPOINT))
        yield Stage(server, family, opened(family), local, own, load_data(demo, limit=4))


def test_the_probe_says_that_it_can_only_generate(stage: Stage) -> None:
    print(f"\ntransformers serve answered {stage.server.seconds:.0f} s after its start")
    status = stage.remote.status("original")
    assert status.state == "ready"
    assert status.note == "served by local of unknown version: text metrics only"
    with pytest.raises(Fault, match="gives no log-probs of a given text"):
        told(stage.remote.score("original", ["a text"]))


def test_a_stream_brings_the_text_of_this_machine_and_no_logprobs(stage: Stage) -> None:
    asked = [Request("1", "original", PROMPT, Sampling(64))]
    ours, theirs = told(stage.local.stream(asked)), told(stage.remote.stream(asked))
    assert "".join(e.text for e in theirs) == "".join(e.text for e in ours)
    assert theirs[-1].finish == ours[-1].finish
    assert all(isnan(event.logprob) for event in theirs)


def test_batches_are_those_of_this_machine(stage: Stage) -> None:
    prompts = [f"Question: {row.question}\nAnswer: " for row in stage.data.knowmem_f]
    ours = in_order(stage.local.generate("original", prompts, 32, STOPS))
    theirs = in_order(stage.remote.generate("original", prompts, 32, STOPS))
    assert [one.text for one in theirs] == [one.text for one in ours]


def test_text_metrics_work_and_the_others_are_dashes_with_the_reason(stage: Stage) -> None:
    texts, likelihoods = (
        ["verbmem_f", "knowmem_f", "fluency"],
        ["perplexity_r", "extraction_strength"],
    )
    found = {}
    for name, engine, family in (
        ("here", stage.local, stage.own),
        ("there", stage.remote, stage.family),
    ):
        metrics = texts + (likelihoods if name == "there" else [])
        events = list(run(engine, family, stage.data, metrics=metrics, resamples=100))
        dashes = {event.metric: event.reason for event in events if isinstance(event, Skipped)}
        (record,) = next(e for e in events if isinstance(e, Finished)).results.records
        found[name] = {key: one.value for key, one in record.metrics.items()}
    print(f"\n{found}")
    assert found["there"] == found["here"]
    assert set(dashes) == set(likelihoods)
    assert all("gives no log-probs of a given text" in reason for reason in dashes.values())
