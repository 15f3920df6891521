"""Whether a requirements.txt can be installed on the Python of a Space; it installs nothing.

pip is asked to resolve it for that Python from wheels alone. The few packages that have none are
looked at one by one, and what they need is resolved with the rest.
"""

import json
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from loaders.faults import Fault

WITHOUT_WHEELS = ("rouge-score",)


@dataclass(frozen=True)
class Package:
    """A package at the version that would be installed."""

    name: str
    version: str


def resolve(path: Path, python: str) -> tuple[Package, ...]:
    """What `pip install -r path` brings on a Linux with `python`; a Fault if it cannot be done."""
    lines = path.read_text(encoding="utf-8").splitlines()
    wanted = [line for line in lines if line and not line.startswith("#")]
    built = [line for line in wanted if line.startswith(WITHOUT_WHEELS)]
    found, needed = [], [line for line in wanted if line not in built]
    for line in built:
        (package,) = _ask(python, ["--no-deps", line])
        found.append(_package(package))
        needed += package["metadata"].get("requires_dist", [])
    return (*found, *map(_package, _ask(python, ["--only-binary=:all:", *needed])))


def _ask(python: str, arguments: Sequence[str]) -> list[dict[str, Any]]:
    with TemporaryDirectory() as nowhere:
        report = Path(nowhere) / "report.json"
        command = [sys.executable, "-m", "pip", "install", "--quiet", "--dry-run"]
        command += ["--disable-pip-version-check", "--python-version", python]
        command += ["--target", nowhere, "--report", str(report), *arguments]
        result = subprocess.run(command, capture_output=True, text=True, check=False)
        if result.returncode:
            said = [line for line in result.stderr.splitlines() if line.startswith("ERROR")]
            why = (
                said[-1].removeprefix("ERROR: ") if said else f"pip ended with {result.returncode}"
            )
            raise Fault(why)
        installed: list[dict[str, Any]] = json.loads(report.read_text(encoding="utf-8"))["install"]
        return installed


def _package(found: dict[str, Any]) -> Package:
    return Package(str(found["metadata"]["name"]), str(found["metadata"]["version"]))
