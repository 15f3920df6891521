"""`python app.py --family muse-books` against a Hub of our own that has the real ids and commits.

The models are tiny and know nothing; their shards, dtypes and tokenizer, and the lengths of the
texts, are the real ones' in kind.
"""

import os
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from gradio_client import Client

from loaders.family import load_family
from tests.hub.muse import NEWEST, commits_of, muse_repos
from tests.hub.repos import Hub, Repo, Trouble
from tests.hub.server import running_hub
from tests.serving import app_process, await_page

TOKEN = "hf_that_nobody_may_see"
FAMILY = load_family("muse-books")
REPOS = {spec.key: spec.repo for spec in FAMILY.models}
MENDED = "b" * 40
PATIENCE_SECONDS = 120.0
ROWS = 6  # of fewer, none may be less likely than any other, and PrivLeak divides by that


@dataclass(frozen=True)
class Book:
    """The app while it runs: its named endpoints, the Hub behind it, and what it says."""

    client: Client
    hub: Hub
    said: Path

    def states(self) -> dict[str, dict[str, Any]]:
        """Where each model is, by its key."""
        return {one["model"]: one for one in self.client.predict(api_name="/status")}

    def settled(self) -> dict[str, dict[str, Any]]:
        """The same, when every model is ready or has failed."""
        self.until(
            lambda: not {"waiting", "loading"} & {o["state"] for o in self.states().values()}
        )
        return self.states()

    def until(self, true: Callable[[], bool]) -> None:
        """Return when it is true; an error if that takes too long."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while not true():
            assert time.monotonic() < deadline, self.states()
            time.sleep(0.1)

    def compare(self, prompt: str) -> dict[str, dict[str, Any]]:
        """What each model says in the end, by its key."""
        job = self.client.submit(prompt, 8, api_name="/compare")
        return {one["model"]: one for one in job.result(timeout=PATIENCE_SECONDS)}


def damaged(repo: Repo) -> Repo:
    """A repository whose first shard is published with a header that is none."""
    ((commit, files),) = repo.commits.items()
    name = next(name for name in files if name.endswith(".safetensors"))
    return Repo({commit: files | {name: bytes(64) + files[name][64:]}})


@pytest.fixture(scope="module")
def book(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Book]:
    """Started with one model gated, one damaged and one whose connection breaks off."""
    folder = tmp_path_factory.mktemp("muse-books")
    whole = muse_repos(rows=ROWS)
    hub = Hub(whole | {REPOS["npo"]: damaged(whole[REPOS["npo"]])})
    hub.troubles += [
        Trouble(REPOS["retrained"], status=403, code="GatedRepo"),
        Trouble(f"/cdn/{REPOS['simnpo']}.*00001-of", times=1, cut=60_000),
    ]
    kept = {name: value for name, value in os.environ.items() if not name.startswith("HF_")}
    with running_hub(hub) as address, (folder / "said").open("wb") as said:
        theirs = {"HF_ENDPOINT": address, "HF_HOME": str(folder / "hub"), "HF_TOKEN": TOKEN}
        flags = ("--family", "muse-books", "--device", "cpu")
        with app_process(*flags, environment=kept | theirs, said=said) as (process, page):
            await_page(page, process)
            book = Book(Client(page, verbose=False), hub, folder / "said")
            yield book
    assert TOKEN not in book.said.read_text("utf-8")


def test_a_model_that_cannot_come_says_why_and_the_others_answer(book: Book) -> None:
    states = book.settled()
    assert {key: one["state"] for key, one in states.items()} == {
        "original": "ready",
        "retrained": "failed",
        "npo": "failed",
        "simnpo": "ready",
    }
    assert states["retrained"]["reason"].startswith(f"{REPOS['retrained']} is gated: ask for")
    assert states["npo"]["reason"].startswith(
        f"The weights of {REPOS['npo']} @ aaaaaaaa are published damaged"
    )
    ranges = [seen.range for seen in book.hub.seen if "/cdn/" + REPOS["simnpo"] in seen.path]
    assert "bytes=60000-" in ranges
    answers = book.compare("The keeper of the light")
    assert answers["original"]["tokens"] == answers["simnpo"]["tokens"] == 8
    assert "is gated" in answers["retrained"]["error"]
    assert f"{REPOS['original']}: model-00001-of-00004.safetensors, 148 kB in" in (
        book.said.read_text("utf-8")
    )


def test_what_failed_comes_without_a_restart_and_the_whole_family_is_measured(book: Book) -> None:
    book.settled()
    ((_, files),) = muse_repos(rows=1)[REPOS["npo"]].commits.items()
    book.hub.repos[REPOS["npo"]] = Repo({MENDED: files})
    book.hub.troubles.clear()
    assert book.client.predict(api_name="/load_again") == ["retrained", "npo"]
    book.until(lambda: {one["state"] for one in book.states().values()} == {"ready"})
    answers = book.compare("The keeper of the light")
    assert {one["tokens"] for one in answers.values()} == {8}
    results = book.client.predict(ROWS, api_name="/evaluate")
    records = {record["model"]: record for record in results["records"]}
    assert {key: record["revision"] for key, record in records.items()} == {
        **commits_of(FAMILY),
        "npo": MENDED,
    }
    assert commits_of(FAMILY)["simnpo"] == NEWEST
    assert results["missing"] == []
    for record in records.values():
        assert {"verbmem_f", "knowmem_f", "privleak", "knowmem_r"} <= set(record["metrics"])
