"""The health report: what it says on the way to ready, and when something has failed."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from starlette.applications import Starlette
from starlette.testclient import TestClient

from dashboard.health import Health, version
from loaders import Engine, Fault
from loaders.fake import FakeEngine
from loaders.session import Session
from tests.serving import ROOT
from tests.stage import reply, staged_family


@contextmanager
def asked(engine: Engine | Fault) -> Iterator[tuple[Session, TestClient]]:
    def opened() -> Engine:
        if isinstance(engine, Fault):
            raise engine
        return engine

    session = Session(staged_family(), opened)
    ticks = iter([100.0, *(107.5 for _ in range(10_000))])
    health = Health(session, lambda: next(ticks))
    yield session, TestClient(Starlette(routes=[health.route()]))
    session.stop()


def settled(client: TestClient) -> int:
    for _ in range(1000):
        response = client.get("/health")
        if response.json()["state"] != "loading":
            return response.status_code
        threading.Event().wait(0.005)
    raise AssertionError("it never settled")


def test_it_is_503_until_every_model_is_ready() -> None:
    with asked(FakeEngine(reply)) as (session, client):
        before = client.get("/health")
        assert (before.status_code, before.json()["state"]) == (503, "loading")
        assert before.json()["precision"] is None
        session.start()
        assert settled(client) == 200
        while (said := client.get("/health").json())["precision"] is None:
            threading.Event().wait(0.005)
    assert said == {
        "state": "ready",
        "models": dict.fromkeys(("original", "retrained", "npo", "simnpo"), "ready"),
        "failed": {},
        "family": "staged",
        "precision": "fp32",
        "device": "cpu",
        "version": version(),
        "uptime_seconds": 7.5,
    }


def test_a_model_that_failed_is_named_with_its_reason() -> None:
    with asked(FakeEngine(reply, failing={"npo": "the file is damaged"})) as (session, client):
        session.start()
        assert settled(client) == 503
        said = client.get("/health").json()
    assert (said["state"], said["models"]["original"]) == ("failed", "ready")
    assert said["failed"] == {"npo": "the file is damaged"}


def test_an_engine_that_cannot_be_opened_is_said_of_every_model() -> None:
    with asked(Fault("torch sees no CUDA GPU")) as (session, client):
        session.start()
        assert settled(client) == 503
        said = client.get("/health").json()
    assert set(said["failed"].values()) == {"torch sees no CUDA GPU"}


def test_the_version_is_the_projects() -> None:
    assert f'version = "{version()}"' in (ROOT / "pyproject.toml").read_text(encoding="utf-8")
