"""The repositories of the MUSE families as a Hub of one's own has them: their ids, their commits,
their dtypes, shards and files, and models and texts that are tiny, untrained and invented.
"""

import json
import random
import re
import tempfile
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

import torch
from tokenizers import Tokenizer, models, pre_tokenizers, trainers
from transformers import LlamaConfig, LlamaForCausalLM, LlamaTokenizer

from loaders.checkpoint import is_commit
from loaders.family import Family, ModelSpec, load_family
from tests.hub.repos import Repo, as_files

NEWEST = "a" * 40  # what a branch is
HALVES = ("simnpo", "npo")  # stored in bf16; the others are in fp32, as the real ones
SHARD = "150KB"
VERBMEM_TOKENS, GIVEN_TOKENS, PRIVLEAK_TOKENS = 1_000, 127, 2_048
SPECIALS = ("<unk>", "<s>", "</s>", *(f"<0x{byte:02X}>" for byte in range(256)))
SAYING = (
    "the keeper of light climbed ninety one steps and wrote in her book that no ship had passed "
    "before dawn while bells under water rang for every lamp which went out when wind turned north"
)
WORDS = tuple(re.findall(r"\w+", SAYING))


def muse_repos(family: str = "muse-books", rows: int = 4) -> dict[str, Repo]:
    """Models, tokenizer and data set of a family that ships, `rows` rows in each table."""
    known = load_family(family)
    repos = {spec.repo: _model(spec, seed) for seed, spec in enumerate(known.models)}
    first = known.models[0]
    reading = Repo({_commit(first.tokenizer_revision): _tokenizer_files()})
    data = Repo({known.data_revision: as_files(muse_tables(rows))})
    return repos | {first.tokenizer: reading, known.data: data}


def weights_of(repos: dict[str, Repo], repo: str) -> dict[str, int]:
    """Bytes of a model's shards by their names."""
    files = repos[repo].commits[repos[repo].commit_of("main")]
    return {name: len(files[name]) for name in sorted(files) if name.endswith(".safetensors")}


def commits_of(family: Family) -> dict[str, str]:
    """The commits that the models of a family are at here, by their keys."""
    return {spec.key: _commit(spec.revision) for spec in family.models}


def muse_tables(rows: int) -> dict[str, list[Any]]:
    """Texts of MUSE's lengths in tokens, as its data set has them."""
    chance = random.Random(0)
    texts = [_text(chance, PRIVLEAK_TOKENS) for _ in range(3 * rows)]
    asked = {
        f"knowmem/{split}": [
            {"question": f"{_text(chance, 12)}?", "answer": _text(chance, 6)} for _ in range(count)
        ]
        for split, count in (
            ("forget_qa", rows),
            ("forget_qa_icl", 10),
            ("retain_qa", rows),
            ("retain_qa_icl", 10),
        )
    }
    passages = [
        {"prompt": _text(chance, VERBMEM_TOKENS), "gt": _text(chance, GIVEN_TOKENS)}
        for _ in range(rows)
    ]
    return {
        **asked,
        "verbmem/forget": passages,
        "privleak/forget": texts[:rows],
        "privleak/retain": texts[rows : 2 * rows],
        "privleak/holdout": texts[2 * rows :],
    }


def _text(chance: random.Random, tokens: int) -> str:
    """So many tokens of words that mean nothing."""
    ids = _tokenizer().encode(" ".join(chance.choices(WORDS, k=tokens)), add_special_tokens=False)
    return str(_tokenizer().decode(ids[:tokens]))


def _commit(revision: str) -> str:
    return revision if is_commit(revision) else NEWEST


def _model(spec: ModelSpec, seed: int) -> Repo:
    """Shards without a tokenizer, as all of MUSE's checkpoints are."""
    torch.manual_seed(seed)
    config = LlamaConfig(
        vocab_size=len(_tokenizer()),
        hidden_size=64,
        intermediate_size=128,
        num_hidden_layers=2,
        num_attention_heads=2,
        max_position_embeddings=2048,
        bos_token_id=1,
        eos_token_id=2,
        tie_word_embeddings=False,
    )
    dtype = torch.bfloat16 if spec.key in HALVES else torch.float32
    with tempfile.TemporaryDirectory() as folder:
        LlamaForCausalLM(config).to(dtype).save_pretrained(folder, max_shard_size=SHARD)
        return Repo({_commit(spec.revision): _read(Path(folder))})


def _tokenizer_files() -> dict[str, bytes]:
    with tempfile.TemporaryDirectory() as folder:
        _tokenizer().save_pretrained(folder)
        return _read(Path(folder))


def _read(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


@lru_cache(maxsize=1)
def _tokenizer() -> LlamaTokenizer:
    """Llama 2's in small: it adds BOS, has no pad token, and a space alone is a piece."""
    made = Tokenizer(models.BPE(unk_token="<unk>"))
    made.pre_tokenizer = pre_tokenizers.Metaspace(replacement="▁", prepend_scheme="first")
    trainer = trainers.BpeTrainer(
        vocab_size=448, special_tokens=list(SPECIALS), initial_alphabet=["▁"], show_progress=False
    )
    made.train_from_iterator(_sentences(), trainer)
    merges = [tuple(pair) for pair in json.loads(made.to_str())["model"]["merges"]]
    return LlamaTokenizer(vocab=made.get_vocab(), merges=merges, add_bos_token=True)


def _sentences() -> Sequence[str]:
    chance = random.Random(1)
    talk = ["Question: who wrote in her book?\nAnswer: the keeper.\n\n", *map(chr, range(32, 127))]
    return [" ".join(chance.choices(WORDS, k=20)) for _ in range(50)] + talk
