"""A trajectory is measured like any family, and its records say their steps."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from loaders import Family
from loaders.engine.local import LocalEngine
from loaders.trajectory import with_checkpoints
from metrics import Finished, Results, from_json, run, to_json
from tests.tiny import save_tiny, tiny_family
from tests.unit.metrics.library import DATA


@pytest.fixture
def family(tmp_path: Path) -> Family:
    """Two references and the checkpoints of steps 2 and 10, the latter without a tokenizer."""
    found = tiny_family(tmp_path / "models", keys=("original", "retrained"))
    first, second = found.models
    named = replace(found, models=(first, replace(second, role="retrained")))
    for step in (10, 2):
        save_tiny(tmp_path / "run" / f"checkpoint-{step}", seed=step)
    for path in (tmp_path / "run" / "checkpoint-10").glob("tokenizer*"):
        path.unlink()
    return with_checkpoints(named, tmp_path / "run")


@pytest.fixture
def one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def measured(family: Family) -> Results:
    engine = LocalEngine(family, "fp32", "cpu")
    for spec in family.models:
        list(engine.load(spec.key))
    *_, last = run(engine, family, DATA, metrics=["verbmem_f", "privleak"], resamples=20)
    assert isinstance(last, Finished)
    return last.results


@pytest.mark.usefixtures("one_thread")
def test_every_checkpoint_is_a_model_with_its_step(family: Family) -> None:
    results = measured(family)
    assert [(r.model, r.step) for r in results.records] == [
        *(("original", None), ("retrained", None), ("step-2", 2), ("step-10", 10)),
    ]
    for record in results.records:
        assert set(record.metrics) == {"verbmem_f", "privleak"}
        assert record.metrics["privleak"].reference == "retrained @ fp32, this run"
    assert len({record.revision for record in results.records}) == 4
    assert results.record("step-10", "fp32", step=10) == results.records[3]
    assert from_json(to_json(results)) == results
