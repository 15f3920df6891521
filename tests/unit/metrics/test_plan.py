from pathlib import Path

import pytest

from loaders import Fault
from metrics.plan import Plan, make_plan, parser
from tests.unit.metrics.library import write_data

MODEL = """
[[models]]
key = "{key}"
label = "{key}"
letter = "X"
role = "{role}"
note = ""
repo = "./{key}"
colour = "#000000"
colour_dark = "#ffffff"
marker = "circle"
"""
HEAD = 'name = "lamp"\ntitle = "Lamp"\nscale = "toy"\ndata = "./data"\n'
BOOKS = '[books]\nforget = "a"\nretain = "b"\n'


@pytest.fixture
def family(tmp_path: Path) -> str:
    return write_family(tmp_path, {"original": "original", "retrained": "retrained"})


def write_family(folder: Path, roles: dict[str, str]) -> str:
    for key in roles:
        (folder / key).mkdir(exist_ok=True)
        (folder / key / "model.safetensors").write_bytes(b"")
    write_data(folder / "data")
    models = "".join(MODEL.format(key=key, role=role) for key, role in roles.items())
    path = folder / "lamp.toml"
    path.write_text(HEAD + BOOKS + models, encoding="utf-8")
    return str(path)


def planned(*arguments: str) -> Plan:
    return make_plan(parser().parse_args(arguments))


def test_everything_is_the_default(family: str) -> None:
    plan = planned("--family", family)
    assert plan.models == ("original", "retrained")
    assert plan.metrics == ("verbmem_f", "knowmem_f", "privleak", "knowmem_r", "fluency")
    assert (plan.precisions, plan.notes, plan.out) == (("nf4",), (), None)


def test_choices_come_in_the_families_and_the_registrys_order(family: str) -> None:
    plan = planned(
        *("--family", family, "--models", "retrained, original", "--limit", "2"),
        *("--metrics", "fluency,verbmem_f", "--precision", "fp32,nf4,fp32"),
    )
    assert plan.models == ("original", "retrained")
    assert plan.metrics == ("verbmem_f", "fluency")
    assert plan.precisions == ("fp32", "nf4")
    assert len(plan.data.verbmem) == 2


def test_asking_for_privleak_without_the_retrained_model_is_a_fault(family: str) -> None:
    with pytest.raises(Fault, match=r"PrivLeak is set against .* add 'retrained' to the models"):
        planned("--family", family, "--models", "original", "--metrics", "privleak")


def test_not_asking_for_it_leaves_it_out_and_says_so(family: str) -> None:
    plan = planned("--family", family, "--models", "original")
    assert "privleak" not in plan.metrics
    assert plan.notes == (
        "PrivLeak is set against the retrained model of the same run; "
        "add 'retrained' to the models.",
    )


def test_a_family_without_a_retrained_model_works(tmp_path: Path) -> None:
    family = write_family(tmp_path, {"original": "original"})
    assert "the family lamp has none" in planned("--family", family).notes[0]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--precision", "int4"), "The precision 'int4' is unknown; choose one of nf4, fp4, int8"),
        (("--precision", ","), "--precision names nothing"),
        (("--models", ""), "--models names nothing"),
        (("--models", "gpt"), "has no model 'gpt'; it has original, retrained"),
        (("--metrics", "rouge"), "There is no metric 'rouge'; choose from verbmem_f"),
        (("--limit", "0"), "The limit is 0 rows; choose 1 or more"),
        (("--seed", "-1"), "The seed is -1; choose a whole number from 0 up"),
        (("--out", "/nowhere/at/all.json"), "The folder /nowhere/at of --out does not exist"),
        (("--out", "/"), "--out / is a folder"),
    ],
)
def test_a_wrong_option_says_what_it_may_be(
    family: str, arguments: tuple[str, ...], message: str
) -> None:
    with pytest.raises(Fault, match=message):
        planned("--family", family, *arguments)


def test_an_unknown_family_is_a_fault() -> None:
    with pytest.raises(Fault, match="There is no family 'books'; choose demo, demo-tuned"):
        planned("--family", "books")
