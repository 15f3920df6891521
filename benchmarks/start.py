"""How long a start takes: from the process to a page that answers, and to every model ready."""

import json
import subprocess
import time
from dataclasses import dataclass

import httpx

from tests.serving import app_process, await_page

RUNS = 5
LOOK_SECONDS = 0.05


@dataclass(frozen=True)
class Start:
    """Seconds from starting the process, of one run."""

    page: float
    ready: float


def measure() -> list[Start]:
    """RUNS starts of the demo family, one after the other; the first one warms the disk cache."""
    return [_start() for _ in range(RUNS + 1)][1:]


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
