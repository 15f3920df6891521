"""Checkpoints with the shape of real ones and random weights, their family and their data.

Speed and memory depend on shapes and lengths, not on what a model has learned. The weights are
random, so nothing here can be read as a score.
"""

import random
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from tokenizers import Tokenizer, models, pre_tokenizers, processors
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

from loaders.family import Books, Family, ModelSpec
from metrics import Data, Passage, Question, Text

KEYS = ("original", "retrained", "npo", "simnpo")
SPREAD = 0.02  # standard deviation of the weights, Llama's own initializer_range


@dataclass(frozen=True)
class Shape:
    """What a Llama's speed depends on; lengths of the data are in tokens."""

    name: str
    hidden: int
    feed_forward: int
    layers: int
    heads: int
    vocabulary: int
    context: int
    prompt: int
    text: int
    rows: int


# Llama-2-7B and ICLM-7B, and MUSE-Books' rows: 100 passages, 2 × 100 questions, 2 × 100 texts.
SEVEN_BILLION = Shape("7B", 4096, 11008, 32, 32, 32_000, 2048, 1000, 2048, 100)
# As large as a CPU quantizes in seconds: half a gigabyte in bf16.
MIDDLING = Shape("270M", 1024, 2816, 16, 16, 32_000, 2048, 1000, 2048, 100)
TINY = Shape("tiny", 64, 128, 2, 2, 512, 256, 60, 100, 2)


def build(folder: Path, shape: Shape, device: str) -> Family:
    """Write a bf16 checkpoint of `shape` into `folder`; a family of four that all are that one."""
    torch.manual_seed(0)
    config = LlamaConfig(
        vocab_size=shape.vocabulary,
        hidden_size=shape.hidden,
        intermediate_size=shape.feed_forward,
        num_hidden_layers=shape.layers,
        num_attention_heads=shape.heads,
        max_position_embeddings=shape.context,
        bos_token_id=0,
        eos_token_id=None,  # so that every answer is as long as it may be
        initializer_range=SPREAD,
    )
    with torch.device(device):
        model = LlamaForCausalLM(config).bfloat16()
    model.save_pretrained(folder)
    _tokenizer(shape.vocabulary).save_pretrained(folder)
    return Family(
        name=f"shape-{shape.name}",
        title=f"Random weights, {shape.name}",
        scale="full",
        data=str(folder / "data"),
        books=Books("no book", "no other"),
        models=tuple(_spec(key, folder) for key in KEYS),
    )


def muse_data(shape: Shape) -> Data:
    """Rows of random words, as many and as long as MUSE's."""
    words = _Words(shape.vocabulary)
    rows = range(shape.rows)
    return Data(
        verbmem=tuple(Passage(f"verbmem-{n}", words(shape.prompt), words(128)) for n in rows),
        knowmem_f=_questions(words, "f", shape.rows),
        knowmem_r=_questions(words, "r", shape.rows),
        shots_f=_questions(words, "sf", 10),
        shots_r=_questions(words, "sr", 10),
        privleak_forget=tuple(Text(f"forget-{n}", "forget", words(shape.text)) for n in rows),
        privleak_holdout=tuple(Text(f"holdout-{n}", "holdout", words(shape.text)) for n in rows),
        sha256="0" * 64,
    )


def prompt_of(shape: Shape) -> str:
    """One prompt of the length of a passage."""
    return _Words(shape.vocabulary)(shape.prompt)


class _Words:
    """Texts of so many tokens, BOS not counted; a word is a token."""

    def __init__(self, vocabulary: int) -> None:
        self._random = random.Random(0)
        self._vocabulary = vocabulary

    def __call__(self, count: int) -> str:
        numbers = self._random.choices(range(2, self._vocabulary), k=count)
        return " ".join(f"w{number}" for number in numbers)


def _questions(words: _Words, name: str, count: int) -> tuple[Question, ...]:
    return tuple(Question(f"{name}-{n}", words(12), words(4)) for n in range(count))


def _tokenizer(vocabulary: int) -> PreTrainedTokenizerFast:
    """A token a word; whatever is no word of its is unknown."""
    names: Sequence[str] = ["<s>", "<unk>", *(f"w{number}" for number in range(2, vocabulary))]
    words = {name: number for number, name in enumerate(names)}
    tokenizer = Tokenizer(models.WordLevel(words, unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    tokenizer.post_processor = processors.TemplateProcessing(
        single="<s> $A", special_tokens=[("<s>", 0)]
    )
    return PreTrainedTokenizerFast(tokenizer_object=tokenizer, bos_token="<s>", unk_token="<unk>")


def _spec(key: str, folder: Path) -> ModelSpec:
    role = key if key in ("original", "retrained") else "unlearned"
    return ModelSpec(
        key=key,
        label=key,
        letter=key[0].upper(),
        role=role,  # type: ignore[arg-type]
        note="random weights",
        repo=str(folder),
        tokenizer=str(folder),
        colour="#000000",
        colour_dark="#ffffff",
        marker="circle",
    )
