import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from loaders import Fault
from metrics import HEADLINE, METRICS
from metrics.formulas.privleak import PRIVLEAK
from metrics.plan import Plan, make_plan, parser
from metrics.profile import MUSE, OPEN_UNLEARNING
from metrics.registry import choose
from tests.serving import ROOT
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
DECLARED = '[reference_auc]\nsource = "x"\nvalues = { privleak = 0.5 }\n'


@pytest.fixture
def family(tmp_path: Path) -> str:
    return write_family(tmp_path, {"original": "original", "retrained": "retrained"})


def write_family(folder: Path, roles: dict[str, str], more: str = "") -> str:
    for key in roles:
        (folder / key).mkdir(exist_ok=True)
        (folder / key / "model.safetensors").write_bytes(b"")
    write_data(folder / "data")
    models = "".join(MODEL.format(key=key, role=role) for key, role in roles.items())
    path = folder / "lamp.toml"
    path.write_text(HEAD + BOOKS + more + models, encoding="utf-8")
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


def test_the_headline_can_be_enough_at_some_precisions(family: str) -> None:
    wanted = ("--family", family, "--precision", "fp32,nf4,fp4", "--metrics")
    plan = planned(*wanted, "repetition,verbmem_f,fluency", "--headline-only", "fp4, nf4")
    assert plan.metrics_at("fp32") == ("verbmem_f", "fluency", "repetition")
    assert plan.metrics_at("nf4") == plan.metrics_at("fp4") == ("verbmem_f", "fluency")
    with pytest.raises(Fault, match="--headline-only names 'bf16'; choose from fp32, nf4, fp4"):
        planned(*wanted, "all", "--headline-only", "bf16")
    with pytest.raises(Fault, match="--metrics has none of the headline"):
        planned(*wanted, "repetition", "--headline-only", "nf4")


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


def test_asking_for_everything_leaves_it_out_too(family: str) -> None:
    for wanted in ("all", "headline,utility", "headline"):
        plan = planned("--family", family, "--models", "original", "--metrics", wanted)
        left_out = {m.key for m in choose(wanted.split(",")) if m.needs_reference}
        assert "privleak" in left_out
        assert set(plan.metrics) == {m.key for m in choose(wanted.split(","))} - left_out
        assert len(plan.notes) == len(left_out)


def test_naming_it_beside_everything_is_asking_for_it(family: str) -> None:
    with pytest.raises(Fault, match="PrivLeak is set against"):
        planned("--family", family, "--models", "original", "--metrics", "all,privleak")


def test_all_with_the_retrained_model_is_every_metric(family: str) -> None:
    plan = planned("--family", family, "--metrics", "all")
    assert plan.metrics == tuple(metric.key for metric in METRICS)
    assert plan.notes == ()


def test_a_declared_auc_is_reference_enough(tmp_path: Path) -> None:
    family = write_family(tmp_path, {"original": "original"}, DECLARED)
    plan = planned("--family", family, "--metrics", "privleak")
    assert (plan.metrics, plan.notes) == (("privleak",), ())


def test_a_declared_auc_in_points_is_a_fault(tmp_path: Path) -> None:
    family = write_family(tmp_path, {"original": "original"}, DECLARED.replace("0.5", "50.0"))
    with pytest.raises(
        Fault, match=r"of the family lamp has privleak = 50\.0; an AUC is more than"
    ):
        planned("--family", family, "--metrics", "privleak")
    assert "has privleak = 50.0" in planned("--family", family).notes[0]


def test_where_nothing_is_left_to_measure_the_reason_is_the_fault(
    family: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    attack = replace(PRIVLEAK, key="attack", label="Attack", group="membership")
    monkeypatch.setattr("metrics.registry.METRICS", (*HEADLINE, attack))
    with pytest.raises(Fault, match="Attack is set against the retrained model"):
        planned("--family", family, "--models", "original", "--metrics", "membership")


def test_the_profile_is_muses_unless_another_is_named(family: str) -> None:
    assert planned("--family", family).profile is MUSE
    named = planned("--family", family, "--profile", "open-unlearning")
    assert named.profile is OPEN_UNLEARNING


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
        (("--profile", "tofu"), "There is no profile 'tofu'; choose muse or open-unlearning"),
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


def test_another_data_set_takes_the_place_of_the_family_s(tmp_path: Path) -> None:
    plan = make_plan(parser().parse_args(["--data", str(ROOT / "assets/demo/selection")]))
    assert len(plan.data.verbmem) == 50
    with pytest.raises(Fault, match="does not exist"):
        make_plan(parser().parse_args(["--data", "./nowhere"]))


def test_on_other_data_neither_the_books_nor_a_declared_auc_are_the_family_s(
    tmp_path: Path,
) -> None:
    family = write_family(tmp_path, {"original": "original"}, DECLARED)
    write_data(tmp_path / "other")
    plan = planned("--family", family, "--data", str(tmp_path / "other"))
    assert (plan.family.books.forget, plan.family.books.retain) == (
        *("the forget set", "the retain set"),
    )
    assert "privleak" not in plan.metrics
    assert "the family lamp has none" in plan.notes[0]


def test_a_folder_of_checkpoints_stands_beside_the_references(tmp_path: Path) -> None:
    for step in (20, 5):
        shutil.copytree(ROOT / "assets/demo/models/npo", tmp_path / f"checkpoint-{step}")
    plan = make_plan(parser().parse_args(["--checkpoints", str(tmp_path), "--limit", "2"]))
    assert plan.models == ("original", "retrained", "step-5", "step-20")
