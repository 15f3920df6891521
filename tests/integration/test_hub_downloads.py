"""What the Hub does wrong while models come: resumed, waited for, or said with its cure.

Each download is a process of its own that knows our Hub alone and has a cache of its own.
"""

import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from loaders.family import load_family
from tests.commands import run_process
from tests.hub.muse import NEWEST, muse_repos
from tests.hub.repos import Hub, Repo, Trouble, etag
from tests.hub.server import running_hub

TOKEN = "hf_that_nobody_may_see"
ORIGINAL, SIMNPO = "muse-bench/MUSE-books_target", "OPTML-Group/SimNPO-MUSE-Books-iclm-7b"
SHARD = "model-00002-of-00004.safetensors"

BRING = """
import json, sys
from loaders import Fault, load_family
from loaders.hub.disk import Disk
from loaders.hub.downloads import Downloads
from loaders.hub.places import in_folders
from loaders.hub.transfer import Patience

asked = json.loads(sys.argv[1])
family = load_family("muse-books")
free = asked.get("free")
downloads = Downloads(Disk((lambda: free) if free else None), patience=Patience((0.05,) * 3))
begun = {key: downloads.begin(family.model(key)) for key in asked["models"]}
said = {}
for key, download in begun.items():
    notes = set()
    while not download.wait(0.01):
        notes.add(download.note)
    try:
        spec = download.result()
        said[key] = {"commit": spec.revision, "folder": in_folders(spec).repo}
    except Fault as fault:
        said[key] = {"fault": str(fault)}
    said[key]["notes"] = sorted(notes)
print(json.dumps(said))
"""

READ = """
import json, sys
from pathlib import Path
from safetensors import SafetensorError, safe_open
from loaders import Fault, load_family
from loaders.hub.downloads import Downloads
from loaders.hub.places import explained, in_folders

download = Downloads().begin(load_family("muse-books").model("original"))
download.wait(60)
spec = download.result()
try:
    for path in sorted(Path(in_folders(spec).repo).glob("*.safetensors")):
        safe_open(path, "pt")
    print("all can be read")
except SafetensorError as error:
    fault = Fault("damaged")
    fault.__cause__ = error
    print(explained(spec, fault))
"""


