"""A folder of checkpoints becomes a family in order of steps, or is refused in one sentence."""

from dataclasses import replace
from pathlib import Path

import pytest

from loaders import Family, Fault
from loaders.family import Books, Published, PublishedRow
from loaders.trajectory import list_checkpoints, with_checkpoints, without_earlier
from tests.spec import SPEC

FAMILY = Family(
    *("lamp", "Lamp", "toy", "/data", Books("a", "b")),
    models=(
        replace(SPEC, repo="/o", tokenizer="owner/name", tokenizer_revision="abc"),
        replace(SPEC, key="retrained", role="retrained", repo="/r", tokenizer="/r"),
        replace(SPEC, key="npo", role="unlearned", repo="/n", tokenizer="/n"),
    ),
    sweep="/sweep.csv",
)


def save(folder: Path, *files: str) -> Path:
    folder.mkdir(parents=True)
    for name in ("config.json", "model.safetensors", *files):
        (folder / name).touch()
    return folder


def test_checkpoints_stand_beside_original_and_retrained_by_number(tmp_path: Path) -> None:
    for name in ("checkpoint-100", "checkpoint-20", "step-3"):
        save(tmp_path / name)
    (tmp_path / "runs").mkdir()
    (tmp_path / "checkpoint-7").touch()  # a file
    family = with_checkpoints(FAMILY, tmp_path)
    assert [spec.key for spec in family.models] == [
        *("original", "retrained", "step-3", "step-20", "step-100"),
    ]
    assert [spec.step for spec in family.models] == [None, None, 3, 20, 100]
    assert family.models[:2] == FAMILY.models[:2]
    assert [spec.label for spec in family.models[2:]] == ["step 3", "step 20", "step 100"]
    assert [spec.letter for spec in family.models[2:]] == ["1", "2", "3"]
    assert {spec.role for spec in family.models[2:]} == {"unlearned"}
    assert family.model("step-20").repo == str(tmp_path / "checkpoint-20")
    assert (family.name, family.data, family.sweep) == ("lamp", "/data", "")


def test_side_by_side_stand_the_references_and_the_last_checkpoint(tmp_path: Path) -> None:
    for name in ("checkpoint-100", "checkpoint-20", "step-3"):
        save(tmp_path / name)
    family = with_checkpoints(FAMILY, tmp_path)
    assert [spec.step for spec in list_checkpoints(family)] == [3, 20, 100]
    shown = without_earlier(family)
    assert [spec.key for spec in shown.models] == ["original", "retrained", "step-100"]
    assert list_checkpoints(FAMILY) == ()
    assert without_earlier(FAMILY) == FAMILY


def test_a_checkpoint_without_a_tokenizer_has_the_originals(tmp_path: Path) -> None:
    own = save(tmp_path / "checkpoint-1", "tokenizer.json")
    save(tmp_path / "checkpoint-2", "tokenizer_config.json")
    family = with_checkpoints(FAMILY, tmp_path)
    first, second = family.models[2:]
    assert (first.tokenizer, first.tokenizer_revision) == (str(own), "")
    assert (second.tokenizer, second.tokenizer_revision) == ("owner/name", "abc")


def test_without_an_original_the_first_model_lends_its_tokenizer(tmp_path: Path) -> None:
    save(tmp_path / "checkpoint-1")
    family = with_checkpoints(replace(FAMILY, models=FAMILY.models[2:]), tmp_path)
    assert [(spec.key, spec.tokenizer) for spec in family.models] == [("step-1", "/n")]


def test_published_numbers_of_a_model_that_is_gone_are_nobodys(tmp_path: Path) -> None:
    save(tmp_path / "checkpoint-1")
    rows = (PublishedRow("NPO", {}, "npo"), PublishedRow("Original", {}, "original"))
    published = Published("a paper", "bf16", rows)
    found = with_checkpoints(replace(FAMILY, published=published), tmp_path).published
    assert found is not None
    assert [(row.label, row.model) for row in found.rows] == [("NPO", ""), ("Original", "original")]


def test_a_folder_may_be_relative(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    save(tmp_path / "run" / "checkpoint-1")
    monkeypatch.chdir(tmp_path)
    family = with_checkpoints(FAMILY, Path("run"))
    assert family.models[2].repo == str(tmp_path / "run" / "checkpoint-1")


def test_what_cannot_be_a_trajectory_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Fault, match="gone of checkpoints does not exist"):
        with_checkpoints(FAMILY, tmp_path / "gone")
    (tmp_path / "logs").mkdir()
    with pytest.raises(Fault, match="no folder in it is called checkpoint-N or step-N"):
        with_checkpoints(FAMILY, tmp_path)


@pytest.mark.parametrize("text", ["last", "", "-5", "4.0", "４"])
def test_a_number_that_is_none_is_named(tmp_path: Path, text: str) -> None:
    save(tmp_path / "checkpoint-5")
    save(tmp_path / f"checkpoint-{text}")
    with pytest.raises(Fault, match=f"checkpoint-{text}: '{text}' is no number of steps"):
        with_checkpoints(FAMILY, tmp_path)


def test_two_of_one_step_are_named(tmp_path: Path) -> None:
    save(tmp_path / "checkpoint-40")
    save(tmp_path / "step-040")
    with pytest.raises(Fault, match=r"checkpoint-40 and step-040 in .* are both step 40"):
        with_checkpoints(FAMILY, tmp_path)


def test_a_checkpoint_without_weights_is_named(tmp_path: Path) -> None:
    path = save(tmp_path / "checkpoint-1", "pytorch_model.bin")
    (path / "model.safetensors").unlink()
    with pytest.raises(Fault, match=r"checkpoint-1 has no \.safetensors file"):
        with_checkpoints(FAMILY, tmp_path)


def test_an_adapter_is_no_model(tmp_path: Path) -> None:
    path = save(tmp_path / "checkpoint-1", "adapter_config.json")
    (path / "config.json").unlink()
    with pytest.raises(Fault, match="an adapter: merge it into its model first"):
        with_checkpoints(FAMILY, tmp_path)
    (path / "adapter_config.json").unlink()
    with pytest.raises(Fault, match=r"has no config\.json; it is no whole model"):
        with_checkpoints(FAMILY, tmp_path)
