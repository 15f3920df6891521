"""Untrained Llama models of a few kilobytes, in folders of their own, for tests of loading."""

from dataclasses import replace
from pathlib import Path

import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors, trainers
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

from loaders.family import Books, Family
from tests.spec import SPEC

TEXT = "The keeper of the light climbed the ninety-one steps. Question: who? Answer: the keeper."
BYTES, VOCABULARY = 258, 320


def tiny_family(folder: Path, *, keys: tuple[str, ...] = ("original",), hidden: int = 64) -> Family:
    """A family of untrained models under `folder`, each with weights of its own seed."""
    specs = []
    for seed, key in enumerate(keys):
        save_tiny(folder / key, hidden=hidden, seed=seed)
        path = str(folder / key)
        specs.append(replace(SPEC, key=key, repo=path, tokenizer=path))
    return Family("tiny", "Tiny", "toy", str(folder / "data"), Books("a", "b"), tuple(specs))


def save_tiny(
    folder: Path, *, hidden: int = 64, seed: int = 0, vocabulary: int = VOCABULARY
) -> None:
    """An untrained Llama with a byte-level tokenizer that adds BOS, as safetensors in `folder`.

    With a vocabulary of BYTES every byte is a token.
    """
    torch.manual_seed(seed)
    tokenizer = _tokenizer(vocabulary)
    config = LlamaConfig(
        vocab_size=len(tokenizer),
        hidden_size=hidden,
        intermediate_size=2 * hidden,
        num_hidden_layers=2,
        num_attention_heads=2,
        max_position_embeddings=256,
        bos_token_id=0,
        eos_token_id=1,
    )
    LlamaForCausalLM(config).to(torch.bfloat16).save_pretrained(folder)
    tokenizer.save_pretrained(folder)


def _tokenizer(vocabulary: int) -> PreTrainedTokenizerFast:
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=vocabulary,
        special_tokens=["<s>", "</s>"],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator([TEXT], trainer)
    tokenizer.post_processor = processors.TemplateProcessing(
        single="<s> $A", special_tokens=[("<s>", 0)]
    )
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        bos_token="<s>",
        eos_token="</s>",
        clean_up_tokenization_spaces=False,
    )
