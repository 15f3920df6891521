"""What the README says can be run, is run; what it says is there, is there."""

import re
import shlex
from pathlib import Path

import pytest

from tests.commands import run_process
from tests.serving import ROOT, running_app

README = (ROOT / "README.md").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", README, re.DOTALL | re.MULTILINE)


def tree_paths() -> list[str]:
    """Every path of the file tree: what a folder holds is indented two more below its line."""
    tree = next(block for block in blocks("text") if block.startswith("app.py"))
    paths: list[str] = []
    folders: list[str] = []
    for line in tree.splitlines():
        name = line.split()[0]
        depth = (len(line) - len(line.lstrip())) // 2
        folders = folders[:depth]
        paths.append("".join(folders) + name)
        if name.endswith("/"):
            folders.append(name)
    return paths


def test_the_programs_example_works_against_a_running_app() -> None:
    with running_app() as address:
        for example in blocks("python"):
            code = example.replace("http://127.0.0.1:7860", address)
            result = run_process("-c", code)
            assert result.returncode == 0, result.stderr
            for model in ("original", "retrained", "npo", "simnpo"):
                assert model in result.stdout


def test_the_metrics_command_works(tmp_path: Path) -> None:
    command = next(line for line in README.splitlines() if "-m metrics" in line)
    words = [*shlex.split(command)[1:], "--limit", "2"]
    words[words.index("results.json")] = str(tmp_path / "results.json")
    result = run_process(*words)
    assert result.returncode == 0, result.stderr
    assert (tmp_path / "results.json").is_file()
    assert "nf4" in result.stdout


@pytest.mark.parametrize("path", tree_paths())
def test_every_path_of_the_tree_exists(path: str) -> None:
    assert (ROOT / path).exists()


def test_every_module_has_its_line_in_the_tree() -> None:
    packages = ("loaders", "metrics", "dashboard", "unlearning", "benchmarks", "deploy")
    listed = set(tree_paths())
    opened = {path.rpartition("/")[0] for path in listed if path.endswith(".py")}
    modules = {
        path.relative_to(ROOT).as_posix()
        for package in packages
        for path in (ROOT / package).rglob("*.py")
        if path.name not in ("__init__.py", "__main__.py")
    }
    hidden = {module for module in modules if module.rpartition("/")[0] not in opened}
    folders = {f"{module.rpartition('/')[0]}/" for module in hidden}
    assert modules - hidden - listed == set()
    assert folders - listed == set()


def test_pictures_are_where_the_readme_points() -> None:
    for picture in re.findall(r"!\[[^]]*\]\(([^)]+)\)", README):
        assert (ROOT / picture).is_file()


def test_the_space_header_names_what_a_space_needs() -> None:
    header = README.split("---")[1]
    for line in (
        "sdk: gradio",
        "sdk_version: 6.31.0",
        'python_version: "3.12"',
        "app_file: app.py",
    ):
        assert line in header
