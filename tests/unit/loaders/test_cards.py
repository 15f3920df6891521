"""What is published about a model comes from where it lies, and disagreements are kept."""

import json
from pathlib import Path

import pytest

from loaders import Fault, load_family
from loaders.cards import Card, Setting, filled
from tests.unit.loaders.test_family import GOOD, written

TABLE = """
[models.card]
licence = "MIT"
settings = [
  { name = "β", value = "0.7", source = "model card" },
  { name = "β", value = "0.75", source = "README" },
]
sources = [{ name = "README", url = "https://example.org/README" }]
"""


def settings(family: str, model: str) -> dict[str, str]:
    return {s.name: s.value for s in load_family(family).model(model).card.settings}


def trained(**changes: object) -> str:
    card = {
        "method": "NPO",
        "trained_on": ["forget", "retain1"],
        "start": "original",
        "hyperparameters": {"objective": "npo", "lr": 1e-3, "beta": 0.2, "gamma": 0.5, "knob": 7},
        "seed": 3,
        "seconds": 1234.5,
        "versions": {"torch": "2.13"},
        "licence": "CC BY 4.0",
    }
    return json.dumps(card | changes)


def test_sources_that_disagree_are_both_kept(tmp_path: Path) -> None:
    card = load_family(written(tmp_path, GOOD + TABLE)).models[0].card
    assert card.licence == "MIT"
    assert [(s.value, s.source) for s in card.settings] == [
        ("0.7", "model card"),
        ("0.75", "README"),
    ]


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("licence", "license", "unknown key 'models.0.card.license' (did you mean 'licence'?)"),
        ("value = ", "valeu = ", "models.0.card.settings.0.valeu' (did you mean 'value'?)"),
        (', source = "README" }', " }", "the key 'models.0.card.settings.1.source' is missing"),
        ("https://example", "javascript:", "of the source 'README' is no https:// address"),
        ('licence = "MIT"', 'file = "no.json"', "no.json cannot be read (No such file"),
    ],
)
def test_a_fault_in_a_card_is_said_in_a_sentence(
    tmp_path: Path, old: str, new: str, says: str
) -> None:
    with pytest.raises(Fault) as caught:
        load_family(written(tmp_path, GOOD + TABLE.replace(old, new, 1)))
    assert says in str(caught.value)


def test_a_trainers_card_says_what_the_table_leaves_empty(tmp_path: Path) -> None:
    (tmp_path / "card.json").write_text(trained(), encoding="utf-8")
    card = filled(Card(method="ours", file="card.json"), tmp_path)
    assert (card.method, card.base, card.licence) == ("ours", "original", "CC BY 4.0")
    assert card.data == "forget, retain1"
    assert card.settings == (
        Setting("learning rate", "0.001", "card.json"),
        Setting("β", "0.2", "card.json"),
        Setting("knob", "7", "card.json"),
        Setting("seed", "3", "card.json"),
        Setting("training took", "1,234 s", "card.json"),
        Setting("software", "torch 2.13", "card.json"),
    )


def test_a_card_of_another_kind_is_refused(tmp_path: Path) -> None:
    (tmp_path / "card.json").write_text(trained(seed="three"), encoding="utf-8")
    with pytest.raises(Fault, match=r"card.json is not a trainer's: seed: Input should be a valid"):
        filled(Card(file="card.json"), tmp_path)


def test_the_demo_family_says_what_it_was_really_trained_with() -> None:
    npo = settings("demo", "npo")
    assert (npo["β"], npo["λ (retain weight)"], npo["steps"]) == ("0.003", "1.0", "80")
    assert "γ" not in npo
    assert settings("demo", "simnpo")["γ"] == "0.0"
    retrained = settings("demo", "retrained")
    assert not {"β", "γ", "λ (retain weight)", "forget rows a step"} & set(retrained)
    for spec in load_family("demo-tuned").models:
        assert (spec.card.licence, bool(spec.card.method)) == ("CC BY 4.0", True)


def test_muse_books_shows_both_sides_and_why_npo_has_another_name() -> None:
    family = load_family("muse-books")
    simnpo = family.model("simnpo").card
    found = {(s.name, s.value) for s in simnpo.settings}
    assert {("β", "0.7"), ("β", "0.75"), ("γ", "0.0"), ("λ (retain weight)", "0.1")} <= found
    assert "no checkpoint of plain NPO" in family.model("npo").card.remark
    for spec in (*family.models, *load_family("muse-news").models):
        named = {source.name for source in spec.card.sources}
        assert {setting.source for setting in spec.card.settings} <= named
