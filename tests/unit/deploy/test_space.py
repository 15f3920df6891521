"""What is put into a Space of each kind, and what the checks find in it."""

import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from deploy.assemble import Space, assemble, requirements, sources
from deploy.checks import check_all, contents, family, revisions, secrets, sizes, unprovided
from deploy.checks import front_matter as front_matter_check
from deploy.front_matter import read, write
from deploy.kinds import find_kind
from loaders import Fault, load_family
from tests.serving import ROOT
from tests.unit.deploy.test_front_matter import GOOD

PINNED = "0a" * 20


@pytest.fixture(scope="module")
def cpu(tmp_path_factory: pytest.TempPathFactory) -> Space:
    return assemble(find_kind("cpu"), "", tmp_path_factory.mktemp("spaces") / "cpu")


def of_the_hub(folder: Path, revision: str = PINNED) -> str:
    """A family of quantized checkpoints on the Hub, as a TOML file."""
    text = (ROOT / "loaders" / "families" / "muse-books.toml").read_text(encoding="utf-8")
    lines = []
    for line in text.splitlines():
        key = line.split(" = ")[0]
        if key in ("revision", "tokenizer_revision", "tokenizer"):
            continue
        lines.append(line.replace("muse-bench/", "ours/") if key == "repo" else line)
        if key == "repo":
            lines.append(f'revision = "{revision}"')
            lines += ['tokenizer = "ours/tokenizer"', f'tokenizer_revision = "{revision}"']
    file = folder / "quantized.toml"
    file.write_text("\n".join(lines).replace('"muse-books"', '"quantized"'), encoding="utf-8")
    return str(file)


def values(space: Space) -> dict[str, object]:
    return dict(read((space.folder / "README.md").read_text(encoding="utf-8")))


def test_every_check_of_the_demo_space_passes(cpu: Space) -> None:
    checks = list(check_all(cpu, offline=True))
    assert [str(check) for check in checks if not check.passed] == [
        "note  requirements   not resolved: the package index was not asked"
    ]
    assert len(checks) == 7


def test_it_holds_what_runs_and_nothing_else(cpu: Space) -> None:
    names = {path.name for path in cpu.folder.iterdir()}
    written = {"README.md", "requirements.txt", ".gitattributes", "VERSION", "LICENSE"}
    assert names == {"app.py", "assets", "dashboard", "loaders", "metrics"} | written
    families = [path.name for path in (cpu.folder / "loaders" / "families").iterdir()]
    assert families == ["demo.toml"]
    models = {path.name for path in (cpu.folder / "assets" / "demo" / "models").iterdir()}
    assert models == {"original", "retrained", "npo", "simnpo"}


def test_the_program_starts_from_the_folder_alone(cpu: Space) -> None:
    command = [sys.executable, "-B", "app.py", "--help"]
    environment = {"PATH": os.defpath, "SPACE_ID": "trial/space"}
    result = subprocess.run(
        command, cwd=cpu.folder, env=environment, capture_output=True, text=True, check=False
    )
    assert (result.returncode, "demo" in result.stdout) == (0, True), result.stderr


def test_a_space_on_zerogpu_has_what_it_offers(tmp_path: Path) -> None:
    space = assemble(find_kind("zerogpu"), of_the_hub(tmp_path), tmp_path / "space")
    found = values(space)
    assert "suggested_hardware" not in found
    assert found["app_file"] == "space.py"
    repo = "OPTML-Group/SimNPO-MUSE-Books-iclm-7b"
    assert repo in found["models"]  # type: ignore[operator]
    weights = f"config.json,generation_config.json,model.safetensors {PINNED}"
    assert f"{repo} {weights}" in found["preload_from_hub"]  # type: ignore[operator]
    assert found["datasets"] == ["muse-bench/MUSE-Books"]
    lines = (space.folder / "requirements.txt").read_text(encoding="utf-8").splitlines()
    assert [line for line in lines if "torch" in line] == ["torch>=2.8,!=2.9.0,<2.12"]
    assert "spaces" in lines
    assert [str(one) for one in check_all(space, offline=True) if one.passed is False] == []
    starts = 'main(["--family", "quantized"])'
    assert starts in (space.folder / "space.py").read_text(encoding="utf-8")


def test_a_gpu_space_suggests_its_hardware_and_loads_when_it_runs(tmp_path: Path) -> None:
    found = values(assemble(find_kind("gpu"), "muse-books", tmp_path / "space"))
    assert found["suggested_hardware"] == "l4x1"
    assert "preload_from_hub" not in found


