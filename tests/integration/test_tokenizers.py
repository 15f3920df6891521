"""Models of one family that read in different tokens: each is asked, cut and scored in its own."""

from dataclasses import dataclass, replace
from typing import Any

import pytest
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

from loaders import Family, Request, Sampling
from loaders.engine.local import LocalEngine
from loaders.family import Books
from metrics import HEADLINE, Data, Finished, Passage, Question, Results, Text, run
from metrics.results import LikelihoodSample, Sample
from tests.spec import SPEC
from tests.tiny import BYTES, TEXT, VOCABULARY, save_tiny
from tests.unit.loaders.engine.test_local import load

CUT = 128  # tokens of a passage's continuation that count, BOS among them
PROMPT = "The keeper of the light"
LONG = f"{TEXT} {TEXT}"
TEXTS = tuple(f"{TEXT[place:]} {TEXT[:place]}" for place in (0, 7, 20, 31))
DATA = Data(
    verbmem=(Passage("verbmem-0", PROMPT, LONG),),
    knowmem_f=(Question("knowmem_f-0", "who?", "the keeper"),),
    knowmem_r=(Question("knowmem_r-0", "what?", "the light"),),
    shots_f=(Question("shot-0", "why?", "the steps"),),
    shots_r=(Question("shot-1", "how?", "the lamp"),),
    privleak_forget=tuple(Text(f"f-{n}", "forget", text) for n, text in enumerate(TEXTS[:2])),
    privleak_holdout=tuple(Text(f"h-{n}", "holdout", text) for n, text in enumerate(TEXTS[2:])),
    sha256="ab" * 32,
)
VOCABULARIES = {"original": BYTES, "retrained": VOCABULARY}


@dataclass(frozen=True)
class Plain:
    """A model and its tokenizer as transformers has them."""

    model: Any
    tokenizer: Any

    def ids(self, text: str) -> list[int]:
        """Token ids, BOS first."""
        return list(self.tokenizer.encode(text))

    @torch.inference_mode()
    def answer(self, prompt: str, tokens: int) -> str:
        """Greedy, as text."""
        ids = torch.tensor([self.ids(prompt)])
        made = self.model.generate(
            input_ids=ids,
            attention_mask=torch.ones_like(ids),
            max_new_tokens=tokens,
            do_sample=False,
            pad_token_id=1,
        )
        return str(self.tokenizer.decode(made[0, ids.shape[1] :], skip_special_tokens=True))

    @torch.inference_mode()
    def min_40(self, text: str) -> float:
        """−mean of the 40 % least likely tokens."""
        ids = torch.tensor([self.ids(text)])
        logprobs = torch.log_softmax(self.model(input_ids=ids).logits[0, :-1], dim=-1)
        chosen = logprobs.gather(-1, ids[0, 1:, None])[:, 0].sort().values
        return -float(chosen[: int(0.4 * len(chosen))].mean())


@pytest.fixture(scope="module")
def family(tmp_path_factory: pytest.TempPathFactory) -> Family:
    folder = tmp_path_factory.mktemp("tokenizers")
    specs = []
    for key, vocabulary in VOCABULARIES.items():
        save_tiny(folder / key, seed=vocabulary, vocabulary=vocabulary)
        place = str(folder / key)
        specs.append(replace(SPEC, key=key, role=key, repo=place, tokenizer=place))
    return Family("two", "Two", "toy", str(folder / "data"), Books("a", "b"), tuple(specs))


@pytest.fixture(scope="module")
def plain(family: Family) -> dict[str, Plain]:
    return {
        spec.key: Plain(
            AutoModelForCausalLM.from_pretrained(spec.repo, dtype=torch.float32).eval(),
            AutoTokenizer.from_pretrained(spec.repo),
        )
        for spec in family.models
    }


@pytest.fixture(scope="module")
def engine(family: Family) -> LocalEngine:
    made = LocalEngine(family, "fp32", "cpu")
    for spec in family.models:
        load(made, spec.key)
    return made


@pytest.fixture(scope="module")
def results(engine: LocalEngine, family: Family) -> Results:
    *_, last = (e for e in run(engine, family, DATA, resamples=50) if e is not None)
    assert isinstance(last, Finished)
    return last.results


def samples(results: Results, model: str, metric: str) -> tuple[Any, ...]:
    (record,) = [record for record in results.records if record.model == model]
    return record.metrics[metric].samples


def test_the_same_text_is_cut_in_one_model_and_whole_in_the_other(plain: dict[str, Plain]) -> None:
    """What makes the tests below say something."""
    assert len(plain["original"].ids(LONG)) > CUT > len(plain["retrained"].ids(LONG))


def test_both_answer_side_by_side_in_their_own_tokens(
    engine: LocalEngine, plain: dict[str, Plain]
) -> None:
    requests = [Request(key, key, PROMPT, Sampling(24)) for key in plain]
    said = dict.fromkeys(plain, "")
    for event in engine.stream(requests):
        if event is not None:
            said[event.model] += event.text
    assert said == {key: model.answer(PROMPT, 24) for key, model in plain.items()}
    assert said["original"] != said["retrained"]


@pytest.mark.parametrize("key", VOCABULARIES)
def test_verbmem_cuts_the_reference_after_a_models_own_tokens(
    results: Results, plain: dict[str, Plain], key: str
) -> None:
    (sample,) = samples(results, key, "verbmem_f")
    assert isinstance(sample, Sample)
    own = plain[key]
    assert sample.reference == own.tokenizer.decode(own.ids(LONG)[:CUT], skip_special_tokens=True)
    assert (sample.reference == LONG) == (key == "retrained")


@pytest.mark.parametrize("key", VOCABULARIES)
def test_privleak_scores_each_text_over_a_models_own_tokens(
    results: Results, plain: dict[str, Plain], key: str
) -> None:
    texts = {text.id: text.text for text in (*DATA.privleak_forget, *DATA.privleak_holdout)}
    found = samples(results, key, "privleak")
    assert len(found) == len(texts)
    for sample in found:
        assert isinstance(sample, LikelihoodSample)
        assert sample.score == pytest.approx(plain[key].min_40(texts[sample.id]), abs=1e-4)


def test_every_headline_number_is_there_for_both(results: Results) -> None:
    for record in results.records:
        assert set(record.metrics) == {metric.key for metric in HEADLINE}
