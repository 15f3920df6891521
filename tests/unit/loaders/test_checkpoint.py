"""How a model's place and its very weights are named."""

from dataclasses import replace
from pathlib import Path

from loaders import load_family
from loaders.checkpoint import repo_name, revision
from tests.spec import SPEC


def weights(folder: Path, content: bytes) -> str:
    folder.mkdir()
    (folder / "model.safetensors").write_bytes(content)
    return str(folder)


def test_a_folders_revision_is_the_hash_of_its_weights(tmp_path: Path) -> None:
    first = replace(SPEC, repo=weights(tmp_path / "a", b"weights"))
    second = replace(SPEC, repo=weights(tmp_path / "b", b"weights"))
    other = replace(SPEC, repo=weights(tmp_path / "c", b"weightz"))
    assert revision(first) == revision(second)
    assert revision(first) != revision(other)
    assert revision(first).startswith("sha256:")


def test_a_hub_models_revision_is_the_pinned_one() -> None:
    assert revision(replace(SPEC, repo="owner/name", revision="abc")) == "abc"


def test_a_shipped_model_is_named_from_the_project() -> None:
    assert repo_name(load_family("demo").models[0]) == "assets/demo/models/original"


def test_a_folder_elsewhere_and_a_hub_id_are_named_as_they_are(tmp_path: Path) -> None:
    assert repo_name(replace(SPEC, repo=str(tmp_path))) == str(tmp_path)
    assert repo_name(replace(SPEC, repo="owner/name")) == "owner/name"
