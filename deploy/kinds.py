"""The kinds of Space that the dashboard runs as, a row each; it assembles nothing."""

from dataclasses import dataclass

from loaders.faults import Fault


@dataclass(frozen=True)
class Kind:
    """A kind of Space.

    `family` is what it shows unless another is asked for; empty where one has to be named.
    `hardware` is suggested to whoever duplicates it, `startup` how long it may take to start, and
    `torch` the range to put in place of the project's own. With `preloads` the weights are fetched
    while the Space is built.
    """

    name: str
    title: str
    family: str
    hardware: str
    startup: str
    torch: str = ""
    extra: tuple[str, ...] = ()
    preloads: bool = False


KINDS = (
    Kind("cpu", "a CPU", "demo", "cpu-basic", "30m"),
    Kind("gpu", "a GPU of its own", "muse-books", "l4x1", "1h"),
    # There, torch is 2.8.0, 2.9.1, 2.10.0 or 2.11.0, and a visitor's weights come from the disk:
    # only checkpoints that are quantized already fit.
    Kind(
        "zerogpu",
        "ZeroGPU",
        "",
        "",
        "1h",
        torch="torch>=2.8,!=2.9.0,<2.12",
        extra=("spaces",),
        preloads=True,
    ),
)


def find_kind(name: str) -> Kind:
    """The kind called `name`; a Fault names those there are."""
    for kind in KINDS:
        if kind.name == name:
            return kind
    names = ", ".join(kind.name for kind in KINDS)
    raise Fault(f"There is no kind of Space {name!r}; choose {names}.")
