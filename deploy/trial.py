"""An assembled Space used for once: installed into an environment of its own, started, asked.

Only what a Space has is there: its folder, its requirements, its variables. The address is a
loopback one.
"""

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
from gradio_client import Client

from deploy.checks import MIB, Check
from deploy.front_matter import Values, read
from loaders.faults import Fault

PATIENCE_SECONDS = 300
PROMPT, TOKENS = "Every evening at the hour", 8


@dataclass(frozen=True)
class Trial:
    """What is tried, where its environment goes and which Python makes it; empty for the Space's,
    or the running one where that is not at hand. `keeps` leaves the environment in its place."""

    space: Path
    environment: Path
    python: str
    keeps: bool


def run_trial(trial: Trial) -> Iterator[Check]:
    """Install, start, ask, stop: a line each, the first that fails ends it."""
    if not (trial.space / "README.md").is_file():
        raise Fault(f"{trial.space} holds no Space; run `make space` first.")
    try:
        yield _installed(trial)
        yield from use(trial.space, _python(trial), trial.environment)
    finally:
        if not trial.keeps:
            shutil.rmtree(trial.environment, ignore_errors=True)


def use(space: Path, python: Path, home: Path) -> Iterator[Check]:
    """Start a Space with `python`, ask it, stop it: a line each. `home` is the user's folder."""
    with _running(space, python, home) as (process, address):
        yield from _asked(process, address)


def _installed(trial: Trial) -> Check:
    wanted = str(_front_matter(trial.space)["python_version"])
    python = trial.python or _find_python(wanted)
    started = time.perf_counter()
    _call([python, "-m", "venv", "--clear", str(trial.environment)])
    install = [
        str(_python(trial)),
        "-m",
        "pip",
        "install",
        "--quiet",
        "--disable-pip-version-check",
    ]
    _call([*install, "-r", str(trial.space / "requirements.txt")])
    seconds = time.perf_counter() - started
    found = _call([str(_python(trial)), "-c", "import platform; print(platform.python_version())"])
    other = "" if found.startswith(wanted) else f", not the Space's {wanted}"
    size = sum(path.lstat().st_size for path in trial.environment.rglob("*"))
    said = f"Python {found}{other}; {size / MIB:,.0f} MiB in {seconds:.0f} s"
    return Check("installed", True, said)


def _find_python(wanted: str) -> str:
    """The Python of that version, or the running one where there is none that works."""
    name = shutil.which(f"python{wanted}") or sys.executable
    works = subprocess.run([name, "-c", ""], capture_output=True, check=False).returncode == 0
    return name if works else sys.executable


@contextmanager
def _running(
    space: Path, python: Path, home: Path
) -> Iterator[tuple["subprocess.Popen[bytes]", str]]:
    """The Space as a process with nothing of ours in its environment, and its address."""
    port = _free_port()
    told = {
        "PATH": os.defpath,
        "HOME": str(home),
        "SPACE_ID": "trial/space",
        "GRADIO_SERVER_NAME": "127.0.0.1",
        "GRADIO_SERVER_PORT": str(port),
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    command = [str(python), str(_front_matter(space)["app_file"])]
    with subprocess.Popen(command, cwd=space, env=told) as process:
        try:
            yield process, f"http://127.0.0.1:{port}"
        finally:
            process.terminate()


def _asked(process: "subprocess.Popen[bytes]", address: str) -> Iterator[Check]:
    started = time.perf_counter()
    page = _wait(process, address, 200)
    yield Check("page", "gradio" in page.text, f"answers after {_since(started)}")
    first = httpx.get(f"{address}/health").json()
    yield Check("cold start", True, f"/health says {first['state']} while the models load")
    health = _wait(process, f"{address}/health", 200).json()
    said = f"{_states(health)} in {health['precision']} after {_since(started)}"
    yield Check("health", True, f"{said}, version {health['version']}")
    answers = Client(address, verbose=False).predict(PROMPT, TOKENS, api_name="/compare")
    spoken = [one["model"] for one in answers if one.get("text")]
    yield Check("prompt", len(spoken) == len(health["models"]), f"{', '.join(spoken)} answered")
    process.send_signal(signal.SIGINT)
    code = process.wait(timeout=60)
    yield Check("shut down", code == 0, f"exit status {code}")


def _wait(process: "subprocess.Popen[bytes]", address: str, status: int) -> httpx.Response:
    deadline = time.monotonic() + PATIENCE_SECONDS
    said = "nothing"
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise Fault(f"The Space ended with {process.returncode}; its own words are above.")
        try:
            response = httpx.get(address, timeout=30)
        except httpx.TransportError as error:
            said = str(error)
        else:
            said = f"{response.status_code} {response.text[:200]}"
            if response.status_code == status:
                return response
        time.sleep(0.1)
    raise Fault(f"{address} did not answer {status} in {PATIENCE_SECONDS} s; it said {said}.")


def _states(health: dict[str, Any]) -> str:
    return ", ".join(f"{model} {state}" for model, state in health["models"].items())


def _since(started: float) -> str:
    return f"{time.perf_counter() - started:.1f} s"


def _python(trial: Trial) -> Path:
    return trial.environment / "bin" / "python"


def _front_matter(space: Path) -> Values:
    return read((space / "README.md").read_text(encoding="utf-8"))


def _call(command: list[str]) -> str:
    """What a command printed; a Fault with its last line if it failed."""
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    if result.returncode:
        said = (result.stderr or result.stdout).strip().splitlines() or ["nothing"]
        raise Fault(f"{' '.join(command[:4])} … failed: {said[-1]}")
    return result.stdout.strip()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
