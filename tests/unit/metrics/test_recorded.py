"""Results that ship with a family: read, cut down to its models, and marked as recorded."""

from dataclasses import replace
from pathlib import Path

import pytest

from loaders import Family, Fault, load_family
from metrics import to_json
from metrics.recorded import load_recorded
from tests.precisions import made_results
from tests.stage import staged_family


def family_with(path: Path) -> Family:
    return replace(staged_family(), results=str(path))


def test_the_family_s_own_models_are_recorded(tmp_path: Path) -> None:
    path = tmp_path / "results.json"
    path.write_text(to_json(made_results(source="live")), encoding="utf-8")
    family = family_with(path)
    found = load_recorded(replace(family, models=family.models[:3]))
    assert found is not None
    assert {record.model for record in found.records} == {"original", "retrained", "npo"}
    assert {record.source for record in found.records} == {"recorded"}


def test_a_family_may_have_none() -> None:
    assert load_recorded(replace(staged_family(), results="")) is None


@pytest.mark.parametrize("name", ["demo", "demo-tuned"])
def test_the_demo_family_has_its_own(name: str) -> None:
    family = load_family(name)
    found = load_recorded(family)
    assert found is not None
    assert {record.model for record in found.records} == {spec.key for spec in family.models}


def test_what_cannot_be_used_is_said(tmp_path: Path) -> None:
    with pytest.raises(Fault, match="could not be read"):
        load_recorded(family_with(tmp_path))
    path = tmp_path / "results.json"
    path.write_text(to_json(made_results()), encoding="utf-8")
    family = family_with(path)
    strangers = tuple(replace(spec, key=f"my-{spec.key}") for spec in family.models)
    with pytest.raises(Fault, match="has no results of the models of staged"):
        load_recorded(replace(family, models=strangers))
