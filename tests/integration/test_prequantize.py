"""The command against a Hub over HTTP: from a download to a pushed family that answers alike."""

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from peft import LoraConfig, get_peft_model
from transformers import AutoModelForCausalLM

from tests.commands import Done, run_process
from tests.integration.pushed_hub import TOKEN, Shelf, running_shelf
from tests.tiny import save_tiny

FAMILY = """
name = "tiny"
title = "Tiny"
scale = "toy"
data = "./data"
books = { forget = "a", retain = "b" }

[[models]]
key = "original"
label = "Original"
letter = "O"
role = "original"
note = "read the book"
repo = "owner/tiny"
revision = "main"
tokenizer = "owner/reads"
colour = "#D55E00"
colour_dark = "#ff8a3d"
marker = "circle"
"""
READS = ("tokenizer.json", "tokenizer_config.json", "special_tokens_map.json")
ANSWERS = """
import sys
from dataclasses import replace
from loaders import load_family
from loaders.engine.local import LocalEngine
from loaders.engine.weights import load_weights
for name in sys.argv[1:]:
    engine = LocalEngine(load_family(name), "nf4", "cpu")
    for _ in engine.load("original"):
        pass
    status = engine.status("original")
    assert status.state == "ready", status
    (score,) = [s for s in engine.score("original", ["The keeper of the light"]) if s]
    print(score.logprobs)
row = replace(load_family(sys.argv[1]).models[0], adapter="them/lora", adapter_revision="main")
print(load_weights(row, "fp32", "cpu").model.model.layers[0].self_attn.q_proj.scaling)
"""


@dataclass(frozen=True)
class World:
    """A Hub with a model whose tokenizer is another's, a family of it and an empty cache."""

    folder: Path
    shelf: Shelf
    address: str

    @property
    def has_source(self) -> bool:
        """Whether the weights of the source are in the cache."""
        return bool(list((self.folder / "cache").rglob("snapshots/*/model.safetensors")))

    def run(self, *words: str, token: str = TOKEN) -> Done:
        """A Python process that knows this Hub alone."""
        environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith("HF_")},
            "HF_ENDPOINT": self.address,
            "HF_HOME": str(self.folder / "cache"),
            "HF_HUB_DISABLE_XET": "1",
            "HF_TOKEN": token,
        }
        return run_process(*words, environment=environment)

    def prequantize(self, *words: str, token: str = TOKEN) -> Done:
        """The command on the family, into `out`."""
        family, out = str(self.folder / "tiny.toml"), str(self.folder / "out")
        command = ("-m", "loaders", "prequantize", "--family", family, "--out", out)
        return self.run(*command, *words, token=token)


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    folder = tmp_path_factory.mktemp("prequantize")
    save_tiny(folder / "model")
    files = {path.name: path.read_bytes() for path in (folder / "model").iterdir()}
    shelf = Shelf()
    shelf.commit("owner/tiny", {n: content for n, content in files.items() if n not in READS})
    shelf.commit("owner/reads", {n: content for n, content in files.items() if n in READS})
    base = AutoModelForCausalLM.from_pretrained(folder / "model")
    lora = get_peft_model(base, LoraConfig(r=2, lora_alpha=16, target_modules=["q_proj"]))
    lora.save_pretrained(folder / "lora")
    shelf.commit("them/lora", {p.name: p.read_bytes() for p in (folder / "lora").iterdir()})
    (folder / "tiny.toml").write_text(FAMILY, encoding="utf-8")
    with running_shelf(shelf) as address:
        yield World(folder, shelf, address)


@dataclass(frozen=True)
class Runs:
    """What was said when a token could not write, and then when one could; `kept` is whether the
    source was still in the cache after the first."""

    refused: Done
    kept: bool
    pushed: Done


@pytest.fixture(scope="module")
def runs(world: World) -> Runs:
    refused = world.prequantize("--push-to", "us", "--delete-source", token="hf_may_only_read")
    kept = world.has_source
    pushed = world.prequantize("--push-to", "us", "--delete-source")
    return Runs(refused, kept, pushed)


def test_a_token_that_may_not_write_pushes_nothing_and_loses_nothing(runs: Runs) -> None:
    assert runs.refused.returncode == 2
    assert "cannot be pushed to us/tiny-original-nf4: " in runs.refused.stderr
    assert "hf_may_only_read" not in runs.refused.stdout + runs.refused.stderr
    assert runs.kept


def test_what_was_verified_is_pushed_and_then_its_source_is_removed(
    world: World, runs: Runs
) -> None:
    said = runs.pushed.stdout
    assert runs.pushed.returncode == 0, runs.pushed.stderr
    assert TOKEN not in said + runs.pushed.stderr
    assert "original: made and verified before" in said
    assert re.search(r"owner/tiny @ \w{8} is removed from the Hub's cache; .* free", said)
    assert not world.has_source
    files = list(world.shelf.models["us/tiny-original-nf4"].values())[-1]
    written = {path.name: path.read_bytes() for path in (world.folder / "out/original").iterdir()}
    assert {name: files[name] for name in written} == written
    assert world.shelf.private == {"us/tiny-original-nf4"}
    assert "base_model: owner/tiny" in files["README.md"].decode()
    assert "license: mit" in files["README.md"].decode()


def test_the_pushed_family_and_that_of_folders_answer_as_the_source_does(
    world: World, runs: Runs
) -> None:
    hub = world.folder / "out" / "family-hub.toml"
    commit = list(world.shelf.models["us/tiny-original-nf4"])[-1]
    assert f'repo = "us/tiny-original-nf4"\nrevision = "{commit}"' in hub.read_text("utf-8")
    names = [str(world.folder / "tiny.toml"), str(hub), str(hub.with_name("family.toml"))]
    answers = world.run("-c", ANSWERS, *names)
    assert answers.returncode == 0, answers.stderr
    *lines, scaling = answers.stdout.splitlines()
    assert len(lines) == 3
    assert len(set(lines)) == 1
    assert scaling == "{'default': 8.0}"


def test_without_a_hub_one_sentence_says_so(world: World) -> None:
    away = replace(world, address="http://127.0.0.1:9", folder=world.folder / "away")
    away.folder.mkdir()
    (away.folder / "tiny.toml").write_text(FAMILY, encoding="utf-8")
    said = away.prequantize()
    assert said.returncode == 2
    assert "owner/tiny @ main cannot be had from the Hub: " in said.stderr
    assert said.stderr.count("\n") == 1
