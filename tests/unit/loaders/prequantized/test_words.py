"""What is said of a prequantized checkpoint: its card, its family's file, its sizes."""

import tomllib
from dataclasses import replace
from pathlib import Path

import pytest

from loaders import Fault, load_family
from loaders.family import ModelSpec, find_family
from loaders.prequantized.card import card
from loaders.prequantized.family_file import Place, family_text
from loaders.prequantized.record import File, Record, read_record, write_record
from loaders.prequantized.room import Need, require_room
from loaders.sizes import say_size

RECORD = Record(
    label="NPO (+SAM)",
    source="owner/name",
    commit="c0ffee",
    licence="llama2",
    source_files=(File("model-00001-of-00002.safetensors", 4_940_000_000, "ab" * 32),),
    files=(File("model.safetensors", 3_866_000_000, "cd" * 32),),
    dtype="bfloat16",
    device="cpu",
    probe="logits of 2 × 64 tokens over 32,000 words of the vocabulary",
    versions={"bitsandbytes": "0.50.2", "torch": "2.13.0"},
    created="2026-11-24T10:00:00+00:00",
)


def test_the_card_names_source_hashes_versions_and_what_was_verified() -> None:
    text = card(RECORD)
    assert text.startswith("---\nlibrary_name: transformers\nlicense: llama2\nbase_model: owner/n")
    for part in (
        "`owner/name` at commit `c0ffee`",
        f"| model-00001-of-00002.safetensors | 4,940,000,000 | `{'ab' * 32}` |",
        f"| model.safetensors | 3,866,000,000 | `{'cd' * 32}` |",
        "bitsandbytes 0.50.2, torch 2.13.0",
        "| Weights | 3.87 GB |",
        "in bfloat16",
        "2 × 64 tokens over 32,000 words of the vocabulary, of the model fresh from quantization",
        "numbers published for the source do not hold",
    ):
        assert part in text


def test_a_folders_card_claims_no_licence_and_no_hub() -> None:
    text = card(replace(RECORD, source="mine", commit="", licence=""))
    assert "license:" not in text
    assert "base_model" not in text
    assert "`mine`, a local folder" in text
    assert "not stated by the source" in text


def test_a_licence_in_words_is_no_id_of_the_hub() -> None:
    text = card(replace(RECORD, licence="CC BY 4.0"))
    assert "license:" not in text
    assert "| Licence | CC BY 4.0 |" in text


def test_a_record_comes_back_and_other_folders_are_refused(tmp_path: Path) -> None:
    write_record(tmp_path, RECORD)
    assert read_record(tmp_path) == RECORD
    (tmp_path / "prequantized.json").write_text("{}")
    with pytest.raises(Fault, match="is there already and holds no checkpoint of this kind"):
        read_record(tmp_path)


def test_a_family_points_at_what_is_there_and_keeps_the_rest(tmp_path: Path) -> None:
    (tmp_path / "npo").mkdir()
    (tmp_path / "npo" / "model.safetensors").touch()
    (tmp_path / "family.toml").write_text(
        family_text(find_family("demo-tuned"), {"npo": Place("./npo")}), encoding="utf-8"
    )
    made, source = load_family(str(tmp_path / "family.toml")), load_family("demo-tuned")
    assert (made.name, made.scale, made.books) == ("demo-tuned-nf4", "toy", source.books)
    assert (made.data, made.sweep, made.results) == (source.data, source.sweep, "")
    assert made.model("npo").repo == made.model("npo").tokenizer == str(tmp_path / "npo")
    assert rest(made.model("simnpo"), "") == rest(source.model("simnpo"), "")
    assert rest(made.model("npo"), "npo") == rest(source.model("npo"), "npo")


def rest(spec: ModelSpec, place: str) -> ModelSpec:
    """A row without what may change: the path of its card's file, and where it is put."""
    plain = replace(spec, card=replace(spec.card, file=""))
    return replace(plain, repo=place, tokenizer=place) if place else plain


def test_an_adapter_goes_along_with_its_base(tmp_path: Path) -> None:
    row = 'repo = "../../assets/demo/models/npo"\n'
    text = find_family("demo").read_text("utf-8").replace(row, f'{row}adapter = "./lora"\n')
    (tmp_path / "mine.toml").write_text(text, encoding="utf-8")
    made = tomllib.loads(family_text(tmp_path / "mine.toml", {"npo": Place("./npo")}))
    (npo,) = [row for row in made["models"] if row["key"] == "npo"]
    assert (npo["repo"], npo["adapter"]) == ("./npo", str(tmp_path / "lora"))


def test_a_hub_family_is_pinned_and_reads_with_its_own_tokenizer() -> None:
    text = family_text(find_family("muse-books"), {"simnpo": Place("us/x", "c0ffee")})
    rows = {row["key"]: row for row in tomllib.loads(text)["models"]}
    assert (rows["simnpo"]["repo"], rows["simnpo"]["revision"]) == ("us/x", "c0ffee")
    assert not {"tokenizer", "tokenizer_revision"} & set(rows["simnpo"])
    assert rows["original"]["repo"] == "muse-bench/MUSE-books_target"
    assert rows["original"]["tokenizer"] == "NousResearch/Llama-2-7b-hf"


def test_what_one_disk_cannot_take_is_said_before(tmp_path: Path) -> None:
    needs = (
        Need(tmp_path / "out" / "deep", 3_866_000_000, "npo in nf4"),
        Need(tmp_path, 13_476_000_000, "the download of npo"),
    )
    require_room(needs, lambda _: 18_000_000_000)
    with pytest.raises(Fault) as caught:
        require_room(needs, lambda _: 17_000_000_000)
    assert str(caught.value).endswith(
        "has 17.0 GB free, and 3.87 GB for npo in nf4 and 13.5 GB for the download of npo are "
        "needed; free some, or choose another --out."
    )


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (999, "999 B"),
        (1_730_000, "1.73 MB"),
        (3_866_000_000, "3.87 GB"),
        (95_000_000_000, "95.0 GB"),
    ],
)
def test_sizes_have_three_digits(value: int, said: str) -> None:
    assert say_size(value) == said
