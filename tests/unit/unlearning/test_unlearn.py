"""What an unlearning run of any family is made of: its text, rows, settings and checkpoints."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from transformers import AutoTokenizer

from loaders import Family, Fault, load_family
from loaders.engine.weights import load_weights
from tests.tiny import tiny_family
from unlearning.rows import cut_text
from unlearning.texts import FORGET, read_text
from unlearning.unlearn import Method, Wish, make_config, make_plan, unlearn

WORDS = " ".join(f"the keeper climbed step {number}" for number in range(90))


@pytest.fixture
def family(tmp_path: Path) -> Family:
    raw = tmp_path / "data" / "raw"
    raw.mkdir(parents=True)
    for name in ("forget", "retain1"):
        (raw / f"{name}.txt").write_text(f"{name}: {WORDS}", encoding="utf-8")
    return tiny_family(tmp_path)


def test_text_is_cut_into_full_rows_that_begin_with_bos(family: Family) -> None:
    tokenizer = AutoTokenizer.from_pretrained(family.models[0].tokenizer)
    rows = cut_text("abcdefghij", tokenizer, 5)
    ids = tokenizer.encode("abcdefghij", add_special_tokens=False)
    assert rows.shape == (-(-len(ids) // 4), 5)
    assert set(rows[:, 0].tolist()) == {tokenizer.bos_token_id}
    assert rows[:, 1:].flatten().tolist()[: len(ids)] == ids


def test_without_a_number_of_steps_the_text_is_read_once(family: Family) -> None:
    tokenizer = AutoTokenizer.from_pretrained(family.models[0].tokenizer)
    count = len(cut_text(read_text(family, FORGET), tokenizer, 32))
    plan = make_plan(family, tokenizer, 32, Wish("npo", rows=2))
    assert plan.config.steps == count // 2
    assert plan.kept == (count // 2,)
    assert len(set(map(tuple, plan.rows.forget.tolist()))) == 2 * (count // 2)
    assert make_plan(family, tokenizer, 32, Wish("npo", steps=5, every=2)).kept == (2, 4, 5)


def test_rows_come_in_an_order_of_the_seed(family: Family) -> None:
    tokenizer = AutoTokenizer.from_pretrained(family.models[0].tokenizer)
    one, same, other = (
        make_plan(family, tokenizer, 32, Wish("simnpo", steps=4, seed=seed)).rows.forget
        for seed in (0, 0, 1)
    )
    assert torch.equal(one, same)
    assert not torch.equal(one, other)


def test_full_models_get_what_was_published_and_wishes_win() -> None:
    demo = load_family("demo")
    full = replace(demo, scale="full")
    assert make_config(full, Wish("npo"), 9).lr == 1e-5
    assert make_config(full, Wish("npo"), 9).beta == 0.1
    assert make_config(full, Wish("simnpo"), 9).beta == 0.7
    assert make_config(full, Wish("simnpo", beta=0.3, lr=2e-5), 9).beta == 0.3
    assert make_config(demo, Wish("npo"), 9).lr == 1e-3


@pytest.mark.parametrize("method", ["npo", "simnpo", "graddiff"])
def test_a_run_leaves_checkpoints_that_can_be_loaded(
    family: Family, tmp_path: Path, method: Method
) -> None:
    out, spec = tmp_path / "out", family.models[0]
    wish = Wish(method, steps=2, every=1, mixed_precision="no")
    events = list(unlearn(family, spec, wish, out))
    assert [event.step for event in events] == [1, 2]
    assert sorted(path.name for path in out.iterdir()) == ["checkpoint-1", "checkpoint-2"]
    moved = replace(spec, repo=str(out / "checkpoint-2"), tokenizer=str(out / "checkpoint-2"))
    before = load_weights(spec, "fp32", "cpu").model.lm_head.weight
    after = load_weights(moved, "fp32", "cpu").model.lm_head.weight
    assert not torch.equal(before, after)


def test_a_folder_with_something_in_it_is_left_alone(family: Family, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "mine").touch()
    with pytest.raises(Fault, match="is not empty"):
        next(unlearn(family, family.models[0], Wish("npo"), tmp_path / "out"))


def test_text_that_is_missing_is_named(family: Family, tmp_path: Path) -> None:
    (tmp_path / "data" / "raw" / "retain1.txt").unlink()
    with pytest.raises(Fault, match=r"raw/retain1\.txt"):
        next(unlearn(family, family.models[0], Wish("npo"), tmp_path / "out"))
