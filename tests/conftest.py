"""What every test shares: torch on one thread, as the suite runs beside servers; no deadlines; a
store of its own, never the user's."""

import gc
import os
import tempfile
from pathlib import Path

import pytest
from hypothesis import settings

os.environ.setdefault("OMP_NUM_THREADS", "1")
# Threads that a test asks for sleep while they wait: to spin is to take the others' cores.
os.environ.setdefault("OMP_WAIT_POLICY", "passive")
os.environ.setdefault("GRADIO_ANALYTICS_ENABLED", "False")
os.environ.setdefault("HF_HUB_OFFLINE", "1")
# For what starts before a test does, like a server that several tests share.
os.environ["UNLEARNING_DATA"] = tempfile.mkdtemp(prefix="unlearning-tests-")

# A first example that imports or compiles something is slow, not wrong.
settings.register_profile("project", deadline=None)
settings.load_profile("project")


def pytest_collection_finish() -> None:
    """What was imported stays: each of the many collections that follow would walk all of it."""
    gc.freeze()


@pytest.fixture(autouse=True)
def _own_store(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Each test, and every process that it starts, finds an empty store."""
    folder = tmp_path_factory.mktemp("store")
    monkeypatch.setenv("UNLEARNING_DATA", str(folder))
    return folder
