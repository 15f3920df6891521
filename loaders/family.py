"""A family: the models compared, their data and their prompts; read from TOML, never run."""

import re
import tomllib
from dataclasses import dataclass, field, replace
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Literal

from pydantic import ConfigDict, TypeAdapter, ValidationError

from loaders.cards import Card, Setting, Source, check_sources, filled
from loaders.faults import Fault
from loaders.serving import check_serving

FOLDER = Path(__file__).parent / "families"
STRICT = ConfigDict(extra="forbid")
HUB_ID = re.compile(r"[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*")
ADAPTER_FILES = ("adapter_config.json", "adapter_model.safetensors")

Role = Literal["original", "retrained", "unlearned"]


@dataclass(frozen=True)
class ModelSpec:
    """One row of the comparison. `repo` is a folder or a Hub id; a Hub id needs its `revision`.

    An `adapter` in PEFT's format is put on the model of `repo`; it too is a folder, or a Hub id
    with its `adapter_revision` (loaders/engine/adapters.py).

    A row with the `engine` openai is run by the server at `url`, under the name `served_model`; it
    needs a `tokenizer` of its own and no `repo`. `key_env` names the environment variable with the
    server's key (loaders/serving.py).

    `step` is set for one of several checkpoints of a training run: the steps until then. `colour`
    is used on paper, `colour_dark` on dark; `marker` is a Plotly symbol and `letter` the badge, so
    that colour never carries meaning alone. `card` is what is published about it.
    """

    __pydantic_config__ = STRICT

    key: str
    label: str
    letter: str
    role: Role
    note: str
    colour: str
    colour_dark: str
    marker: str
    repo: str = ""
    revision: str = ""
    tokenizer: str = ""
    tokenizer_revision: str = ""
    adapter: str = ""
    adapter_revision: str = ""
    step: int | None = None
    card: Card = field(default_factory=Card)
    engine: Literal["local", "openai"] = "local"
    url: str = ""
    served_model: str = ""
    served_precision: str = ""
    key_env: str = ""

    @property
    def is_served(self) -> bool:
        """Whether a server runs it, and not this machine."""
        return self.engine == "openai"


@dataclass(frozen=True)
class Prompt:
    """How a question is put. Defaults are MUSE's own, trailing space included."""

    __pydantic_config__ = STRICT

    shot: str = "Question: {question}\nAnswer: {answer}\n\n"
    ask: str = "Question: {question}\nAnswer: "


@dataclass(frozen=True)
class Books:
    """What the two halves of the data are called on screen."""

    __pydantic_config__ = STRICT

    forget: str
    retain: str


@dataclass(frozen=True)
class PublishedRow:
    """Somebody's printed numbers. `model` names our row that is the very same checkpoint."""

    __pydantic_config__ = STRICT

    label: str
    values: dict[str, float]
    model: str = ""


@dataclass(frozen=True)
class Published:
    """Numbers from the literature: where they stand and at which precision they were measured."""

    __pydantic_config__ = STRICT

    source: str
    precision: str
    rows: tuple[PublishedRow, ...]


@dataclass(frozen=True)
class ReferenceAuc:
    """AUCs of a retrained model that is not at hand, by metric, low for members, and whose they
    are."""

    __pydantic_config__ = STRICT

    source: str
    values: dict[str, float]


@dataclass(frozen=True)
class Family:
    """Everything the page and the metrics need to know about a set of models.

    `sweep` is the CSV of the settings that were tried, or empty (metrics/choosing/trials.py);
    `results` is the JSON of a run that ships with the family, or empty (metrics/results.py).
    """

    __pydantic_config__ = STRICT

    name: str
    title: str
    scale: Literal["toy", "full"]
    data: str
    books: Books
    models: tuple[ModelSpec, ...]
    data_revision: str = ""
    sweep: str = ""
    results: str = ""
    prompt: Prompt = field(default_factory=Prompt)
    published: Published | None = None
    reference_auc: ReferenceAuc | None = None

    def model(self, key: str) -> ModelSpec:
        """The model called `key`; a Fault names those there are."""
        for spec in self.models:
            if spec.key == key:
                return spec
        keys = ", ".join(spec.key for spec in self.models)
        raise Fault(f"The family {self.name} has no model {key!r}; it has {keys}.")

    @property
    def retrained(self) -> ModelSpec | None:
        """The gold standard that everything is read against, where the family has one."""
        return next((spec for spec in self.models if spec.role == "retrained"), None)


TABLES = (
    *(Family, ModelSpec, Prompt, Books, PublishedRow, Published, ReferenceAuc),
    *(Card, Setting, Source),
)


def family_names() -> list[str]:
    """Names of the families that ship with the project."""
    return sorted(path.stem for path in FOLDER.glob("*.toml"))


def load_family(name: str) -> Family:
    """Read and check the family called `name`, or the TOML file at that path.

    Relative folders in the file are taken from where the file is. Raises Fault in one sentence.
    """
    path = find_family(name)
    try:
        raw = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise Fault(f"{path} is not valid TOML: {error}.") from error
    try:
        family = TypeAdapter(Family).validate_python(raw)
    except ValidationError as error:
        raise Fault(f"{path}: {_first_error(error)}") from error
    _check_models(path, family)
    for key, name in (("sweep", family.sweep), ("results", family.results)):
        if name and not (file := _absolute(path, name)).is_file():
            raise Fault(f"{path}: the file {file} of {key!r} does not exist.")
    return _resolved(path, family)


