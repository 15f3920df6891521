"""How the program is, as JSON for whoever keeps it running; never what visitors ask or see."""

import time
import tomllib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from loaders.faults import Fault
from loaders.protocol import Engine
from loaders.session import Session

ROOT = Path(__file__).parent.parent
PATH = "/health"


@dataclass(frozen=True)
class Setting:
    """What the engine says of itself."""

    precision: str
    device: str


class Health:
    """The state of a session's models: ready or failed, how long it runs, in which version."""

    def __init__(self, session: Session, clock: Callable[[], float] = time.monotonic) -> None:
        self._session = session
        self._clock = clock
        self._started = clock()
        self._setting: Setting | None = None
        self._job = session.submit("health", _look)

    @property
    def report(self) -> dict[str, Any]:
        """All that is said. `state` is ready where every model is, failed where one has failed,
        and loading until then."""
        models = self._session.family.models
        statuses = {spec.key: self._session.status(spec.key) for spec in models}
        states = {key: status.state for key, status in statuses.items()}
        setting = self._known()
        return {
            "state": _state(set(states.values())),
            "models": states,
            "failed": {key: one.reason for key, one in statuses.items() if one.state == "failed"},
            "family": self._session.family.name,
            "precision": setting.precision if setting else None,
            "device": setting.device if setting else None,
            "version": version(),
            "uptime_seconds": round(self._clock() - self._started, 1),
        }

    def route(self) -> Route:
        """The route that answers 200 when every model is ready, and 503 otherwise."""

        def answer(request: Request) -> Response:
            report = self.report
            status = 200 if report["state"] == "ready" else 503
            return JSONResponse(report, status, headers={"Cache-Control": "no-store"})

        return Route(PATH, answer)

    def _known(self) -> Setting | None:
        try:
            for setting in self._job.drain():
                self._setting = setting
        except Fault:  # the engine could not be opened: the models' statuses say why
            pass
        return self._setting


def version() -> str:
    """The version of the project; in a Space, of what it was assembled from, with its commit."""
    assembled = ROOT / "VERSION"
    if assembled.is_file():
        return assembled.read_text(encoding="utf-8").strip()
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    return str(project["version"])


def _look(engine: Engine) -> Iterator[Setting]:
    yield Setting(engine.precision, engine.device)


def _state(states: set[str]) -> str:
    if "failed" in states:
        return "failed"
    return "ready" if states == {"ready"} else "loading"
