"""How long a start takes: from the process to a page that answers, and to every model ready."""

import json
import platform
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import httpx

from benchmarks.figure import Figure
from tests.serving import app_process, await_page

if TYPE_CHECKING:
    from benchmarks.setting import Setting

LOOK_SECONDS = 0.05
TARGETS = {"start_page": 6.0, "start_ready": 12.0}


@dataclass(frozen=True)
class Start:
    """Seconds from starting the process, of one run."""

    page: float
    ready: float


def measure(setting: "Setting") -> Iterator[Figure]:
    """Starts of the app as it is shipped, nf4; one more before them warms the disk cache."""
    starts = [_start() for _ in range(setting.size.repeats + 1)][1:]
    yield figure("start_page", tuple(start.page for start in starts))
    yield figure("start_ready", tuple(start.ready for start in starts))


def figure(name: str, runs: tuple[float, ...]) -> Figure:
    """The seconds of all starts."""
    return Figure(
        name=name,
        unit="seconds",
        runs=runs,
        bound="at most",
        target=TARGETS[name],
        baseline="process start, warm disk cache",
        device=f"{platform.machine()} CPU, nf4, threads as the app sets them",
    )


def _start() -> Start:
    started = time.perf_counter()
    with app_process() as (process, address):
        await_page(address, process)
        page = time.perf_counter() - started
        _await_ready(address, process)
        return Start(page, time.perf_counter() - started)


def _await_ready(address: str, process: "subprocess.Popen[bytes]") -> None:
    while process.poll() is None:
        states = {model["state"] for model in status(address)}
        if states == {"ready"}:
            return
        if "failed" in states:
            raise RuntimeError(f"a model failed to load: {status(address)}")
        time.sleep(LOOK_SECONDS)
    raise RuntimeError(f"app.py ended with {process.returncode}")


def status(address: str) -> list[dict[str, str]]:
    """What the endpoint /status says of each model."""
    call = f"{address}/gradio_api/call/status"
    event = httpx.post(call, json={"data": []}).json()["event_id"]
    answer = httpx.get(f"{call}/{event}", timeout=30).text
    line = next(line for line in answer.splitlines() if line.startswith("data: "))
    models: list[dict[str, str]] = json.loads(line.removeprefix("data: "))[0]
    return models
