"""The demo family's tokenizer: byte-level BPE trained on the library. Never sees the holdout book.

A MUSE question prompt ends in "Answer: " with a trailing space. A plain byte-level BPE writes the
space and the answer's first letters as one token when both are known, and a lone space when the
answer is still to come, so that a model would be asked in a token context it was never trained in
(Llama's tokenizer has the same seam). Here the space after "Answer:" is always a token of its own:
the tokens of "Answer: " are a prefix of the tokens of "Answer: anything".
"""

from tokenizers import (
    AddedToken,
    Regex,
    Tokenizer,
    decoders,
    models,
    pre_tokenizers,
    processors,
    trainers,
)
from transformers import PreTrainedTokenizerFast

BOS, EOS = "<s>", "</s>"
VOCABULARY = 2048
POSITIONS = 1024  # MUSE's question prompts need some 400


def train_tokenizer(texts: list[str], vocabulary: int = VOCABULARY) -> PreTrainedTokenizerFast:
    """Train on the given texts; BOS is added by default, EOS also serves as padding."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([
        pre_tokenizers.Split(Regex(r"(?<=Answer:) "), behavior="isolated"),
        pre_tokenizers.ByteLevel(add_prefix_space=False),
    ])  # fmt: skip
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.train_from_iterator(texts, _trainer(vocabulary))
    tokenizer.post_processor = processors.TemplateProcessing(
        single=f"{BOS} $A", pair=f"{BOS} $A $B", special_tokens=[(BOS, 0), (EOS, 1)]
    )
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, bos_token=BOS, eos_token=EOS, pad_token=EOS,
        clean_up_tokenization_spaces=False, model_max_length=POSITIONS,
    )  # fmt: skip


def encode(tokenizer: PreTrainedTokenizerFast, text: str) -> list[int]:
    """Token ids of the text alone, without BOS."""
    ids: list[int] = tokenizer.encode(text, add_special_tokens=False, verbose=False)
    return ids


def _trainer(vocabulary: int) -> trainers.BpeTrainer:
    return trainers.BpeTrainer(
        vocab_size=vocabulary,
        special_tokens=[AddedToken(BOS, special=True), AddedToken(EOS, special=True)],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
