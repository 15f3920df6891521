"""`python -m loaders check` as a process of its own, against a Hub of our own and against none."""

import json
import os
from pathlib import Path

import pytest

from tests.commands import Done, run_process
from tests.hub.muse import NEWEST, muse_repos
from tests.hub.repos import Hub, Repo, Trouble
from tests.hub.server import running_hub

ORIGINAL, RETRAINED = "muse-bench/MUSE-books_target", "muse-bench/MUSE-books_retrain"
NPO, DATA = "OPTML-Group/NPO-SAM-MUSE-BOOKS", "muse-bench/MUSE-Books"
SEVEN_BILLION = {
    "hidden_size": 4096,
    "intermediate_size": 11008,
    "num_hidden_layers": 32,
    "num_attention_heads": 32,
    "num_key_value_heads": 32,
    "head_dim": 128,
    "vocab_size": 32000,
}


def check(address: str, home: Path, *words: str) -> Done:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("HF_")}
    own = {"HF_ENDPOINT": address, "HF_HOME": str(home)}
    command = ("-m", "loaders", "check", "muse-books", "--device", "cpu")
    return run_process(*command, *words, environment=kept | own)


@pytest.fixture(scope="module")
def hub() -> Hub:
    return Hub(muse_repos(rows=1))


def changed(repo: Repo, files: dict[str, bytes | None]) -> Repo:
    """The repository with files put in, or taken out where they are None."""
    ((commit, before),) = repo.commits.items()
    after = {name: content for name, content in (before | files).items() if content is not None}
    return Repo({commit: after})


def test_a_family_that_is_there_and_fits_is_said_to(hub: Hub, tmp_path: Path) -> None:
    with running_hub(hub) as address:
        found = check(address, tmp_path)
    assert found.returncode == 0, found.stderr
    assert f"{ORIGINAL} @ c8dd3fb2: 7 files, 563 kB, 563 kB to download" in found.stdout
    assert f"not pinned: main is {NEWEST} now" in found.stdout
    assert found.stdout.count("tokenizer  NousResearch/Llama-2-7b-hf @ 8efe6c9b") == 1
    assert "1.71 MB to download" in found.stdout
    assert "4 models on cpu" in found.stdout
    assert found.stdout.endswith("\nAll of it is there, and fits.\n")
    assert not list(tmp_path.rglob("*.safetensors"))


def test_what_will_not_work_is_said_for_each_before_anything_is_downloaded(
    hub: Hub, tmp_path: Path
) -> None:
    config = json.loads(next(iter(hub.repos[ORIGINAL].commits.values()))["config.json"])
    broken = Hub(dict(hub.repos), [Trouble(DATA, status=404, code="RevisionNotFound")])
    large = json.dumps(config | SEVEN_BILLION).encode()
    broken.repos[ORIGINAL] = changed(hub.repos[ORIGINAL], {"config.json": large})
    shard = "model-00003-of-00004.safetensors"
    broken.repos[RETRAINED] = changed(hub.repos[RETRAINED], {shard: None})
    broken.repos[NPO] = Repo(hub.repos[NPO].commits, gated=True)
    with running_hub(broken) as address:
        found = check(address, tmp_path)
    assert found.returncode == 1, found.stderr
    said = found.stdout
    assert f"! retrained  {RETRAINED} @ 1d67430e\n" in said
    assert f"{RETRAINED} has no {shard} at 1d67430e." in said
    assert f"{NPO} is gated: ask for access on https://huggingface.co/{NPO}, then" in said
    assert f"{DATA} has no revision '051ba90319e920d410d87cfdbd61f25843c1b892'" in said
    assert "! nf4   0.2 MiB to 3.6 GiB of weights each; Original has 6.7 billion parameters" in said
    assert said.endswith("\n4 of these will not work as it is.\n")


def test_without_a_hub_one_sentence_says_so(tmp_path: Path) -> None:
    found = check("http://127.0.0.1:9", tmp_path)
    assert found.returncode == 2
    assert found.stderr.startswith(
        "python -m loaders check: The Hub cannot be reached at http://127.0.0.1:9, for "
    )
    assert found.stderr.count("\n") == 1