def is_local(repo: str) -> bool:
    """Whether `repo` names a folder on this machine rather than a repository on the Hub."""
    return repo.startswith((".", "/", "~"))


def find_family(name: str) -> Path:
    """The file of the family called `name`, or the TOML file at that path; a Fault if none."""
    path = Path(name) if name.endswith(".toml") else FOLDER / f"{name}.toml"
    if path.is_file():
        return path.resolve()
    names = ", ".join(family_names())
    raise Fault(f"There is no family {name!r}; choose {names}, or give the path of a .toml file.")


def _first_error(error: ValidationError) -> str:
    unknown = (found for found in error.errors() if found["type"] == "unexpected_keyword_argument")
    first = next(unknown, error.errors()[0])
    *parents, key = [str(part) for part in first["loc"]]
    where = ".".join([*parents, key])
    if first["type"] == "unexpected_keyword_argument":
        return f"unknown key {where!r}{_suggestion(key)}."
    if first["type"] == "missing":
        return f"the key {where!r} is missing."
    return f"{where!r} is {_shown(first['input'])}: {first['msg']}."


def _suggestion(key: str) -> str:
    known = {name for kind in TABLES for name in kind.__dataclass_fields__}
    match = get_close_matches(key, known, n=1)
    return f" (did you mean {match[0]!r}?)" if match else ""


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."


def _check_models(path: Path, family: Family) -> None:
    if not family.models:
        raise Fault(f"{path}: 'models' is empty; a family has at least one [[models]].")
    keys = [spec.key for spec in family.models]
    if doubled := next((key for key in keys if keys.count(key) > 1), None):
        raise Fault(f"{path}: two models have the key {doubled!r}; give each its own.")
    if sum(spec.role == "retrained" for spec in family.models) > 1:
        raise Fault(f"{path}: more than one model has the role 'retrained'; keep one.")
    for spec in family.models:
        if wrong := check_serving(spec) or check_sources(spec.card):
            raise Fault(f"{path}: {wrong}")
        _check_tokenizer(path, spec)
        if spec.repo or not spec.is_served:
            _check_repo(path, spec)
        if spec.adapter:
            _check_adapter(path, spec)


def _check_tokenizer(path: Path, spec: ModelSpec) -> None:
    """A served row has no weights here that could bring a tokenizer along."""
    if not spec.is_served:
        return
    if not is_local(spec.tokenizer) and not HUB_ID.fullmatch(spec.tokenizer):
        raise Fault(
            f"{path}: the tokenizer {spec.tokenizer!r} of {spec.key!r} is neither a Hub id like "
            "'owner/name' nor a folder starting with '.', '/' or '~'."
        )
    if is_local(spec.tokenizer) and not (folder := _absolute(path, spec.tokenizer)).is_dir():
        raise Fault(f"{path}: the folder {folder} of the tokenizer of {spec.key!r} does not exist.")


def _check_repo(path: Path, spec: ModelSpec) -> None:
    if not spec.repo:
        raise Fault(f"{path}: {spec.key!r} has no 'repo'; give it a folder or a Hub id.")
    if not is_local(spec.repo):
        if not HUB_ID.fullmatch(spec.repo):
            raise Fault(
                f"{path}: the repo {spec.repo!r} of {spec.key!r} is neither a Hub id like "
                "'owner/name' nor a folder starting with '.', '/' or '~'."
            )
        if not spec.revision:
            raise Fault(f"{path}: {spec.key!r} needs a 'revision', to pin {spec.repo}.")
        return
    folder = _absolute(path, spec.repo)
    if not folder.is_dir():
        raise Fault(f"{path}: the folder {folder} of {spec.key!r} does not exist.")
    if not any(folder.glob("*.safetensors")):
        raise Fault(f"{folder} has no .safetensors file; {spec.key!r} cannot be loaded from it.")


def _check_adapter(path: Path, spec: ModelSpec) -> None:
    if spec.is_served:
        raise Fault(f"{path}: {spec.key!r} is run by a server and cannot be given an 'adapter'.")
    if not is_local(spec.adapter):
        if not HUB_ID.fullmatch(spec.adapter):
            raise Fault(
                f"{path}: the adapter {spec.adapter!r} of {spec.key!r} is neither a Hub id like "
                "'owner/name' nor a folder starting with '.', '/' or '~'."
            )
        if not spec.adapter_revision:
            raise Fault(f"{path}: {spec.key!r} needs an 'adapter_revision', to pin {spec.adapter}.")
        return
    folder = _absolute(path, spec.adapter)
    if lacking := next((name for name in ADAPTER_FILES if not (folder / name).is_file()), ""):
        raise Fault(
            f"{path}: {folder} has no {lacking}; {spec.key!r} cannot be given this adapter."
        )


def _absolute(path: Path, folder: str) -> Path:
    return (path.parent / Path(folder).expanduser()).resolve()


def _resolved(path: Path, family: Family) -> Family:
    def absolute(repo: str) -> str:
        return str(_absolute(path, repo)) if is_local(repo) else repo

    models = tuple(
        replace(
            spec,
            repo=absolute(spec.repo),
            tokenizer=absolute(spec.tokenizer or spec.repo),
            adapter=absolute(spec.adapter),
            card=filled(spec.card, path.parent),
        )
        for spec in family.models
    )
    sweep = str(_absolute(path, family.sweep)) if family.sweep else ""
    results = str(_absolute(path, family.results)) if family.results else ""
    data = absolute(family.data)
    return replace(family, models=models, data=data, sweep=sweep, results=results)
