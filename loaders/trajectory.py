"""A folder of checkpoints of one training run as a family; never loads one.

What trainers leave behind is read as it lies there: `checkpoint-40/` of transformers, `step-40/`.
"""

import re
from dataclasses import replace
from pathlib import Path

from loaders.family import Family, ModelSpec, Published
from loaders.faults import Fault

NAME = re.compile(r"(?:checkpoint|step)-(.*)")
TOKENIZERS = ("tokenizer.json", "tokenizer.model", "vocab.json")  # any of which is one


def with_checkpoints(family: Family, folder: Path) -> Family:
    """`family` with the checkpoints in `folder` for its unlearned models, by their steps.

    Its original and retrained model stay beside them. A checkpoint without a tokenizer is read with
    the original's. A Fault for a folder without checkpoints, for one that cannot be loaded, and for
    a name whose number is none or is there twice.
    """
    kept = tuple(spec for spec in family.models if spec.role != "unlearned")
    like = next((s for s in family.models if s.role == "original"), family.models[0])
    steps = _find(folder)
    stages = tuple(
        _spec(step, number, steps[step], like) for number, step in enumerate(sorted(steps), 1)
    )
    keys = {spec.key for spec in kept}
    published = _published(family.published, keys) if family.published is not None else None
    return replace(family, models=kept + stages, published=published, sweep="")


def list_checkpoints(family: Family) -> tuple[ModelSpec, ...]:
    """The models of a family that are stages of a training run, by their steps."""
    stages = [spec for spec in family.models if spec.step is not None]
    return tuple(sorted(stages, key=lambda spec: spec.step or 0))


def without_earlier(family: Family) -> Family:
    """The family as it is compared side by side: of its checkpoints only the last."""
    earlier = list_checkpoints(family)[:-1]
    return replace(family, models=tuple(spec for spec in family.models if spec not in earlier))


def _find(folder: Path) -> dict[int, Path]:
    """The checkpoints of a folder by their steps."""
    folder = folder.expanduser().resolve()
    if not folder.is_dir():
        raise Fault(f"The folder {folder} of checkpoints does not exist.")
    found: dict[int, Path] = {}
    for path in sorted(folder.iterdir()):
        if not (match := NAME.fullmatch(path.name)) or not path.is_dir():
            continue
        step = _number(path, match[1])
        if step in found:
            raise Fault(f"{found[step].name} and {path.name} in {folder} are both step {step}.")
        _check(path)
        found[step] = path
    if not found:
        raise Fault(
            f"{folder} has no checkpoints: no folder in it is called checkpoint-N or step-N."
        )
    return found


def _number(path: Path, text: str) -> int:
    if not (text.isascii() and text.isdecimal()):
        raise Fault(f"{path}: {text!r} is no number of steps; rename the folder or move it away.")
    return int(text)


def _check(path: Path) -> None:
    if not any(path.glob("*.safetensors")):
        raise Fault(f"{path} has no .safetensors file; save the weights so, or move it away.")
    if not (path / "config.json").is_file():
        why = "an adapter: merge it into its model first" if _is_adapter(path) else "no whole model"
        raise Fault(f"{path} has no config.json; it is {why}.")


def _is_adapter(path: Path) -> bool:
    return (path / "adapter_config.json").is_file()


def _spec(step: int, number: int, path: Path, like: ModelSpec) -> ModelSpec:
    own = any((path / name).is_file() for name in TOKENIZERS)
    return ModelSpec(
        key=f"step-{step}",
        label=f"step {step}",
        letter=str(number),
        role="unlearned",
        note=f"after {step} steps of training",
        repo=str(path),
        colour="#0072B2",
        colour_dark="#58b0ec",
        marker="diamond",
        tokenizer=str(path) if own else like.tokenizer,
        tokenizer_revision="" if own else like.tokenizer_revision,
        step=step,
    )


def _published(published: Published, keys: set[str]) -> Published:
    """The same numbers; a row of a model that is not there is of no model of ours."""
    rows = tuple(row if row.model in keys else replace(row, model="") for row in published.rows)
    return replace(published, rows=rows)
