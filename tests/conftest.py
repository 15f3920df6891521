"""What every test shares: torch on one thread, as the suite runs beside servers; no deadlines; a
store of its own, never the user's."""

import os
import tempfile
from pathlib import Path

import pytest
from hypothesis import settings

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("GRADIO_ANALYTICS_ENABLED", "False")
os.environ.setdefault("HF_HUB_OFFLINE", "1")
# For what starts before a test does, like a server that several tests share.
os.environ["UNLEARNING_DATA"] = tempfile.mkdtemp(prefix="unlearning-tests-")

# A first example that imports or compiles something is slow, not wrong.
settings.register_profile("project", deadline=None)
settings.load_profile("project")


@pytest.fixture(autouse=True)
def _own_store(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Each test, and every process that it starts, finds an empty store."""
    folder = tmp_path_factory.mktemp("store")
    monkeypatch.setenv("UNLEARNING_DATA", str(folder))
    return folder
