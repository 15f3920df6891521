"""Puts together in a folder of its own exactly what a Space needs; it checks and uploads nothing.

What is needed follows from what `app.py` imports and from what the families name, so that nothing
has to be listed twice.
"""

import ast
import shutil
import subprocess
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from deploy.front_matter import Values, read, write
from deploy.kinds import Kind
from loaders import Family, Fault, load_family
from loaders.family import ADAPTER_FILES, is_local

ROOT = Path(__file__).parent.parent
STAND_IN = "demo"  # what answers where the family of the Space cannot
FAMILIES = Path("loaders/families")
PAGE = ("assets/*.css", "assets/*.js", "assets/published/*", "LICENSE", "assets/demo/LICENSE")
SOURCES = (".py", ".toml")
BINARY = ("*.safetensors", "*.parquet", "*.gz")
WEIGHTS = "config.json,generation_config.json,model.safetensors"
TOKENIZER = "tokenizer.json,tokenizer_config.json"
COMMIT_LENGTH = 40


@dataclass(frozen=True)
class Space:
    """An assembled Space: where it lies, what it is and the family that it shows."""

    folder: Path
    kind: Kind
    family: Family
    version: str


def assemble(kind: Kind, name: str, folder: Path) -> Space:
    """A Space of a kind in `folder`, which is emptied first; `name` is a family or its TOML file.

    A Fault if the family lies in folders that are no part of the project.
    """
    family = load_family(chosen(kind, name))
    space = Space(folder, kind, family, version())
    _empty(folder)
    for path in sorted({*_sources(), *_page(), *_carried(family)}):
        _copy(ROOT / path, folder / path)
    _copy(_toml(chosen(kind, name)), folder / FAMILIES / f"{family.name}.toml")
    for file, text in _written(space).items():
        (folder / file).write_text(text, encoding="utf-8")
    return space


def chosen(kind: Kind, name: str) -> str:
    """The family to show; a Fault where the kind has none of its own and none is named."""
    if name or kind.family:
        return name or kind.family
    raise Fault(
        f"A Space on {kind.title} shows checkpoints that are quantized already; name a family of "
        "them with --family FILE.toml, as `python -m loaders prequantize` writes it."
    )


def version() -> str:
    """The project's version, with its commit, where there is one, and whether that was changed."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    described = _git("describe", "--always", "--dirty", "--exclude", "*")
    return f"{project['version']}+{described}" if described else str(project["version"])


def packages() -> set[str]:
    """The packages of the project that `app.py` reaches, directly or through others."""
    here = {path.parent.name for path in ROOT.glob("*/__init__.py")}
    found: set[str] = set()
    left = imports(ROOT / "app.py") & here
    while left:
        found |= left
        files = (path for package in left for path in (ROOT / package).rglob("*.py"))
        left = set().union(*map(imports, files)) & here - found
    return found


def imports(path: Path) -> set[str]:
    """Top-level names of all that a file imports, inside functions too."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            found.add(node.module.split(".")[0])
    return found


def requirements(kind: Kind) -> list[str]:
    """The project's requirements, with the torch of the kind and what only it needs."""
    lines = (ROOT / "requirements.txt").read_text(encoding="utf-8").splitlines()
    own = [line for line in lines if line and not line.startswith("#")]
    if kind.torch:
        own = [kind.torch if line.startswith("torch") else line for line in own]
    return sorted([*own, *kind.extra])


def _sources() -> Iterator[Path]:
    yield Path("app.py")
    for package in packages():
        for path in (ROOT / package).rglob("*"):
            if path.suffix in SOURCES and path.parent != ROOT / FAMILIES:
                yield path.relative_to(ROOT)


def _page() -> Iterator[Path]:
    for pattern in PAGE:
        yield from (path.relative_to(ROOT) for path in ROOT.glob(pattern) if path.is_file())


def _carried(family: Family) -> Iterator[Path]:
    """The files of a family that lie in the project, and all of the stand-in's."""
    yield FAMILIES / f"{STAND_IN}.toml"
    for one in (family, load_family(STAND_IN)):
        named = [one.data, one.sweep, one.results]
        for spec in one.models:
            named += [spec.repo, spec.tokenizer, spec.adapter]
        for place in filter(is_local, named):
            if not Path(place).is_relative_to(ROOT):
                raise Fault(
                    f"The family {one.name} names {place}, which no Space has; name a "
                    "repository on the Hub."
                )
            yield from _files(Path(place))


