"""How a stored model is shown, so that a record can be drawn without the family's file."""

from collections.abc import Mapping
from dataclasses import dataclass

from loaders.family import Family, ModelSpec, Role


@dataclass(frozen=True)
class Face:
    """What a family says of a model that is for the eye; see `loaders.family.ModelSpec`."""

    label: str
    letter: str
    role: Role
    colour: str
    colour_dark: str


def face_of(spec: ModelSpec) -> Face:
    """The face that a family gives a model."""
    return Face(spec.label, spec.letter, spec.role, spec.colour, spec.colour_dark)


def faces_of(family: Family) -> dict[str, Face]:
    """The faces of a family by model key."""
    return {spec.key: face_of(spec) for spec in family.models}


def find_face(model: str, faces: Mapping[str, Face]) -> Face:
    """The model's face; one made of its key where nobody gave it one."""
    roles: dict[str, Role] = {"original": "original", "retrained": "retrained"}
    role = roles.get(model, "unlearned")
    return faces.get(model) or Face(model, model[:1].upper(), role, "#6b665e", "#9d988f")
