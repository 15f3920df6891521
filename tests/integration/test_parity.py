"""Our batched numbers against a plain evaluation, one prompt at a time, on the demo family in fp32.

The plain evaluation below shares no code with the metrics: transformers' own `generate`, the
rouge_score package and NumPy, written from the specification of MUSE's evaluation.
"""

import json
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from rouge_score.rouge_scorer import RougeScorer
from transformers import AutoModelForCausalLM, AutoTokenizer

from loaders import load_family
from loaders.local import open_engine
from metrics import Finished, Record, Results, Sample, load_data, run

FAMILY = load_family("demo")
KEYS = [spec.key for spec in FAMILY.models]
ROWS = 10
CLEAN_UP = (
    *((" .", "."), (" ?", "?"), (" !", "!"), (" ,", ","), (" ' ", "'")),
    *((" n't", "n't"), (" 'm", "'m"), (" 's", "'s"), (" 've", "'ve"), (" 're", "'re")),
)


@dataclass(frozen=True)
class Answer:
    """What the plain evaluation got for one row."""

    output: str
    score: float


class Plain:
    """One model, evaluated as its users evaluate it: one row after the other."""

    def __init__(self, repo: str) -> None:
        self.tokenizer = AutoTokenizer.from_pretrained(repo)
        self.model = AutoModelForCausalLM.from_pretrained(repo, dtype=torch.float32).eval()
        self.scorer = RougeScorer(["rougeL"], use_stemmer=False)

    def decode(self, ids: Any) -> str:
        text: str = self.tokenizer.decode(
            ids, skip_special_tokens=True, clean_up_tokenization_spaces=False
        )
        for old, new in CLEAN_UP:
            text = text.replace(old, new)
        return text

    def continued(self, prompt: str, new_tokens: int) -> str:
        ids = self.tokenizer(prompt, add_special_tokens=True, return_tensors="pt").input_ids
        made = self.model.generate(
            ids,
            attention_mask=torch.ones_like(ids),
            max_new_tokens=new_tokens,
            do_sample=False,
            pad_token_id=self.model.generation_config.eos_token_id,
        )
        return self.decode(made[0, ids.shape[1] :])

    def rouge(self, reference: str, output: str) -> float:
        return float(self.scorer.score(reference, output)["rougeL"].fmeasure)

    def verbmem(self, row: dict[str, str]) -> Answer:
        output = self.continued(row["prompt"], 128)
        ids = self.tokenizer(row["gt"], add_special_tokens=True).input_ids[:128]
        return Answer(output, self.rouge(self.decode(ids), output))

    def knowmem(self, shots: list[dict[str, str]], row: dict[str, str]) -> Answer:
        prompt = "".join(f"Question: {s['question']}\nAnswer: {s['answer']}\n\n" for s in shots)
        output = self.continued(f"{prompt}Question: {row['question']}\nAnswer: ", 32)
        output = output.split("\n\n")[0].split("\nQuestion")[0].split("Question:")[0]
        return Answer(output, self.rouge(row["answer"], output))

    @torch.inference_mode()
    def min_40(self, text: str) -> float:
        ids = self.tokenizer(text, add_special_tokens=True, return_tensors="pt").input_ids
        logits = self.model(ids).logits[0].float()
        table = torch.log_softmax(logits, dim=-1)
        logprobs = [table[j, ids[0, j + 1]].item() for j in range(ids.shape[1] - 1)]
        k = int(len(logprobs) * 0.4)
        return float(-np.mean(np.sort(logprobs)[:k]))


@cache
def plain(key: str) -> Plain:
    return Plain(FAMILY.model(key).repo)


@cache
def read(name: str) -> Any:
    return json.loads((Path(FAMILY.data) / f"{name}.json").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def results() -> Results:
    """Ten rows of the generating metrics and every row of PrivLeak, of all four models."""
    engine = open_engine(FAMILY, "fp32", "cpu")
    for key in KEYS:
        list(engine.load(key))
    whole, some = load_data(FAMILY), load_data(FAMILY, limit=ROWS)
    data = replace(
        some, privleak_forget=whole.privleak_forget, privleak_holdout=whole.privleak_holdout
    )
    last = list(run(engine, FAMILY, data))[-1]
    assert isinstance(last, Finished)
    return last.results


def record(results: Results, key: str) -> Record:
    found = results.record(key, "fp32")
    assert found is not None
    return found


def compare(record: Record, metric: str, answers: list[Answer]) -> None:
    measured = record.metrics[metric]
    samples = [sample for sample in measured.samples if isinstance(sample, Sample)]
    assert [sample.output for sample in samples] == [answer.output for answer in answers]
    scores = [answer.score for answer in answers]
    assert [sample.score for sample in samples] == pytest.approx(scores, abs=1e-6)
    assert measured.value == pytest.approx(100 * sum(scores) / len(scores), abs=1e-6)


@pytest.mark.parametrize("key", KEYS)
def test_verbmem(results: Results, key: str) -> None:
    answers = [plain(key).verbmem(row) for row in read("verbmem/forget")[:ROWS]]
    compare(record(results, key), "verbmem_f", answers)


@pytest.mark.parametrize("key", KEYS)
@pytest.mark.parametrize(("metric", "name"), [("knowmem_f", "forget"), ("knowmem_r", "retain")])
def test_knowmem(results: Results, key: str, metric: str, name: str) -> None:
    shots = read(f"knowmem/{name}_qa_icl")
    answers = [plain(key).knowmem(shots, row) for row in read(f"knowmem/{name}_qa")[:ROWS]]
    compare(record(results, key), metric, answers)


@cache
def plain_auc(key: str) -> float:
    forget = [plain(key).min_40(text) for text in read("privleak/forget")]
    holdout = [plain(key).min_40(text) for text in read("privleak/holdout")]
    pairs = [(h < f) + 0.5 * (h == f) for h in holdout for f in forget]
    return float(sum(pairs) / len(pairs))


@pytest.mark.parametrize("key", KEYS)
def test_privleak(results: Results, key: str) -> None:
    measured = record(results, key).metrics["privleak"]
    forget = [plain(key).min_40(text) for text in read("privleak/forget")]
    ours = [sample.score for sample in measured.samples if sample.id.startswith("privleak_forget")]
    assert ours == pytest.approx(forget, abs=1e-4)
    reference = plain_auc("retrained")
    assert measured.auc == pytest.approx(plain_auc(key), abs=1e-6)
    assert measured.value == pytest.approx(100 * (plain_auc(key) - reference) / reference, abs=1e-4)
