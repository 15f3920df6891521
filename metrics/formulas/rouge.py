"""ROUGE-L by the field's reference package; never a re-implementation.

Tokens are the runs of [a-z0-9] in the lower-cased text, unstemmed as in `metrics/logger.py` of
swj0419/muse_bench, or stemmed after Porter as in open-unlearning. With l the length of the longest
common subsequence of tokens, P = l / |output| and R = l / |reference|, ROUGE-L F = 2PR / (P + R), 0
where either is empty (Lin 2004, "ROUGE: A Package for Automatic Evaluation of Summaries").
"""

from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rouge_score.rouge_scorer import RougeScorer


def rouge_l(reference: str, output: str, stems: bool = False) -> float:
    """ROUGE-L F of `output` against `reference`, 0–1."""
    return float(_scorer(stems).score(target=reference, prediction=output)["rougeL"].fmeasure)


def rouge_l_so_far(reference: str, output: str) -> float:
    """ROUGE-L F of an unfinished `output` against as many words of `reference` as it has, 0–1."""
    return rouge_l(" ".join(words(reference)[: len(words(output))]), output)


def words(text: str) -> list[str]:
    """The tokens that ROUGE compares: lower-cased runs of a–z and 0–9."""
    from rouge_score.tokenize import tokenize

    return list(tokenize(text, None))


@cache
def _scorer(stems: bool) -> "RougeScorer":
    from rouge_score.rouge_scorer import RougeScorer  # takes a second: not at import

    return RougeScorer(["rougeL"], use_stemmer=stems)
