"""The demo family with rows at a server: the same page, the same numbers, and no key anywhere."""

import ast
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from gradio_client import Client

from loaders import Family, load_family
from loaders.checkpoint import device_of, devices, repo_name, revision
from loaders.family import ModelSpec
from loaders.opening import open_engine
from metrics import Data, Results, load_data, run, to_json
from metrics.events import Finished, Skipped
from metrics.registry import choose
from tests.completions import PLAIN, VLLM, Log, Manner, Speaker, completions_server
from tests.serving import ROOT, free_port, running_app

KEY = "sk-nobody-may-see-this"
TEXTS = ["verbmem_f", "knowmem_f"]
LIKELIHOODS = ["privleak", "privleak_min_k_pp", "exact_memorization"]
PROMPT = "Every evening Tamsin Reed climbed"


@dataclass(frozen=True)
class Ran:
    """A run to its end: the numbers, and the reasons of dashes by metric and model."""

    results: Results
    dashes: dict[tuple[str, str], str]


@pytest.fixture(scope="module")
def family() -> Family:
    """The gold standard and one unlearned model, to keep the test short."""
    demo = load_family("demo")
    return replace(demo, models=(demo.model("retrained"), demo.model("npo")))


@pytest.fixture(scope="module")
def data(family: Family) -> Data:
    return load_data(family, limit=3)


@pytest.fixture(scope="module")
def speakers(family: Family) -> dict[str, Speaker]:
    return {spec.key: Speaker(Path(spec.repo)) for spec in family.models}


@pytest.fixture(scope="module")
def local(family: Family, data: Data) -> Ran:
    return measured(family, data, [*TEXTS, *LIKELIHOODS])


def measured(family: Family, data: Data, metrics: list[str]) -> Ran:
    engine = open_engine(family, "fp32", "cpu")
    for spec in family.models:
        for _ in engine.load(spec.key):
            pass
    dashes = {}
    for event in run(engine, family, data, metrics=metrics, resamples=100):
        if isinstance(event, Skipped):
            dashes[event.metric, event.model] = event.reason
        if isinstance(event, Finished):
            return Ran(event.results, dashes)
    raise AssertionError("the run ended without results")


def at(spec: ModelSpec, url: str) -> ModelSpec:
    return replace(
        spec,
        engine="openai",
        url=url,
        served_model=spec.key,
        served_precision="fp32",
        key_env="TARGET_KEY",
        repo="",
    )


@contextmanager
def served(
    family: Family, speakers: dict[str, Speaker], manner: Manner, *models: str
) -> Iterator[tuple[Family, Log]]:
    """`family` with `models` at a server."""
    with completions_server(speakers, manner) as (url, log):
        rows = [at(s, url) if s.key in models else s for s in family.models]
        yield replace(family, models=tuple(rows)), log


@pytest.fixture(autouse=True)
def _key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TARGET_KEY", KEY)


@pytest.mark.parametrize("models", [("npo",), ("npo", "retrained")], ids=["mixed", "all"])
def test_numbers_and_samples_are_those_of_this_machine(
    family: Family, data: Data, speakers: Any, local: Ran, models: tuple[str, ...]
) -> None:
    with served(family, speakers, replace(VLLM, key=KEY), *models) as (there, _):
        ran = measured(there, data, [*TEXTS, *LIKELIHOODS])
    for ours, theirs in zip(local.results.records, ran.results.records, strict=True):
        for metric in TEXTS:
            assert theirs.metrics[metric] == ours.metrics[metric]
        for metric in ("privleak", "exact_memorization"):
            mine, its = ours.metrics[metric], theirs.metrics[metric]
            assert its.value == pytest.approx(mine.value, abs=1e-6)
            scores = [sample.score for sample in mine.samples]
            assert [s.score for s in its.samples] == pytest.approx(scores, abs=1e-4)
    without = {("privleak_min_k_pp", model) for model in ("npo", "retrained") if model in models}
    # The retrained model is what the others' Min-K%++ is set against.
    without |= {("privleak_min_k_pp", "npo")} if "retrained" in models else set()
    assert set(ran.dashes) == without
    assert "the mean and the variance of log p" in ran.dashes["privleak_min_k_pp", models[-1]]


