"""The real app as a real process on a free port, for tests, screenshots and benchmarks."""

import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import httpx

ROOT = Path(__file__).parent.parent
PATIENCE_SECONDS = 60


def free_port() -> int:
    """A port nobody listens on at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def app_process(
    *flags: str, environment: Mapping[str, str] | None = None, said: IO[bytes] | None = None
) -> Iterator[tuple["subprocess.Popen[bytes]", str]]:
    """Start `app.py` with `flags`; yields the process and the address it will answer at.

    `environment` is all that it has, or None for our own; `said` is where its errors go.
    """
    port = free_port()
    command = [sys.executable, "app.py", "--port", str(port), *flags]
    with subprocess.Popen(
        command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=said, env=environment
    ) as process:
        try:
            yield process, f"http://127.0.0.1:{port}"
        finally:
            process.terminate()


@contextmanager
def running_app(*flags: str) -> Iterator[str]:
    """Start `app.py` with `flags`; yields its address once the page answers, ends it after."""
    with app_process(*flags) as (process, address):
        await_page(address, process)
        yield address


def await_page(address: str, process: "subprocess.Popen[bytes]") -> None:
    """Return when the page answers; an error if the process ends or takes too long."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise RuntimeError(f"app.py ended with {process.returncode} before it served a page")
        try:
            if httpx.get(address).status_code == 200:
                return
        except httpx.TransportError:
            time.sleep(0.05)
    raise TimeoutError(f"{address} did not answer in {PATIENCE_SECONDS} s")
