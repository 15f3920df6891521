"""The suite the way MUSE's released evaluation runs it: one prompt, one text, one token at a time.

A prompt is one call of `generate`, to its full 128 or 32 tokens unless EOS ends it; the ten
examples before a question are read again for every question; stop strings are cut off afterwards.
A text of any of the three PrivLeak splits is one forward as it is and one in lower case, and its
log-probabilities are fetched one by one. What that evaluation computes on top and does not report
(other attacks, its own bootstrap) is left out, in its favour.
"""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import torch

from benchmarks.agreement import Outcome
from benchmarks.plain import (
    KNOWMEM_TOKENS,
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
from loaders import Family
from loaders.engine.weights import Weights
from metrics import Data, Passage, Question


def retain_texts(family: Family, limit: int | None) -> list[str]:
    """The third split, which enters no headline number and is scored all the same."""
    path = Path(family.data) / "privleak" / "retain.json"
    texts: list[str] = json.loads(path.read_text(encoding="utf-8"))
    return texts[:limit]


def run(
    models: Mapping[str, Weights], retrained: str, data: Data, retain: Sequence[str]
) -> dict[str, Outcome]:
    """The four headline numbers of every model, one model after the other."""
    return outcomes({key: _evaluate(w, data, retain) for key, w in models.items()}, retrained)


def _evaluate(weights: Weights, data: Data, retain: Sequence[str]) -> Evaluation:
    answers = {
        "verbmem_f": {row.id: _recite(weights, row) for row in data.verbmem},
        "knowmem_f": {row.id: _answer(weights, data.shots_f, row) for row in data.knowmem_f},
        "knowmem_r": {row.id: _answer(weights, data.shots_r, row) for row in data.knowmem_r},
    }
    forget = [_attack(weights, row.text) for row in data.privleak_forget]
    for text in retain:
        _attack(weights, text)
    holdout = [_attack(weights, row.text) for row in data.privleak_holdout]
    return Evaluation(answers, auc(holdout, forget))


def _recite(weights: Weights, row: Passage) -> Answer:
    output = _continued(weights, row.prompt, VERBMEM_TOKENS)
    ids = weights.tokenizer(row.reference, add_special_tokens=True).input_ids[:VERBMEM_TOKENS]
    return Answer(output, rouge(decoded(weights.tokenizer, ids), output))


def _answer(weights: Weights, shots: Sequence[Question], row: Question) -> Answer:
    output = cut(_continued(weights, question_prompt(shots, row.question), KNOWMEM_TOKENS))
    return Answer(output, rouge(row.answer, output))


def _continued(weights: Weights, prompt: str, new_tokens: int) -> str:
    ids = weights.tokenizer(prompt, add_special_tokens=True, return_tensors="pt").input_ids
    ids = ids.to(weights.device)
    made = weights.model.generate(
        ids,
        attention_mask=torch.ones_like(ids),
        max_new_tokens=new_tokens,
        do_sample=False,
        pad_token_id=min(weights.eos),
    )
    return decoded(weights.tokenizer, made[0, ids.shape[1] :])


def _attack(weights: Weights, text: str) -> float:
    """Min-40% of `text`; its likelihood in lower case feeds an attack that is not reported."""
    _likelihoods(weights, text.lower())
    return min_40(_likelihoods(weights, text))


@torch.no_grad()
def _likelihoods(weights: Weights, text: str) -> list[float]:
    ids = torch.tensor([weights.tokenizer.encode(text)], device=weights.device)
    logits = weights.model(ids, labels=ids).logits
    table = torch.log_softmax(logits.float(), dim=-1)
    return [table[0, place, token].item() for place, token in enumerate(ids[0, 1:])]
