"""A family file is read whole or refused in one sentence."""

from pathlib import Path

import pytest

from loaders import Fault, family_names, load_family

GOOD = """
name = "mine"
title = "My family"
scale = "full"
data = "data"

[books]
forget = "A"
retain = "B"

[[models]]
key = "original"
label = "Original"
letter = "O"
role = "original"
note = "read the book"
repo = "owner/name"
revision = "abc"
colour = "#000"
colour_dark = "#fff"
marker = "circle"
"""


def written(folder: Path, text: str) -> str:
    path = folder / "mine.toml"
    path.write_text(text, encoding="utf-8")
    return str(path)


def test_every_shipped_family_has_the_four_models() -> None:
    for name in family_names():
        keys = [spec.key for spec in load_family(name).models]
        assert keys[:4] == ["original", "retrained", "npo", "simnpo"]
        assert keys[4:] == (["npo_tuned"] if name == "demo-tuned" else [])


def test_the_tuned_family_is_the_demo_family_and_more() -> None:
    demo, tuned = load_family("demo"), load_family("demo-tuned")
    assert tuned.models[:4] == demo.models
    assert (tuned.data, tuned.sweep, tuned.books) == (demo.data, demo.sweep, demo.books)
    assert tuned.results == demo.results != ""


def test_muses_own_prompt_is_the_default(tmp_path: Path) -> None:
    family = load_family(written(tmp_path, GOOD))
    assert family.prompt.shot == "Question: {question}\nAnswer: {answer}\n\n"
    assert family.prompt.ask == "Question: {question}\nAnswer: "


def test_folders_are_taken_from_where_the_file_is(tmp_path: Path) -> None:
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "model.safetensors").touch()
    text = GOOD.replace('"owner/name"', '"./model"').replace('"data"', '"./data"')
    family = load_family(written(tmp_path, text))
    assert family.models[0].repo == str(tmp_path / "model")
    assert family.models[0].tokenizer == str(tmp_path / "model")
    assert family.data == str(tmp_path / "data")


@pytest.mark.parametrize("key", ["sweep", "results"])
def test_a_file_beside_it_is_taken_from_where_it_is_and_may_be_missing(
    tmp_path: Path, key: str
) -> None:
    assert getattr(load_family(written(tmp_path, GOOD)), key) == ""
    text = GOOD.replace('data = "data"', f'data = "data"\n{key} = "a.file"')
    with pytest.raises(Fault, match=f"a.file of '{key}' does not exist"):
        load_family(written(tmp_path, text))
    (tmp_path / "a.file").touch()
    assert getattr(load_family(written(tmp_path, text)), key) == str(tmp_path / "a.file")


def test_a_published_plain_npo_row_is_not_our_npo_sam_checkpoint() -> None:
    published = load_family("muse-books").published
    assert published is not None
    assert [row.model for row in published.rows] == ["original", "retrained", "", "simnpo"]


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("label =", "lable =", "unknown key 'models.0.lable' (did you mean 'label'?)"),
        ('title = "My family"\n', "", "the key 'title' is missing"),
        ('"full"', '"huge"', "'scale' is 'huge': Input should be 'toy' or 'full'"),
        ("[books]", "[books", "is not valid TOML"),
        ("owner/name", "just a name", "neither a Hub id like 'owner/name' nor a folder"),
        ("owner/name", "./nowhere", "nowhere of 'original' does not exist"),
        ("owner/name", ".", "has no .safetensors file"),
        ('data = "data"', 'data = "data"\nsweep = "no.csv"', "no.csv of 'sweep' does not exist"),
        ('revision = "abc"\n', "", "needs a 'revision', to pin owner/name"),
    ],
)
def test_a_fault_in_the_file_is_said_in_a_sentence(
    tmp_path: Path, old: str, new: str, says: str
) -> None:
    with pytest.raises(Fault) as caught:
        load_family(written(tmp_path, GOOD.replace(old, new)))
    assert says in str(caught.value)


def test_two_models_with_one_key_are_refused(tmp_path: Path) -> None:
    row = GOOD[GOOD.index("[[models]]") :]
    with pytest.raises(Fault, match="two models have the key 'original'"):
        load_family(written(tmp_path, GOOD + row))


def test_a_missing_family_names_those_there_are() -> None:
    names = "demo, demo-tuned, muse-books, muse-news"
    with pytest.raises(Fault, match=f"no family 'books'; choose {names}"):
        load_family("books")


def test_a_missing_model_names_those_there_are() -> None:
    with pytest.raises(Fault, match="no model 'gpt'; it has original, retrained, npo, simnpo"):
        load_family("muse-books").model("gpt")


def with_adapter(text: str) -> str:
    return GOOD.replace('revision = "abc"\n', f'revision = "abc"\n{text}\n')


def test_an_adapter_is_a_folder_or_a_pinned_repository(tmp_path: Path) -> None:
    (tmp_path / "lora").mkdir()
    path = written(tmp_path, with_adapter('adapter = "./lora"'))
    with pytest.raises(Fault, match=r"lora has no adapter_config\.json; 'original' cannot"):
        load_family(path)
    for name in ("adapter_config.json", "adapter_model.safetensors"):
        (tmp_path / "lora" / name).touch()
    assert load_family(path).models[0].adapter == str(tmp_path / "lora")
    pinned = 'adapter = "them/lora"\nadapter_revision = "def"'
    assert load_family(written(tmp_path, with_adapter(pinned))).models[0].adapter == "them/lora"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('adapter = "lora"', "the adapter 'lora' of 'original' is neither a Hub id"),
        ('adapter = "them/lora"', "'original' needs an 'adapter_revision', to pin them/lora"),
    ],
)
def test_an_adapter_that_is_not_pinned_is_refused(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(Fault, match=said):
        load_family(written(tmp_path, with_adapter(text)))
