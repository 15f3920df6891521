"""An environment for each server, made once under `.servers/`, apart from the project's own.

Servers pin other versions of torch and transformers than the project does.
"""

import subprocess
import venv
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.serving import ROOT

FOLDER = ROOT / ".servers"
INSTALL_SECONDS = 1800
LAST = 1500  # characters of what an installer said that are shown


@dataclass(frozen=True)
class Environment:
    """What a server needs: `requirements` go in, and of what they bring along `unwanted` goes."""

    name: str
    requirements: tuple[str, ...]
    unwanted: tuple[str, ...] = ()


def prepare(environment: Environment) -> Path:
    """The Python of the environment, which is made if it is not there in just this form.

    RuntimeError with the installer's own words where it cannot be made.
    """
    folder = FOLDER / environment.name
    python, made = folder / "bin" / "python", folder / "made-of.txt"
    if made.is_file() and made.read_text(encoding="utf-8") == repr(environment):
        return python
    venv.create(folder, with_pip=True, clear=True)
    _pip(python, ["install", *environment.requirements])
    if environment.unwanted:
        _pip(python, ["uninstall", "--yes", *environment.unwanted])
    made.write_text(repr(environment), encoding="utf-8")
    return python


def _pip(python: Path, words: Sequence[str]) -> None:
    command = ["nice", "-n", "10", str(python), "-m", "pip", *words, "--quiet"]
    done = subprocess.run(
        command, capture_output=True, text=True, check=False, timeout=INSTALL_SECONDS
    )
    if done.returncode:
        said = done.stderr[-LAST:]
        raise RuntimeError(f"{python.parents[1].name}: pip {' '.join(words)} failed: {said}")


def version_of(python: Path, package: str) -> str:
    """Which version of `package` an environment has."""
    code = f"from importlib.metadata import version; print(version({package!r}))"
    done = subprocess.run([python, "-c", code], capture_output=True, text=True, check=True)
    return done.stdout.strip()
