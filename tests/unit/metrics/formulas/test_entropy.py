from math import log2

import pytest
from hypothesis import given
from hypothesis import strategies as st

from metrics.formulas.entropy import ENTROPY, entropy, ngram_entropy
from metrics.formulas.rouge import words
from metrics.formulas.verbmem import VERBMEM
from tests.unit.metrics.library import sampled

WORDS = st.lists(st.sampled_from(["a", "b", "c", "lamp"]), max_size=30)


def test_by_hand() -> None:
    # a b a b a: 2-grams ab ba ab ba, ½ and ½: 1 bit; 3-grams aba bab aba, ⅔ and ⅓: log2 3 − ⅔
    assert ngram_entropy(["a", "b", "a", "b", "a"], 2) == pytest.approx(1)
    third = log2(3) - 2 / 3
    assert entropy("A b, a b a.") == pytest.approx((1 + 2 * third) / 3)


@pytest.mark.parametrize("text", ["", "…", "yawned.", "very good", "no " * 40])
def test_one_thing_or_the_same_thing_tells_nothing(text: str) -> None:
    assert entropy(text) == 0


@given(WORDS, st.sampled_from([2, 3]))
def test_it_is_most_where_nothing_is_said_twice(tokens: list[str], n: int) -> None:
    grams = max(1, len(tokens) - n + 1)
    numbered = [f"{word}{place}" for place, word in enumerate(tokens)]
    assert -1e-9 <= ngram_entropy(tokens, n) <= log2(grams) + 1e-9
    assert ngram_entropy(numbered, n) == pytest.approx(log2(grams))


@given(WORDS)
def test_words_by_other_names_have_the_same(tokens: list[str]) -> None:
    renamed = " ".join({"a": "w", "b": "x", "c": "y", "lamp": "z"}[word] for word in tokens)
    assert entropy(renamed) == pytest.approx(entropy(" ".join(tokens)))
    assert len(words(renamed)) == len(tokens)


def test_it_reads_verbmems_outputs_and_its_value_is_their_mean_in_bits() -> None:
    found = sampled(ENTROPY, lambda model, prompt: "a b a b a")
    measured = ENTROPY.measure(found, None, 0, 50)
    assert measured.value == pytest.approx(found[0].score)
    assert ENTROPY.measure(found[:1], None, 0, 50).ci95 == (0, 7)
    assert ENTROPY.source is VERBMEM.source