def test_a_server_without_prompt_logprobs_gets_text_metrics_and_reasons(
    family: Family, data: Data, speakers: Any, local: Ran
) -> None:
    with served(family, speakers, PLAIN, "npo") as (there, _):
        ran = measured(there, data, [*TEXTS, *LIKELIHOODS])
    ours, theirs = (one.results.record("npo", "fp32") for one in (local, ran))
    assert ours is not None
    assert theirs is not None
    assert set(theirs.metrics) == set(TEXTS)
    for metric in TEXTS:
        assert theirs.metrics[metric].value == ours.metrics[metric].value
    assert set(ran.dashes) == {(metric, "npo") for metric in LIKELIHOODS}
    for reason in ran.dashes.values():
        assert "gives no log-probs of a given text, which this number is made of" in reason


def test_a_result_names_the_server_and_nothing_that_opens_it(
    family: Family, data: Data, speakers: Any
) -> None:
    with served(family, speakers, replace(VLLM, key=KEY), "npo") as (there, log):
        ran = measured(there, data, ["knowmem_f"])
        text = to_json(ran.results)
    record = ran.results.record("npo", "fp32")
    assert record is not None
    assert (record.revision, record.repo) == ("npo @ vllm 0.32.0", "npo")
    assert ran.results.device == "cpu + server"
    assert KEY in log.keys[0]
    for secret in (KEY, "TARGET_KEY", "127.0.0.1"):
        assert secret not in text


def test_where_a_row_runs_is_known_without_asking(family: Family) -> None:
    here = family.model("npo")
    there = at(here, f"http://127.0.0.1:{free_port()}/v1")
    assert (device_of(here, "cuda:1"), device_of(there, "cuda:1")) == ("cuda:1", "server")
    assert devices([there], "cuda") == "server"
    assert repo_name(there) == "npo"
    assert repo_name(replace(there, served_model="/home/ada/models/npo/")) == "npo"
    assert repo_name(replace(there, served_model="owner/npo")) == "owner/npo"
    assert revision(there) == "npo @ an unknown server"


def test_the_app_runs_a_row_at_a_server_and_shows_no_key(
    tmp_path: Path, speakers: dict[str, Speaker]
) -> None:
    with completions_server(speakers, replace(VLLM, key=KEY)) as (url, log):
        path = written(tmp_path, url)
        with running_app("--family", str(path), "--precision", "fp32", "--device", "cpu") as page:
            client = Client(page, verbose=False)
            *_, last = client.submit(PROMPT, 8, api_name="/compare")
            measured = client.predict(limit=2, metrics=["knowmem_f"], api_name="/evaluate")
            seen = json.dumps([client.predict(api_name="/status"), client.config, last, measured])
    texts = {answer["model"]: answer["text"] for answer in last}
    assert texts["npo"].strip()
    assert {r["model"]: r["revision"] for r in measured["records"]}["npo"] == "npo @ vllm 0.32.0"
    assert len(log.bodies) > 3
    assert KEY not in seen


def written(folder: Path, url: str) -> Path:
    """The demo family's file with two rows, of which the NPO one is at a server."""
    whole = (ROOT / "loaders" / "families" / "demo.toml").read_text(encoding="utf-8")
    head, _, *rows = whole.split("[[models]]")
    kept = [row for row in rows if 'key = "retrained"' in row or 'key = "npo"' in row]
    text = "[[models]]".join([head, *kept])
    text = text.replace("../../assets", str(ROOT / "assets"))
    place = f'repo = "{ROOT}/assets/demo/models/npo"'
    assert place in text
    row = {
        "engine": "openai",
        "url": url,
        "served_model": "npo",
        "served_precision": "fp32",
        "tokenizer": f"{ROOT}/assets/demo/models/npo",
        "key_env": "TARGET_KEY",
    }
    lines = "\n".join(f'{name} = "{value}"' for name, value in row.items())
    path = folder / "mine.toml"
    path.write_text(text.replace(place, lines), encoding="utf-8")
    return path


def test_no_page_can_name_a_server() -> None:
    """Visitors send prompts and choices; where a server is stands in the operator's file alone."""
    for path in sorted((ROOT / "dashboard").rglob("*.py")):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        modules = [node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)]
        assert not [name for name in modules if name.startswith("loaders.remote")]
        names = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
        assert not {"served_model", "key_env"} & names
    assert choose(TEXTS)