def test_zerogpu_asks_for_quantized_checkpoints(tmp_path: Path) -> None:
    with pytest.raises(Fault, match="name a family of them with --family FILE"):
        assemble(find_kind("zerogpu"), "", tmp_path / "space")


def test_what_is_not_pinned_is_named(tmp_path: Path) -> None:
    space = assemble(find_kind("gpu"), of_the_hub(tmp_path, "main"), tmp_path / "space")
    check = str(revisions(space))
    assert check.startswith("note  revisions")
    assert "ours/tokenizer" in check


def test_a_folder_with_other_things_is_not_emptied(tmp_path: Path) -> None:
    (tmp_path / "precious.txt").write_text("mine", encoding="utf-8")
    with pytest.raises(Fault, match="is not empty and holds no Space"):
        assemble(find_kind("cpu"), "", tmp_path)
    assert (tmp_path / "precious.txt").is_file()


def small(folder: Path) -> Space:
    """A Space of two files that passes, to be spoilt."""
    text = write({**GOOD, "app_file": "app.py"}, "# A title\n")
    (folder / "README.md").write_text(text, encoding="utf-8")
    (folder / "app.py").write_text("import sys\n", encoding="utf-8")
    (folder / "dashboard").mkdir()
    return Space(folder, find_kind("cpu"), load_family("demo"), "1")


def spoil_front_matter(folder: Path) -> None:
    readme = folder / "README.md"
    text = readme.read_text(encoding="utf-8")
    readme.write_text(text.replace("app_file: app.py", "app_file: main.py"), encoding="utf-8")


def spoil_contents(folder: Path) -> None:
    (folder / "LOG.md").write_text("x", encoding="utf-8")


def spoil_imports(folder: Path) -> None:
    (folder / "dashboard" / "more.py").write_text("import unlearning\n", encoding="utf-8")


def spoil_sizes(folder: Path) -> None:
    (folder / "large.bin").write_bytes(bytes(10 * 1024 * 1024))


def spoil_secrets(folder: Path) -> None:
    (folder / "key.py").write_text("TOKEN = 'hf_" + "a" * 34 + "'\n", encoding="utf-8")


def spoil_paths(folder: Path) -> None:
    (folder / "notes.txt").write_text(f"see {ROOT}/app.py", encoding="utf-8")


@pytest.mark.parametrize(
    ("spoil", "check", "says"),
    [
        (spoil_front_matter, front_matter_check, "'app_file' 'main.py' is not in the Space"),
        (spoil_contents, contents, "not needed: LOG.md"),
        (spoil_imports, contents, "imported but left out: unlearning"),
        (spoil_sizes, sizes, "10 MiB or more: large.bin"),
        (spoil_secrets, secrets, "keys or paths in key.py"),
        (spoil_paths, secrets, "keys or paths in notes.txt"),
    ],
)
def test_a_check_says_what_is_wrong(
    spoil: Callable[[Path], None], check: Callable[[Space], object], says: str, tmp_path: Path
) -> None:
    space = small(tmp_path)
    assert str(check(space)).startswith("ok")
    spoil(tmp_path)
    found = check(space)
    assert says in str(found)
    assert str(found).startswith("FAIL")


def test_an_import_that_nothing_brings_is_named(cpu: Space) -> None:
    brought = {"torch", "gradio", "numpy"}
    missing = unprovided(cpu, brought)
    assert "transformers" in missing
    assert "torch" not in missing
    assert "dashboard" not in missing


def test_a_family_is_read_where_it_lies(cpu: Space) -> None:
    assert family(cpu).said == "demo, 4 models: Demo family"


def test_requirements_are_the_projects() -> None:
    own = (ROOT / "requirements.txt").read_text(encoding="utf-8").splitlines()
    assert requirements(find_kind("cpu")) == sorted(
        line for line in own if line and not line.startswith("#")
    )


def test_binaries_are_kept_by_lfs(cpu: Space) -> None:
    text = (cpu.folder / ".gitattributes").read_text(encoding="utf-8")
    assert "*.safetensors filter=lfs diff=lfs merge=lfs -text" in text
    header = yaml.safe_load((cpu.folder / "README.md").read_text(encoding="utf-8").split("---")[1])
    assert header["suggested_hardware"] == "cpu-basic"


def test_adapters_and_tokenizers_are_fetched_with_the_weights() -> None:
    family = load_family("muse-books")
    tuned = replace(family.models[0], adapter="ours/adapter", adapter_revision=PINNED)
    lines = [one.repo for one in sources(replace(family, models=(tuned,)))]
    assert lines == ["muse-bench/MUSE-books_target", "NousResearch/Llama-2-7b-hf", "ours/adapter"]