@dataclass(frozen=True)
class World:
    """A Hub, and a cache that starts empty."""

    hub: Hub
    address: str
    home: Path

    def bring(self, *models: str, **asked: Any) -> dict[str, Any]:
        """What came of downloading models of muse-books, by their keys."""
        words = (BRING, json.dumps({"models": models} | asked))
        said: dict[str, Any] = json.loads(self.run(*words, **asked.get("environment", {})))
        return said

    def run(self, *words: str, **environment: str) -> str:
        """What a program that knows this Hub and this cache alone prints."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith("HF_")}
        own = {"HF_ENDPOINT": self.address, "HF_HOME": str(self.home), "HF_TOKEN": TOKEN}
        found = run_process("-c", *words, environment=kept | own | environment)
        assert found.returncode == 0, found.stderr
        assert TOKEN not in found.stdout + found.stderr
        assert "signature=" not in found.stdout + found.stderr
        return found.stdout

    def requests(self, name: str) -> list[str]:
        """The ranges in which a file was asked of where large files are."""
        return [seen.range for seen in self.hub.seen if _is_content(seen.path, name)]


def _is_content(path: str, name: str) -> bool:
    return path.startswith("/cdn/") and path.endswith(name)


@pytest.fixture(scope="module")
def repos() -> dict[str, Repo]:
    return muse_repos(rows=1)


@pytest.fixture
def world(repos: dict[str, Repo], tmp_path: Path) -> Iterator[World]:
    hub = Hub(dict(repos))
    with running_hub(hub) as address:
        yield World(hub, address, tmp_path)


def test_models_come_whole_at_their_commits_and_are_asked_for_once(world: World) -> None:
    said = world.bring("original", "retrained", "npo", "simnpo")
    revisions = {spec.key: spec.revision for spec in load_family("muse-books").models}
    assert said["original"]["commit"] == revisions["original"]
    assert said["npo"]["commit"] == said["simnpo"]["commit"] == NEWEST
    for key, repo in (("original", ORIGINAL), ("simnpo", SIMNPO)):
        folder = Path(said[key]["folder"])
        files = next(iter(world.hub.repos[repo].commits.values()))
        assert {path.name: path.read_bytes() for path in folder.iterdir()} == files
    tokens = {seen.path: seen.token for seen in world.hub.seen if seen.path.startswith("/cdn/")}
    assert tokens
    assert not any(tokens.values())  # where large files are, nobody is shown the token
    world.hub.seen.clear()
    again = world.bring("original", "simnpo")
    assert again["original"]["commit"] == said["original"]["commit"]
    asked = [seen.path for seen in world.hub.seen if "agent-harnesses" not in seen.path]
    assert asked == [f"/api/models/{SIMNPO}/revision/main"]  # a commit never changes, a branch may


def test_what_is_kept_is_had_without_the_hub(world: World) -> None:
    world.bring("original", "simnpo")
    offline = world.bring("original", "simnpo", "npo", environment={"HF_HUB_OFFLINE": "1"})
    assert offline["simnpo"]["commit"] == NEWEST
    assert "HF_HUB_OFFLINE is set; unset it" in offline["npo"]["fault"]
    away = world.bring("original", "npo", environment={"HF_ENDPOINT": "http://127.0.0.1:9"})
    assert "commit" in away["original"]
    assert away["npo"]["fault"].startswith("The Hub cannot be reached at http://127.0.0.1:9, for ")


def test_a_connection_cut_in_mid_shard_goes_on_where_it_broke_off(world: World) -> None:
    world.hub.troubles.append(Trouble(f"/cdn/.*{SHARD}", times=2, cut=50_000))
    said = world.bring("original")
    assert "commit" in said["original"]
    assert world.requests(SHARD) == ["", "bytes=50000-", "bytes=100000-"]


def test_what_came_before_the_program_ended_is_not_fetched_again(world: World) -> None:
    content = f"/cdn/.*{SHARD}"
    world.hub.troubles += [Trouble(content, times=1, cut=50_000), Trouble(content, 3, status=503)]
    fault = world.bring("original")["original"]["fault"]
    assert fault == f"The Hub has a fault of its own (503) with {ORIGINAL}; try again later."
    world.hub.seen.clear()
    assert "commit" in world.bring("original")["original"]
    assert world.requests(SHARD) == ["bytes=50000-"]
    assert len([seen for seen in world.hub.seen if _is_content(seen.path, ".safetensors")]) <= 4


REPOS = {spec.key: spec.repo for spec in load_family("muse-books").models}


def wrong(model: str, says: str, *, shard: bool = False, **how: Any) -> tuple[str, str, Trouble]:
    return model, says, Trouble(f"/cdn/{REPOS[model]}.*00002-of" if shard else REPOS[model], **how)


@pytest.mark.parametrize(
    "wrongs",
    [
        (
            wrong("original", "is gated: ask for access on http", status=403, code="GatedRepo"),
            wrong("retrained", "The Hub does not let this token read ", status=403),
            wrong("npo", "is not on the Hub, or it is private", status=401, code="RepoNotFound"),
        ),
        (
            wrong("original", "has no revision 'c8dd3fb2", status=404, code="RevisionNotFound"),
            wrong("retrained", "The Hub has a fault of its own (500) with ", status=500),
            wrong("npo", "has to wait; try again in 900 s.", status=429, wait=900),
        ),
        (
            wrong("original", f"{SHARD} of {ORIGINAL} came incomplete", shard=True, short=1000),
            wrong(
                "retrained",
                f"{SHARD} of {REPOS['retrained']} came damaged",
                shard=True,
                damaged=True,
            ),
            wrong("npo", "The Hub does not know the token that is set", status=401),
        ),
    ],
)
def test_what_fails_is_said_with_its_cure_and_nothing_else_fails(
    world: World, wrongs: tuple[tuple[str, str, Trouble], ...]
) -> None:
    world.hub.troubles += [trouble for *_, trouble in wrongs]
    said = world.bring(*REPOS)
    for model, says, _ in wrongs:
        assert says in said[model]["fault"]
    assert said["simnpo"]["commit"] == NEWEST
    world.hub.troubles.clear()
    assert all("commit" in one for one in world.bring(*REPOS).values())


def test_the_hub_is_asked_again_when_it_says_so(world: World) -> None:
    world.hub.troubles.append(Trouble(f"/cdn/.*{SHARD}", times=1, status=429, wait=1))
    said = world.bring("original")["original"]
    assert "commit" in said
    assert any(
        note.endswith("the Hub is busy (429): trying again in 1 s") for note in said["notes"]
    )


def test_what_does_not_fit_beside_the_others_is_not_begun(world: World) -> None:
    files = next(iter(world.hub.repos[ORIGINAL].commits.values()))
    free = 2**28 + sum(map(len, files.values())) + 50_000
    world.hub.troubles.append(Trouble("/cdn/", pause=0.5))  # neither is done before both are asked
    said = world.bring("original", "simnpo", free=free)
    faults = [one["fault"] for one in said.values() if "fault" in one]
    assert len(faults) == 1
    assert "to download, and the disk of " in faults[0]
    assert "of which other downloads need" in faults[0]


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no device that is always full")
def test_a_disk_that_fills_up_keeps_what_came(world: World, repos: dict[str, Repo]) -> None:
    world.bring("simnpo")  # makes the cache
    cache = world.home / "hub" / f"models--{ORIGINAL.replace('/', '--')}" / "blobs"
    files = next(iter(repos[ORIGINAL].commits.values()))
    cache.mkdir(parents=True)
    full = cache / f"{etag(SHARD, files[SHARD])}.incomplete"
    full.symlink_to("/dev/full")
    fault = world.bring("original")["original"]["fault"]
    assert fault.startswith(f"The disk of {world.home / 'hub'} is full, so {ORIGINAL} cannot be")
    full.unlink()
    assert "commit" in world.bring("original")["original"]


def test_what_was_damaged_on_this_disk_is_removed_and_comes_anew(world: World) -> None:
    folder = Path(world.bring("original")["original"]["folder"])
    content = (folder / SHARD).resolve()
    content.write_bytes(bytes(64) + content.read_bytes()[64:])
    assert world.run(READ) == (
        f"{SHARD} of {ORIGINAL} was damaged on this disk and is removed; try again to download it "
        "anew.\n"
    )
    world.hub.seen.clear()
    assert world.run(READ) == "all can be read\n"
    assert world.requests(".safetensors") == world.requests(SHARD) == [""]
