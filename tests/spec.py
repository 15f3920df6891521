"""One row of a family, for tests that need a model's name and colours and no weights."""

from loaders.family import ModelSpec

SPEC = ModelSpec(
    key="original",
    label="Original",
    letter="O",
    role="original",
    note="read the book",
    repo="",
    colour="#D55E00",
    colour_dark="#ff8a3d",
    marker="circle",
)
