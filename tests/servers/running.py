"""A real server as a real process on the loopback, and a family whose rows it runs."""

import os
import signal
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import httpx
import psutil

from loaders import Engine, Family
from loaders.remote.engine import RemoteEngine
from tests.serving import ROOT

CHECKPOINT = ROOT / "assets" / "demo" / "models" / "original"
START_SECONDS = 600
LOWEST = 19  # priority, as `nice` counts
LAST = 3000  # characters of a server's log that are shown when it does not start


@dataclass(frozen=True)
class Running:
    """A server that answers at `url`; `seconds` is how long it took to."""

    url: str
    seconds: float


@contextmanager
def running_server(
    command: Sequence[str | Path], port: int, log: Path, variables: dict[str, str]
) -> Iterator[Running]:
    """Start `command`, with a low priority, and end it with all that it started.

    RuntimeError with the end of its log where it ends or is not there in START_SECONDS.
    """
    started = time.monotonic()
    nice = ["nice", "-n", "10", *map(str, command)]
    environment = os.environ | {"OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1"} | variables
    with log.open("wb") as out:
        process = subprocess.Popen(
            nice,
            stdout=out,
            stderr=subprocess.STDOUT,
            cwd=log.parent,
            env=environment,
            start_new_session=True,
        )
    try:
        url = f"http://127.0.0.1:{port}/v1"
        _await(url, process, log)
        _give_way(process)
        yield Running(url, time.monotonic() - started)
    finally:
        _end(process)


def _await(url: str, process: "subprocess.Popen[bytes]", log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        try:
            if httpx.get(f"{url}/models").status_code in (200, 401):
                return
        except httpx.TransportError:
            time.sleep(0.5)
    said = log.read_text(encoding="utf-8", errors="replace")[-LAST:]
    raise RuntimeError(f"the server did not start (exit status {process.poll()}): {said}")


def _give_way(process: "subprocess.Popen[bytes]") -> None:
    """Let the process that answers go before those that it started.

    vLLM's spin on as many cores as two while they generate, and its first token was often sent with
    the last one, after a second; after this, within 0.05.
    """
    for child in psutil.Process(process.pid).children(recursive=True):
        for thread in child.threads():
            os.setpriority(os.PRIO_PROCESS, thread.id, LOWEST)


def _end(process: "subprocess.Popen[bytes]") -> None:
    """The whole group, because servers start processes of their own."""
    for sign in (signal.SIGTERM, signal.SIGKILL):
        try:
            os.killpg(process.pid, sign)
            process.wait(timeout=20)
        except ProcessLookupError:
            return
        except subprocess.TimeoutExpired:
            continue


def at(family: Family, url: str, served_model: str, key_env: str = "") -> Family:
    """The first row of `family`, run by the server at `url` in full precision."""
    spec = replace(
        family.models[0],
        engine="openai",
        url=url,
        served_model=served_model,
        served_precision="fp32",
        key_env=key_env,
        repo="",
    )
    return replace(family, models=(spec,))


def opened(family: Family) -> RemoteEngine:
    """An engine with every row asked to be loaded."""
    engine = RemoteEngine(family, "fp32")
    load(engine, family)
    return engine


def load(engine: Engine, family: Family) -> None:
    for spec in family.models:
        for _ in engine.load(spec.key):
            pass


def told(steps: Iterator[Any]) -> list[Any]:
    return [event for event in steps if event is not None]


def in_order(steps: Iterator[Any]) -> list[Any]:
    return sorted(told(steps), key=lambda one: one.index)
