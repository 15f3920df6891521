"""What is checked of an assembled Space, a line each; it changes nothing in it."""

import gzip
import re
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib.metadata import packages_distributions
from pathlib import Path

from deploy.assemble import ROOT, Space, imports, is_commit, sources
from deploy.front_matter import problems, read
from deploy.resolution import Package, resolve
from loaders.family import is_local, load_family
from loaders.faults import Fault

MOST_BYTES = 10 * 1024 * 1024  # of a file without LFS
MIB = 1024 * 1024
NOT_NEEDED = ("tests", "benchmarks", "LOG.md", "Makefile", "requirements-test.txt")
SECRETS = re.compile(
    rb"hf_[A-Za-z0-9]{30,}|\bsk-[A-Za-z0-9_-]{20,}|\bgh[pousr]_[A-Za-z0-9]{30,}|\bAKIA[0-9A-Z]{16}"
    rb"|-----BEGIN [A-Z ]*PRIVATE KEY-----"
)
HOMES = re.compile(rb"(?<![\w/.])/(?:home|Users)/[a-z][\w.-]*/")


@dataclass(frozen=True)
class Check:
    """What one check found; `passed` is None for what is only worth knowing."""

    name: str
    passed: bool | None
    said: str

    def __str__(self) -> str:
        mark = {True: "ok", False: "FAIL", None: "note"}[self.passed]
        return f"{mark:<5} {self.name:<14} {self.said}"


def check_all(space: Space, *, offline: bool = False) -> Iterator[Check]:
    """Every check, the slow one last. `offline` leaves out what asks the package index."""
    for check in (front_matter, contents, family, revisions, sizes, secrets):
        yield _made(check, space)
    if offline:
        yield Check("requirements", None, "not resolved: the package index was not asked")
        return
    yield _made(requirements, space)


def _made(check: Callable[[Space], Check], space: Space) -> Check:
    try:
        return check(space)
    except Fault as fault:
        return Check(check.__name__.replace("_", " "), False, str(fault))


def front_matter(space: Space) -> Check:
    """The fields of the README, and that the file they name is there."""
    values = read((space.folder / "README.md").read_text(encoding="utf-8"))
    found = problems(values)
    if not (space.folder / str(values.get("app_file"))).is_file():
        found.append(f"'app_file' {values.get('app_file')!r} is not in the Space")
    said = f"{len(values)} fields, all documented, for {space.kind.title}"
    return Check("front matter", not found, "; ".join(found) or said)


def contents(space: Space) -> Check:
    """Nothing that no Space needs, and every part of the project that is imported."""
    names = {path.relative_to(space.folder).parts[0] for path in files(space)}
    unneeded = sorted(names & set(NOT_NEEDED))
    if unneeded:
        return Check("contents", False, f"not needed: {', '.join(unneeded)}")
    ours = {path.parent.name for path in ROOT.glob("*/__init__.py")}
    missing = sorted(imported(space) & ours - names)
    if missing:
        return Check("contents", False, f"imported but left out: {', '.join(missing)}")
    folders = ", ".join(sorted(name for name in names if (space.folder / name).is_dir()))
    return Check("contents", True, f"{len(files(space))} files in {folders}")


def family(space: Space) -> Check:
    """The family can be read in the folder as it stands there."""
    path = space.folder / "loaders" / "families" / f"{space.family.name}.toml"
    found = load_family(str(path))
    outside = [spec.repo for spec in found.models if is_local(spec.repo)]
    outside = [repo for repo in outside if not Path(repo).is_relative_to(space.folder.resolve())]
    said = f"{found.name}, {len(found.models)} models: {found.title}"
    return Check("family", not outside, f"outside: {', '.join(outside)}" if outside else said)


def revisions(space: Space) -> Check:
    """What comes from the Hub is pinned to a commit, or named."""
    pinned = {one.repo: one.revision for one in sources(space.family)}
    if not is_local(space.family.data):
        pinned[space.family.data] = space.family.data_revision
    loose = [repo for repo, revision in pinned.items() if not is_commit(revision)]
    if loose:
        return Check("revisions", None, f"resolved when loaded, not pinned: {', '.join(loose)}")
    said = f"{len(pinned)} repositories, all at a commit" if pinned else "nothing from the Hub"
    return Check("revisions", True, said)


def sizes(space: Space) -> Check:
    """Every file fits into git without LFS."""
    found = {path: path.stat().st_size for path in files(space)}
    large = [
        str(path.relative_to(space.folder)) for path, size in found.items() if size >= MOST_BYTES
    ]
    if large:
        return Check("sizes", False, f"10 MiB or more: {', '.join(large)}")
    largest = max(found, key=lambda path: found[path])
    said = f"{sum(found.values()) / MIB:.1f} MiB in all; the largest is {largest.name}"
    return Check("sizes", True, f"{said}, {found[largest] / MIB:.1f} MiB")


def secrets(space: Space) -> Check:
    """No keys, and no paths of the machine that it was assembled on."""
    here = [str(path).encode() for path in (ROOT, Path.home()) if len(path.parts) > 1]
    bad = []
    for path in files(space):
        content = path.read_bytes()
        content = gzip.decompress(content) if path.suffix == ".gz" else content
        # Weights are numbers: what looks like a home in them is chance.
        homes = path.suffix != ".safetensors" and HOMES.search(content)
        if SECRETS.search(content) or homes or any(place in content for place in here):
            bad.append(str(path.relative_to(space.folder)))
    said = f"keys or paths in {', '.join(bad)}" if bad else "no keys, no paths of this machine"
    return Check("secrets", not bad, said)


def requirements(space: Space) -> Check:
    """They resolve on the Space's Python, agree with its Gradio, and bring all that is imported."""
    values = read((space.folder / "README.md").read_text(encoding="utf-8"))
    python = str(values["python_version"])
    packages = {
        one.name.lower().replace("_", "-"): one
        for one in resolve(space.folder / "requirements.txt", python)
    }
    missing = unprovided(space, set(packages))
    if missing:
        return Check("requirements", False, f"imported but not required: {', '.join(missing)}")
    if (gradio := packages["gradio"].version) != values["sdk_version"]:
        return Check(
            "requirements",
            False,
            f"gradio resolves to {gradio}, while the front matter "
            f"says {values['sdk_version']}: set sdk_version",
        )
    return Check("requirements", True, _resolved(packages, python))


def _resolved(packages: dict[str, Package], python: str) -> str:
    torch = packages["torch"].version
    cuda = sum(name.startswith(("nvidia-", "cuda-")) for name in packages)
    with_cuda = f"with {cuda} packages of CUDA" if cuda else "for a CPU"
    return f"{len(packages)} packages for Python {python}; torch {torch} {with_cuda}"


def unprovided(space: Space, packages: set[str]) -> list[str]:
    """Names that are imported and that none of the packages brings, as far as is known here."""
    owners = packages_distributions()
    ours = {path.stem for path in space.folder.iterdir()}
    names = imported(space) - set(sys.stdlib_module_names) - ours
    return sorted(
        name
        for name in names
        if not {one.lower().replace("_", "-") for one in owners.get(name, [name])} & packages
    )


def imported(space: Space) -> set[str]:
    """Top-level names of all that the Space's files import."""
    return set().union(*(imports(path) for path in files(space) if path.suffix == ".py"))


def files(space: Space) -> list[Path]:
    """Every file of the Space."""
    return sorted(path for path in space.folder.rglob("*") if path.is_file())
