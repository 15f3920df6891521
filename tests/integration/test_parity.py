"""Our batched numbers against a plain evaluation, one prompt at a time, on the demo family in fp32.

The plain evaluation below shares no code with the metrics: transformers' own `generate`, the
rouge_score package and NumPy, written from the specifications of MUSE's evaluation and of
open-unlearning's.
"""

import json
from dataclasses import dataclass, replace
from functools import cache, cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from rouge_score.rouge_scorer import RougeScorer
from transformers import AutoModelForCausalLM, AutoTokenizer

from loaders import load_family
from loaders.opening import open_engine
from metrics import Finished, LikelihoodSample, Record, Results, Sample, load_data, run
from metrics.profile import MUSE, OPEN_UNLEARNING, Profile

FAMILY = load_family("demo")
KEYS = [spec.key for spec in FAMILY.models]
ROWS = 10
SHARES = (0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6)
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
        self.continued = cache(self._continued)  # open-unlearning asks the same of it

    def decode(self, ids: Any) -> str:
        text: str = self.tokenizer.decode(
            ids, skip_special_tokens=True, clean_up_tokenization_spaces=False
        )
        for old, new in CLEAN_UP:
            text = text.replace(old, new)
        return text

    def _continued(self, prompt: str, new_tokens: int) -> str:
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
    def logprobs(self, text: str) -> list[float]:
        ids = self.tokenizer(text, add_special_tokens=True, return_tensors="pt").input_ids
        logits = self.model(ids).logits[0].float()
        table = torch.log_softmax(logits, dim=-1)
        return [table[j, ids[0, j + 1]].item() for j in range(ids.shape[1] - 1)]


@cache
def plain(key: str) -> Plain:
    return Plain(FAMILY.model(key).repo)


@cache
def logprobs(key: str, split: str) -> list[list[float]]:
    """Those of every text of PrivLeak, in file order."""
    return [plain(key).logprobs(text) for text in read(f"privleak/{split}")]


def min_share(values: list[float], share: float) -> float:
    return float(-np.mean(np.sort(values)[: int(len(values) * share)]))


@cache
def read(name: str) -> Any:
    return json.loads((Path(FAMILY.data) / f"{name}.json").read_text(encoding="utf-8"))


def measured(profile: Profile) -> Results:
    """Ten rows of the generating metrics and every row of PrivLeak, of all four models."""
    engine = open_engine(FAMILY, "fp32", "cpu")
    for key in KEYS:
        list(engine.load(key))
    whole, some = load_data(FAMILY), load_data(FAMILY, limit=ROWS)
    data = replace(
        some, privleak_forget=whole.privleak_forget, privleak_holdout=whole.privleak_holdout
    )
    last = list(run(engine, FAMILY, data, profile=profile))[-1]
    assert isinstance(last, Finished)
    return last.results


@pytest.fixture(scope="module")
def results() -> Results:
    return measured(MUSE)


@pytest.fixture(scope="module")
def peers() -> Results:
    return measured(OPEN_UNLEARNING)


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


def auc_of(forget: list[float], holdout: list[float]) -> float:
    pairs = [(h < f) + 0.5 * (h == f) for h in holdout for f in forget]
    return float(sum(pairs) / len(pairs))


@cache
def plain_auc(key: str) -> float:
    forget, holdout = logprobs(key, "forget"), logprobs(key, "holdout")
    return auc_of([min_share(v, 0.4) for v in forget], [min_share(v, 0.4) for v in holdout])


@pytest.mark.parametrize("key", KEYS)
def test_privleak(results: Results, key: str) -> None:
    measured = record(results, key).metrics["privleak"]
    reference = plain_auc("retrained")
    assert measured.auc == pytest.approx(plain_auc(key), abs=1e-6)
    assert measured.value == pytest.approx(100 * (plain_auc(key) - reference) / reference, abs=1e-4)


@pytest.mark.parametrize("key", KEYS)
def test_every_text_at_each_of_muses_shares(results: Results, key: str) -> None:
    samples = record(results, key).metrics["privleak"].samples
    ours = [sample for sample in samples if isinstance(sample, LikelihoodSample)]
    texts = [*logprobs(key, "forget"), *logprobs(key, "holdout")]
    for sample, values in zip(ours, texts, strict=True):
        expected = [min_share(values, share) for share in SHARES]
        assert sample.by_share == pytest.approx(expected, abs=1e-4)
        assert sample.score == pytest.approx(min_share(values, 0.4), abs=1e-4)


class Peer:
    """One model, evaluated as open-unlearning evaluates it."""

    def __init__(self, key: str) -> None:
        self.key = key
        self.plain = plain(key)
        self.scorer = RougeScorer(["rougeL"], use_stemmer=True)

    def rouge(self, reference: str, output: str) -> Answer:
        score = self.scorer.score(reference.strip(), output.strip())["rougeL"].fmeasure
        return Answer(output.strip(), float(score))

    def verbmem(self, row: dict[str, str]) -> Answer:
        start = len(self.plain.tokenizer(row["prompt"]).input_ids)
        labels = self.plain.tokenizer(f"{row['prompt']} {row['gt']}").input_ids[start:]
        return self.rouge(self.plain.decode(labels), self.plain.continued(row["prompt"], 128))

    def knowmem(self, shots: list[dict[str, str]], row: dict[str, str]) -> Answer:
        return self.rouge(row["answer"], self.plain.knowmem(shots, row).output)

    @cached_property
    def auc(self) -> float:
        """1 for a model that memorized: members are the forget texts, and score high."""
        forget, holdout = (
            [self.min_40(values) for values in logprobs(self.key, split)]
            for split in ("forget", "holdout")
        )
        return 1 - auc_of(forget, holdout)

    def min_40(self, values: list[float]) -> float:
        counted = np.sort(np.array(values[:-1], dtype=np.float32))
        return float(-np.mean(counted[: max(1, int(counted.size * 0.4))]))


@cache
def peer(key: str) -> Peer:
    return Peer(key)


@pytest.mark.parametrize("key", KEYS)
def test_verbmem_of_open_unlearning(peers: Results, key: str) -> None:
    answers = [peer(key).verbmem(row) for row in read("verbmem/forget")[:ROWS]]
    compare(record(peers, key), "verbmem_f", answers)


@pytest.mark.parametrize("key", KEYS)
def test_knowmem_of_open_unlearning(peers: Results, key: str) -> None:
    shots = read("knowmem/retain_qa_icl")
    answers = [peer(key).knowmem(shots, row) for row in read("knowmem/retain_qa")[:ROWS]]
    compare(record(peers, key), "knowmem_r", answers)


@pytest.mark.parametrize("key", KEYS)
def test_privleak_of_open_unlearning(peers: Results, key: str) -> None:
    measured = record(peers, key).metrics["privleak"]
    auc, reference = peer(key).auc, peer("retrained").auc
    assert measured.auc is not None
    assert OPEN_UNLEARNING.shown_auc(measured.auc) == pytest.approx(auc, abs=1e-6)
    theirs = ((1 - auc) - (1 - reference)) / ((1 - reference) + 1e-10) * 100
    assert measured.value == pytest.approx(theirs, abs=1e-4)
