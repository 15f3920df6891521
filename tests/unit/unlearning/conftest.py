"""What the tests of unlearning share: the library of seed 0 and a tiny model's tokens."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from accelerate.state import AcceleratorState

from unlearning.layout import Library, Tables, build_library

DEMO = Path(__file__).parents[3] / "assets" / "demo"


@pytest.fixture(scope="session")
def library() -> Library:
    return build_library(seed=0)


@pytest.fixture(scope="session")
def demo() -> Path:
    return DEMO


@pytest.fixture(params=["reported", "selection"])
def half(request: pytest.FixtureRequest, library: Library) -> Tables:
    """The tables that numbers are given on, then those that settings are chosen on."""
    tables: Tables = getattr(library, request.param)
    return tables


@pytest.fixture(autouse=True)
def _own_accelerator() -> Iterator[None]:
    """A process may train in one precision alone; each test is a process in that."""
    yield
    AcceleratorState._reset_state(reset_partial_state=True)
