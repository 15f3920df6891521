"""Imports point down only: app → dashboard → metrics → loaders, unlearning → metrics, loaders."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
MAY_IMPORT = {
    "loaders": set(),
    "metrics": {"loaders"},
    "dashboard": {"metrics", "loaders"},
    "unlearning": {"metrics", "loaders"},
    "deploy": {"loaders"},
}
ONLY_IN = {
    "torch": {"loaders", "unlearning"},
    "transformers": {"loaders", "unlearning"},
    "bitsandbytes": {"loaders"},
    "gradio": {"dashboard"},
}
PURE = (
    "figures.py",
    "tables.py",
    "panes.py",
    "samples.py",
    "words.py",
    "overlap.py",
    "answers.py",
    "sweep",
    "precision/axes.py",
    "precision/course.py",
    "precision/figure.py",
    "precision/literature.py",
    "precision/measure.py",
    "precision/published.py",
    "precision/reading.py",
    "precision/slopes.py",
    "precision/tables.py",
    "precision/words.py",
)


def imported(path: Path) -> set[str]:
    """Top-level names of all that `path` imports, inside functions too."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module.split(".")[0])
    return found


def modules() -> list[Path]:
    return [path for package in MAY_IMPORT for path in sorted((ROOT / package).rglob("*.py"))]


@pytest.mark.parametrize("path", modules(), ids=lambda path: str(path.relative_to(ROOT)))
def test_a_module_imports_downwards(path: Path) -> None:
    package = path.relative_to(ROOT).parts[0]
    names = imported(path)
    assert "app" not in names
    assert names & set(MAY_IMPORT) <= MAY_IMPORT[package] | {package}
    for library, packages in ONLY_IN.items():
        assert library not in names or package in packages


@pytest.mark.parametrize("name", PURE)
def test_figures_tables_and_html_know_no_gradio(name: str) -> None:
    path = ROOT / "dashboard" / name
    for module in sorted(path.glob("*.py")) if path.is_dir() else [path]:
        assert "gradio" not in imported(module)
