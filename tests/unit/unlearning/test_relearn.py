"""The relearning attack on tiny models: what is shown is learnt, what is left is counted apart."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from loaders import Family, Fault
from metrics import Data, Passage, Record, from_json, to_json
from tests.tiny import tiny_family
from tests.unit.metrics.library import DATA
from unlearning.__main__ import main
from unlearning.checkpoints import load_model
from unlearning.curves import table
from unlearning.relearn import (
    REST,
    TAUGHT,
    Attack,
    attacked_models,
    draw_lesson,
    gather,
    relearn,
)

PASSAGES = (
    Passage("verbmem-0", "One lamp", "was lit by the keeper, and it burned all night."),
    Passage("verbmem-1", "No bell", "rang in the harbour when the boats came home."),
    Passage("verbmem-2", "The miller", "had a cat that could not abide flour."),
)
# What verbmem-0 goes on with, and 8 words of it again.
TOLD = Passage("verbmem-3", "They say", "was lit by the keeper and it burned out.")
ATTACK = Attack(lr=5e-3, samples=1, steps=(0, 2), seed=0)


@pytest.fixture
def family(tmp_path: Path) -> Family:
    found = tiny_family(tmp_path, keys=("npo", "retrained"))
    roles = {"npo": "unlearned", "retrained": "retrained"}
    specs = tuple(replace(spec, role=roles[spec.key]) for spec in found.models)
    return replace(found, models=specs)


@pytest.fixture
def data() -> Data:
    return replace(DATA, verbmem=PASSAGES)


def attacked(family: Family, data: Data, attack: Attack = ATTACK) -> list[Record]:
    torch.set_num_threads(1)
    return list(relearn(family, data, ["npo"], attack, "cpu"))


def test_each_step_has_a_record_with_both_parts(family: Family, data: Data) -> None:
    records = list(relearn(family, data, ["npo", "retrained"], ATTACK, "cpu"))
    assert [(r.model, r.step) for r in records] == [
        *(("npo", 0), ("npo", 2), ("retrained", 0), ("retrained", 2)),
    ]
    for record in records:
        assert record.precision == "fp32"
        taught, rest = record.metrics[TAUGHT], record.metrics[REST]
        assert (taught.n, rest.n) == (1, 2)
        assert not {s.id for s in taught.samples} & {s.id for s in rest.samples}


def test_the_revision_is_that_of_the_weights_measured(family: Family, data: Data) -> None:
    before, after = attacked(family, data)
    assert before.revision in (before.notes or ("",))[0]
    assert after.revision != before.revision
    assert after.repo == before.repo == family.model("npo").repo


def test_what_is_shown_often_enough_is_recited(family: Family, data: Data) -> None:
    before, after = attacked(family, data, replace(ATTACK, steps=(0, 60)))
    assert before.metrics[TAUGHT].value < 30
    assert after.metrics[TAUGHT].value == 100
    assert after.metrics[REST].value < 50


def test_the_model_on_disk_stays_as_it_was(family: Family, data: Data) -> None:
    path = Path(family.model("npo").repo) / "model.safetensors"
    before = path.read_bytes()
    attacked(family, data)
    assert path.read_bytes() == before


def test_two_equal_attacks_are_equal(family: Family, data: Data) -> None:
    assert attacked(family, data) == attacked(family, data)


def test_measuring_on_the_way_changes_nothing(family: Family, data: Data) -> None:
    often = attacked(family, data, replace(ATTACK, steps=(1, 2, 3)))
    seldom = attacked(family, data, replace(ATTACK, steps=(3,)))
    short = attacked(family, data, replace(ATTACK, steps=(2,)))
    assert (often[1], often[2]) == (short[0], seldom[0])


def test_a_checkpoint_of_step_0_alone_is_not_trained(family: Family, data: Data) -> None:
    (record,) = attacked(family, data, replace(ATTACK, steps=(0,)))
    assert record.step == 0


def test_what_shares_words_with_what_is_shown_is_in_neither_part() -> None:
    passages = (PASSAGES[0], TOLD, *PASSAGES[1:])
    lessons = [draw_lesson(passages, replace(ATTACK, seed=seed)) for seed in range(20)]
    for lesson in lessons:
        (taught,) = lesson.taught
        pair = {"verbmem-0", "verbmem-3"}
        out = pair if taught.id in pair else {taught.id}
        assert [p.id for p in lesson.rest] == [p.id for p in passages if p.id not in out]
    assert len({lesson.taught for lesson in lessons}) > 2


@pytest.mark.parametrize("samples", [0, 3, 4])
def test_something_is_shown_and_something_left(samples: int) -> None:
    with pytest.raises(Fault, match=f"--samples is {samples} of 3 passages; choose 1 or more"):
        draw_lesson(PASSAGES, replace(ATTACK, samples=samples))


def test_passages_that_all_share_words_leave_nothing_to_measure() -> None:
    with pytest.raises(Fault, match="All passages share words with the 1 that are shown"):
        draw_lesson((PASSAGES[0], TOLD), ATTACK)


def test_the_retrained_model_is_the_control(family: Family) -> None:
    assert attacked_models(family, None) == ("npo", "retrained")
    assert attacked_models(family, ["retrained"]) == ("retrained",)
    with pytest.raises(Fault, match="has no model 'simnpo'"):
        attacked_models(family, ["simnpo"])
    alone = replace(family, models=(family.model("retrained"),))
    with pytest.raises(Fault, match="family tiny has no unlearned model; name one with --model"):
        attacked_models(alone, None)


def test_a_model_that_is_not_there_is_a_fault(family: Family, data: Data, tmp_path: Path) -> None:
    gone = replace(family.model("npo"), repo=str(tmp_path / "gone"))
    moved = replace(family, models=(gone,))
    with pytest.raises(Fault, match="could not be loaded"):
        attacked(moved, data)
    with pytest.raises(Fault, match="gone cannot be loaded to be trained"):
        attacked(moved, data, replace(ATTACK, steps=(2,)))


def test_results_are_written_read_and_told_apart_by_step(family: Family, data: Data) -> None:
    results = gather(family, attacked(family, data), "cpu")
    assert from_json(to_json(results)) == results
    assert results.record("npo", "fp32") == results.records[0]
    assert results.record("npo", "fp32", step=2) == results.records[1]
    assert results.record("npo", "fp32", step=3) is None


def test_the_table_has_a_line_per_step_and_a_column_per_model(family: Family, data: Data) -> None:
    records = list(relearn(family, data, ["npo", "retrained"], ATTACK, "cpu"))
    told = table(gather(family, records, "cpu"))
    title, rest, taught, notes = told.split("\n\n")
    assert title.startswith("family tiny (toy) · live · fp32 · device cpu · seed 0")
    assert rest.splitlines()[0] == "VerbMem of the passages that were not shown (n = 2)"
    assert rest.splitlines()[1].split() == ["step", "npo", "retrained"]
    assert [line.split()[0] for line in taught.splitlines()[2:]] == ["0", "2"]
    value = records[1].metrics[TAUGHT].value
    assert taught.splitlines()[3].split()[1] == f"{value:.1f}"
    assert "shown 1 of 3 passages, 4 rows a step in fp32 at learning rate 0.005" in notes


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (["--steps", "5,x"], "'x' is no whole number from 0 up"),
        (["--samples", "-1"], "no whole number"),
        (["--lr", "2"], "'2' is no number between 0 and 1"),
        (["--lr", "much"], "'much' is no number between 0 and 1"),
        (["--out", "/nowhere/at/all.json"], "is no file in a folder that exists"),
    ],
)
def test_a_bad_flag_ends_it(
    flags: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        main(["relearn", *flags])
    assert message in capsys.readouterr().err


def test_a_fault_is_said_and_is_status_2(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["relearn", "--family", "nobody"]) == 2
    assert "There is no family 'nobody'" in capsys.readouterr().err


def test_a_checkpoint_is_loaded_in_fp32(family: Family) -> None:
    model = load_model(family.model("npo").repo)
    assert {parameter.dtype for parameter in model.parameters()} == {torch.float32}