def _files(place: Path) -> Iterator[Path]:
    for path in [place] if place.is_file() else place.rglob("*"):
        if path.is_file():
            yield path.relative_to(ROOT)


def _toml(name: str) -> Path:
    return Path(name) if name.endswith(".toml") else ROOT / FAMILIES / f"{name}.toml"


def _written(space: Space) -> dict[str, str]:
    """The files that stand in no other place, by name."""
    lines = ["# Written by `make space` from the project's requirements.txt."]
    texts = {
        "README.md": write(front_matter(space), _body(space)),
        "requirements.txt": "\n".join([*lines, *requirements(space.kind)]) + "\n",
        ".gitattributes": "".join(f"{one} filter=lfs diff=lfs merge=lfs -text\n" for one in BINARY),
        "VERSION": f"{space.version}\n",
    }
    if space.family.name != STAND_IN:
        texts["space.py"] = _starter(space.family)
    return texts


def _starter(family: Family) -> str:
    return (
        '"""Starts the dashboard with the family of this Space; written by `make space`."""\n\n'
        "import sys\n\nfrom app import main\n\n"
        f'sys.exit(main(["--family", "{family.name}"]))\n'
    )


def front_matter(space: Space) -> Values:
    """The project's own front matter, with what the kind and the family add."""
    family, kind = space.family, space.kind
    repos = list(dict.fromkeys(one.repo for one in sources(family) if not one.is_tokenizer))
    values: dict[str, Any] = dict(read((ROOT / "README.md").read_text(encoding="utf-8")))
    values["app_file"] = "app.py" if family.name == STAND_IN else "space.py"
    values["startup_duration_timeout"] = kind.startup
    if kind.hardware:
        values["suggested_hardware"] = kind.hardware
    if repos:
        values["models"] = repos
    if not is_local(family.data):
        values["datasets"] = [family.data]
    if kind.preloads and repos:
        values["preload_from_hub"] = _preloaded(family)
    return values


@dataclass(frozen=True)
class Source:
    """A repository on the Hub that a family needs, with the files and the commit it needs of it."""

    repo: str
    revision: str
    files: str
    is_tokenizer: bool = False


def sources(family: Family) -> list[Source]:
    """What a family takes from the Hub to run its models here: weights, tokenizers, adapters."""
    found = []
    for spec in family.models:
        own = spec.tokenizer == spec.repo
        weights = f"{WEIGHTS},{TOKENIZER}" if own else WEIGHTS
        if not spec.is_served:
            found.append(Source(spec.repo, spec.revision, weights))
        if not own:
            found.append(Source(spec.tokenizer, spec.tokenizer_revision, TOKENIZER, True))
        if spec.adapter:
            found.append(Source(spec.adapter, spec.adapter_revision, ",".join(ADAPTER_FILES)))
    return [one for one in dict.fromkeys(found) if not is_local(one.repo)]


def _preloaded(family: Family) -> list[str]:
    """What is fetched while the Space is built, pinned where the family pins it."""
    return [
        f"{one.repo} {one.files} {one.revision if is_commit(one.revision) else ''}".strip()
        for one in sources(family)
    ]


def is_commit(revision: str) -> bool:
    """Whether a revision is a commit and not a branch, which moves."""
    return len(revision) == COMMIT_LENGTH


def _body(space: Space) -> str:
    labels = ", ".join(spec.label for spec in space.family.models)
    toy = " They are toys, trained by the project itself." if space.family.scale == "toy" else ""
    return (
        "# Unlearning, side by side\n\n"
        "Language models that memorized a book, never read it, or were made to forget it answer "
        "the same prompt side by side, and what was forgotten is measured while you watch.\n\n"
        f"This Space shows {space.family.title} ({labels}) and runs on {space.kind.title}.{toy} "
        "Nothing that visitors write is kept.\n\n"
        f"Version {space.version}; `/health` says how it is. The folder was assembled by "
        "`make space`; change the project, not the Space.\n"
    )


def _empty(folder: Path) -> None:
    """Take away what an earlier call left; a Fault where something else lies."""
    if folder.exists() and any(folder.iterdir()) and not (folder / "VERSION").is_file():
        raise Fault(f"{folder} is not empty and holds no Space; name another folder with --out.")
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)


def _copy(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(source, target)


def _git(*arguments: str) -> str:
    """What git says of the project; empty where there is none."""
    command = ["git", "-C", str(ROOT), *arguments]
    try:
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return ""
