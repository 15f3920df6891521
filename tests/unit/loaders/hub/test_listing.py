"""Which files of a repository a model needs, and what is said where they are not there."""

import pytest

from loaders.faults import Fault
from loaders.hub.listing import File, Listing, adapter_files, tokenizer_files, weight_files

COMMIT = "0123456789" * 4


def listing(*names: str) -> Listing:
    return Listing("lab/model", "main", COMMIT, tuple(File(name, 1) for name in names))


def names(files: tuple[File, ...]) -> set[str]:
    return {file.name for file in files}


def test_all_shards_come_with_their_index_and_config_and_nothing_else() -> None:
    wanted = {
        "config.json",
        "generation_config.json",
        "model.safetensors.index.json",
        "model-00001-of-00002.safetensors",
        "model-00002-of-00002.safetensors",
    }
    others = ("README.md", "pytorch_model.bin", "consolidated.safetensors", "optimizer.pt")
    assert names(weight_files(listing(*wanted, *others))) == wanted


def test_a_single_file_of_weights_is_enough() -> None:
    assert names(weight_files(listing("config.json", "model.safetensors"))) == {
        "config.json",
        "model.safetensors",
    }


@pytest.mark.parametrize(
    ("there", "says"),
    [
        (
            ("config.json", "model-00001-of-00002.safetensors"),
            "lab/model has no model-00002-of-00002.safetensors at 01234567.",
        ),
        (("model.safetensors",), "lab/model has no config.json at 01234567; it is no model."),
        (
            ("config.json", "pytorch_model.bin"),
            "has no .safetensors weights at 01234567; what it has is pytorch_model.bin, which may",
        ),
        (("config.json",), "lab/model has no .safetensors weights at 01234567."),
    ],
)
def test_what_is_not_there_is_named(there: tuple[str, ...], says: str) -> None:
    with pytest.raises(Fault, match=says.replace(".", r"\.")):
        weight_files(listing(*there))


def test_a_tokenizer_is_what_lies_at_the_top_but_no_index_of_weights() -> None:
    found = tokenizer_files(
        listing(
            "tokenizer.model",
            "tokenizer_config.json",
            "model.safetensors.index.json",
            "model.safetensors",
            "onnx/tokenizer.json",
        )
    )
    assert names(found) == {"tokenizer.model", "tokenizer_config.json"}
    with pytest.raises(Fault, match="lab/model has no tokenizer at 01234567; name one that has"):
        tokenizer_files(listing("config.json", "special_tokens_map.json"))


def test_an_adapter_is_two_files() -> None:
    both = ("adapter_config.json", "adapter_model.safetensors")
    assert names(adapter_files(listing(*both, "README.md"))) == set(both)
    with pytest.raises(Fault, match=r"has no adapter_config\.json and adapter_model"):
        adapter_files(listing("adapter_model.safetensors"))
