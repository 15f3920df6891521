"""MUSE's formulas once more, for the baselines alone: shares no code with loaders and metrics.

What the baselines differ in is how they run a model; the formulas are the same for all, so that
their texts and numbers can be held against ours.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np

from benchmarks.agreement import Outcome
from metrics import Question

if TYPE_CHECKING:
    from rouge_score.rouge_scorer import RougeScorer

VERBMEM_TOKENS = 128
KNOWMEM_TOKENS = 32
STOPS = ("\n\n", "\nQuestion", "Question:")
CLEAN_UP = (
    *((" .", "."), (" ?", "?"), (" !", "!"), (" ,", ","), (" ' ", "'")),
    *((" n't", "n't"), (" 'm", "'m"), (" 's", "'s"), (" 've", "'ve"), (" 're", "'re")),
)


@dataclass(frozen=True)
class Answer:
    """One output, cut and scored; `score` is in 0–1."""

    text: str
    score: float


@dataclass(frozen=True)
class Evaluation:
    """One model: answers by metric and sample id, and the AUC that becomes its PrivLeak."""

    answers: dict[str, dict[str, Answer]]
    auc: float


def decoded(tokenizer: Any, ids: Any) -> str:
    """Text of token ids as MUSE decodes: no special tokens, no space before punctuation."""
    text: str = tokenizer.decode(ids, skip_special_tokens=True)
    for spaced, joined in CLEAN_UP:
        text = text.replace(spaced, joined)
    return text


def question_prompt(shots: Sequence[Question], question: str) -> str:
    """The examples and the question; the space at the end belongs to it."""
    examples = "".join(f"Question: {s.question}\nAnswer: {s.answer}\n\n" for s in shots)
    return f"{examples}Question: {question}\nAnswer: "


def cut(output: str) -> str:
    """`output` up to the first stop string."""
    for stop in STOPS:
        output = output.split(stop)[0]
    return output


def rouge(reference: str, output: str) -> float:
    """ROUGE-L F without stemmer, 0–1."""
    return float(_scorer().score(reference, output)["rougeL"].fmeasure)


@cache
def _scorer() -> "RougeScorer":
    from rouge_score.rouge_scorer import RougeScorer

    return RougeScorer(["rougeL"], use_stemmer=False)


def min_40(logprobs: Sequence[float]) -> float:
    """−mean of the 40 % smallest log-probabilities."""
    return float(-np.mean(np.sort(logprobs)[: int(0.4 * len(logprobs))]))


def auc(holdout: Sequence[float], forget: Sequence[float]) -> float:
    """P(holdout < forget) + ½ P(tie), 0–1."""
    pairs = [(h < f) + 0.5 * (h == f) for h in holdout for f in forget]
    return float(sum(pairs) / len(pairs))


def outcomes(evaluations: Mapping[str, Evaluation], retrained: str) -> dict[str, Outcome]:
    """Numbers in points; PrivLeak against the model called `retrained`."""
    reference = evaluations[retrained].auc
    return {key: _outcome(evaluation, reference) for key, evaluation in evaluations.items()}


def _outcome(evaluation: Evaluation, reference: float) -> Outcome:
    texts = {key: a.text for rows in evaluation.answers.values() for key, a in rows.items()}
    numbers = {
        metric: 100 * sum(answer.score for answer in rows.values()) / len(rows)
        for metric, rows in evaluation.answers.items()
    }
    if reference > 0:
        numbers["privleak"] = 100 * (evaluation.auc - reference) / reference
    return Outcome(texts, numbers)
