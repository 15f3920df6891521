"""A run on an engine without models that keeps what it makes: `python -m tests.integration.storing
FILE FOLDER PASSAGES SECONDS [--rows NAME]`, for tests that kill it or run two of them."""

import sys
from dataclasses import replace
from pathlib import Path

from loaders import Family
from metrics.store.file import open_file
from metrics.stored import Wanted, run_stored
from tests.spec import SPEC
from tests.unit.metrics.library import BOOKS
from tests.unit.metrics.store.shelves import Asked, Opener, long_data


def made_family(folder: Path) -> Family:
    """Two models that are a file of a few bytes each; any number of processes may make them."""
    specs = []
    for key in ("original", "npo"):
        (folder / key).mkdir(parents=True, exist_ok=True)
        (folder / key / "model.safetensors").write_bytes(key.encode())
        role = "original" if key == "original" else "unlearned"
        specs.append(replace(SPEC, key=key, role=role, repo=str(folder / key)))
    return Family("lamp", "Lamp", "toy", str(folder), BOOKS, tuple(specs))


def made_wanted(folder: Path, passages: int) -> Wanted:
    """VerbMem and KnowMem of both."""
    return Wanted(
        made_family(folder),
        long_data(passages),
        precision="fp32",
        device="cpu",
        metrics=["verbmem_f", "knowmem_r"],
        resamples=50,
    )


def main(path: str, folder: str, passages: str, seconds: str) -> None:
    """Prints "ready" before the first step and "done" after the last."""
    wanted = made_wanted(Path(folder), int(passages))
    store = open_file(Path(path))
    opener = Opener(Asked(seconds_per_step=float(seconds)), wanted.family)
    print("ready", flush=True)
    for _ in run_stored(store, opener, wanted, lambda said: print(said, flush=True)):
        pass
    print("done", flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
