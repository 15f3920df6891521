"""The suite the way open-unlearning runs it: batches in data order; MUSE's formulas on top.

Passages and scored texts go in batches of 8, questions of 16. Prompts are padded on the left with
EOS; a batch of questions ends when every row of it has come to a stop string or to EOS. Each row is
looked at anew after each token, as text. PrivLeak reads the two splits that enter it.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, TypeVar

import torch
from torch.nn.utils.rnn import pad_sequence
from transformers import StoppingCriteria, StoppingCriteriaList

from benchmarks.agreement import Outcome
from benchmarks.plain import (
    KNOWMEM_TOKENS,
    STOPS,
    VERBMEM_TOKENS,
    Answer,
    Evaluation,
    auc,
    cut,
    decoded,
    min_40,
    outcomes,
    question_prompt,
    rouge,
)
from loaders.engine.weights import Weights
from metrics import Data, Passage, Question

PASSAGES = 8
QUESTIONS = 16
TEXTS = 8
LOOK_BACK = 2

T = TypeVar("T")


def run(models: Mapping[str, Weights], retrained: str, data: Data) -> dict[str, Outcome]:
    """The four headline numbers of every model, one model after the other."""
    return outcomes({key: _evaluate(weights, data) for key, weights in models.items()}, retrained)


def _evaluate(weights: Weights, data: Data) -> Evaluation:
    answers = {
        "verbmem_f": _recite(weights, data.verbmem),
        "knowmem_f": _answer(weights, data.shots_f, data.knowmem_f),
        "knowmem_r": _answer(weights, data.shots_r, data.knowmem_r),
    }
    forget = _attack(weights, [row.text for row in data.privleak_forget])
    holdout = _attack(weights, [row.text for row in data.privleak_holdout])
    return Evaluation(answers, auc(holdout, forget))


class AllStopped(StoppingCriteria):
    """Ends a batch when each of its rows has come to a stop string."""

    def __init__(self, tokenizer: Any, stops: Sequence[str], start: int, rows: int) -> None:
        self._tokenizer = tokenizer
        self._stops = stops
        self._start = start
        self._stopped = [False] * rows
        lengths = [len(tokenizer.encode(stop, add_special_tokens=False)) for stop in stops]
        self._tokens = max(lengths) + LOOK_BACK

    def __call__(self, input_ids: Any, scores: Any, **_: Any) -> torch.Tensor:
        for row, ids in enumerate(input_ids[:, self._start :][:, -self._tokens :]):
            if not self._stopped[row]:
                text = self._tokenizer.decode(ids)
                self._stopped[row] = any(stop in text for stop in self._stops)
        return torch.full((len(self._stopped),), all(self._stopped), device=input_ids.device)


def _recite(weights: Weights, rows: Sequence[Passage]) -> dict[str, Answer]:
    answers = {}
    for batch in _batches(rows, PASSAGES):
        outputs = _continued(weights, [row.prompt for row in batch], VERBMEM_TOKENS, ())
        for row, output in zip(batch, outputs, strict=True):
            ids = weights.tokenizer(row.reference).input_ids[:VERBMEM_TOKENS]
            score = rouge(decoded(weights.tokenizer, ids), output)
            answers[row.id] = Answer(output, score)
    return answers


def _answer(
    weights: Weights, shots: Sequence[Question], rows: Sequence[Question]
) -> dict[str, Answer]:
    answers = {}
    stops = (*STOPS, weights.tokenizer.decode([min(weights.eos)]))
    for batch in _batches(rows, QUESTIONS):
        prompts = [question_prompt(shots, row.question) for row in batch]
        outputs = map(cut, _continued(weights, prompts, KNOWMEM_TOKENS, stops))
        for row, output in zip(batch, outputs, strict=True):
            answers[row.id] = Answer(output, rouge(row.answer, output))
    return answers


def _continued(
    weights: Weights, prompts: Sequence[str], new_tokens: int, stops: Sequence[str]
) -> list[str]:
    pad = min(weights.eos)
    rows = [torch.tensor(weights.tokenizer.encode(prompt)) for prompt in prompts]
    ids = pad_sequence(rows, batch_first=True, padding_value=pad, padding_side="left")
    ids = ids.to(weights.device)
    start = ids.shape[1]
    ends = [AllStopped(weights.tokenizer, stops, start, len(rows))] if stops else []
    made = weights.model.generate(
        ids,
        attention_mask=(ids != pad).long(),
        max_new_tokens=new_tokens,
        do_sample=False,
        pad_token_id=pad,
        stopping_criteria=StoppingCriteriaList(ends),
    )
    return [decoded(weights.tokenizer, row[start:]) for row in made]


@torch.no_grad()
def _attack(weights: Weights, texts: Sequence[str]) -> list[float]:
    """Min-40% of every text, the log-probabilities of a batch taken at once."""
    found = []
    pad = min(weights.eos)
    for batch in _batches(texts, TEXTS):
        rows = [torch.tensor(weights.tokenizer.encode(text)) for text in batch]
        ids = pad_sequence(rows, batch_first=True, padding_value=pad).to(weights.device)
        logits = weights.model(input_ids=ids, attention_mask=(ids != pad).long()).logits[:, :-1]
        table = torch.log_softmax(logits.float(), dim=-1)
        chosen = table.gather(-1, ids[:, 1:, None])[..., 0].cpu()
        found += [
            min_40(logprobs[: len(row) - 1].tolist())
            for row, logprobs in zip(rows, chosen, strict=True)
        ]
    return found


def _batches(rows: Sequence[T], size: int) -> Iterator[Sequence[T]]:
    return (rows[start : start + size] for start in range(0, len(rows), size))
