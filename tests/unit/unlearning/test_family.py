"""The shipped checkpoints: ordinary, small, described by cards that match the data beside them."""

import json
from hashlib import sha256
from pathlib import Path

import pytest
from transformers import AutoConfig, AutoTokenizer

from loaders.family import load_family
from unlearning.checkpoints import KEPT_FILES, make_model
from unlearning.layout import Library
from unlearning.recipe import BASES, UNLEARNED, cut_job_rows

JOBS = {job.key: job for job in (*BASES, *UNLEARNED)}


@pytest.mark.parametrize("key", JOBS)
def test_a_directory_holds_what_is_needed_and_no_more(key: str, demo: Path) -> None:
    assert {path.name for path in (demo / "models" / key).iterdir()} == set(KEPT_FILES)


def test_the_four_take_at_most_24_mb(demo: Path) -> None:
    assert {path.name for path in (demo / "models").iterdir()} == set(JOBS)
    four = [spec.key for spec in load_family("demo").models]
    assert len(four) == 4
    files = [path for key in four for path in (demo / "models" / key).iterdir()]
    assert sum(path.stat().st_size for path in files) <= 24_000_000


def test_a_model_has_at_most_eight_million_parameters(library: Library) -> None:
    assert make_model(library.tokenizer, seed=0).num_parameters() <= 8_000_000


@pytest.mark.parametrize("key", JOBS)
def test_the_card_matches_the_data_and_the_recipe(key: str, demo: Path) -> None:
    card = json.loads((demo / "models" / key / "card.json").read_text(encoding="utf-8"))
    job = JOBS[key]
    found = {
        f"data/raw/{split}.txt": sha256((demo / f"data/raw/{split}.txt").read_bytes()).hexdigest()
        for split in job.trained_on
    }
    assert card["data_sha256"] == found
    assert (card["title"], card["steps"]) == (job.title, job.config.steps)
    assert card["trained_on"] == list(job.trained_on)
    assert card["hyperparameters"]["lr"] == job.config.lr
    assert card["hyperparameters"]["beta"] == job.config.beta


@pytest.mark.parametrize("key", JOBS)
def test_widths_fit_four_bit_kernels_and_the_context_fits_muse(key: str, demo: Path) -> None:
    config = AutoConfig.from_pretrained(demo / "models" / key)
    assert config.model_type == "llama"
    assert config.hidden_size % 64 == config.intermediate_size % 64 == 0
    assert config.max_position_embeddings >= 1024


@pytest.mark.parametrize("key", JOBS)
def test_the_tokenizer_adds_bos_and_splits_the_answer_s_space(
    key: str, demo: Path, library: Library
) -> None:
    tokenizer = AutoTokenizer.from_pretrained(demo / "models" / key)
    text = "Question: Who?\nAnswer: a cat\n\n"
    ids = tokenizer(text)["input_ids"]
    assert ids[0] == tokenizer.bos_token_id
    assert tokenizer.eos_token_id is not None
    assert ids == library.tokenizer(text)["input_ids"]
    assert tokenizer.decode(ids, skip_special_tokens=True) == text
    assert tokenizer("Question: Who?\nAnswer: ")["input_ids"] == ids[:9]


def test_retrained_reads_the_same_retain_rows_and_no_forget_row(library: Library) -> None:
    original = cut_job_rows(JOBS["original"], library, seed=0)
    retrained = cut_job_rows(JOBS["retrained"], library, seed=0)
    assert original.retain.equal(retrained.retain)
    assert len(retrained.forget) == 0 < len(original.forget)
    assert JOBS["original"].config == JOBS["retrained"].config


def test_the_unlearned_models_see_retain1_alone(library: Library) -> None:
    text = library.tokenizer.batch_decode(cut_job_rows(JOBS["npo"], library, seed=0).retain)
    names = ("Posset", "Grey Heron"), ("marsh wendle", "Mrs Harkness")
    assert all(any(name in row for row in text) for name in names[0])
    assert not any(name in row for row in text for name in names[1])
