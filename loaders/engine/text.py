"""Text of tokens, as MUSE reads it; never the tokens themselves."""

# What transformers 4 did under `clean_up_tokenization_spaces=True`, in its order. Transformers 5
# ignores the flag for BPE tokenizers, and MUSE's numbers were made with it.
REPLACEMENTS = (
    (" .", "."),
    (" ?", "?"),
    (" !", "!"),
    (" ,", ","),
    (" ' ", "'"),
    (" n't", "n't"),
    (" 'm", "'m"),
    (" 's", "'s"),
    (" 've", "'ve"),
    (" 're", "'re"),
)


def cleaned(text: str) -> str:
    """`text` without the spaces before punctuation and contractions."""
    for spaced, joined in REPLACEMENTS:
        text = text.replace(spaced, joined)
    return text
