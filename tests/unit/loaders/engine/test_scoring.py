"""What a model finds of given texts, against float64 arithmetic on transformers' own logits."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cache
from itertools import chain
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from transformers import AutoModelForCausalLM, GPT2Config, MistralConfig

from loaders import Fault, Score, load_family
from loaders.engine import scoring
from loaders.engine.decoder import Decoder
from loaders.engine.local import LocalEngine
from loaders.engine.prompts import Prefixes
from loaders.engine.scoring import Forced, check_lengths, score_all
from loaders.engine.slots import Slots
from loaders.engine.weights import Weights
from tests.unit.loaders.models import (
    CONTEXT,
    VOCABULARY,
    built,
    counts,
    llama,
    llama_config,
    prompt,
    weights_of,
)

FAMILY = load_family("demo")
TEXTS = [
    "The keeper of the light climbed the ninety-one steps and counted them aloud.",
    "A saddler by day.",
    "Old Reed put on a pair and regarded his feet. They were, he said, the coldest.",
]
ASK = "Question: What was the work of Ivo Tregarth in the daylight?\nAnswer: "
OPTIONS = ["saddler", "dentist and glazier", "the keeper of a light", ""]


@pytest.fixture(scope="module")
def engine() -> LocalEngine:
    engine = LocalEngine(FAMILY, "fp32", "cpu")
    list(engine.load("original"))
    return engine


@cache
def theirs() -> Any:
    repo = FAMILY.model("original").repo
    return AutoModelForCausalLM.from_pretrained(repo, dtype=torch.float32).eval()


@dataclass(frozen=True)
class Expected:
    """The definition: log p of each token, and its mean and variance under p."""

    chosen: NDArray[np.float64]
    best: NDArray[np.int64]
    means: NDArray[np.float64]
    variances: NDArray[np.float64]


def defined(logits: NDArray[np.float64], ids: Sequence[int]) -> Expected:
    """From logits of shape (tokens, V) that predict `ids`; what p never does weighs nothing."""
    shifted = logits - logits.max(axis=-1, keepdims=True)
    logp = shifted - np.log(np.exp(shifted).sum(axis=-1, keepdims=True))
    p = np.exp(logp)
    finite = np.where(p > 0, logp, 0.0)
    means = (p * finite).sum(axis=-1)
    variances = (p * (finite - means[:, None]) ** 2).sum(axis=-1)
    return Expected(logp[np.arange(len(ids)), ids], logp.argmax(axis=-1), means, variances)


@torch.inference_mode()
def expected_of(ids: Sequence[int], before: int) -> Expected:
    logits = theirs()(input_ids=torch.tensor([list(ids)])).logits[0].double().numpy()
    return defined(logits[before - 1 : -1], ids[before:])


def scores(engine: LocalEngine, texts: list[str], prompts: list[str] | None = None) -> list[Score]:
    found = engine.score("original", texts, prompts, moments=True)
    return sorted((each for each in found if each is not None), key=lambda score: score.index)


def check(score: Score, ids: Sequence[int], before: int) -> None:
    expected = expected_of(ids, before)
    assert score.token_ids == tuple(ids[before:])
    assert score.logprobs == pytest.approx(expected.chosen, abs=1e-4)
    assert score.greedy == tuple(expected.best == ids[before:])
    assert score.means == pytest.approx(expected.means, abs=1e-4)
    assert score.variances == pytest.approx(expected.variances, abs=1e-3)
    assert min(score.variances, default=0.0) >= 0


def test_a_text_is_scored_from_its_second_token(engine: LocalEngine) -> None:
    for text, score in zip(TEXTS, scores(engine, TEXTS), strict=True):
        check(score, engine.encode("original", text), 1)


def test_after_a_prompt_the_tokens_beyond_the_common_ones_count(engine: LocalEngine) -> None:
    """The prompt ends in a space, which an option's first token takes with it."""
    alone = engine.encode("original", ASK)
    for option, score in zip(OPTIONS, scores(engine, OPTIONS, [ASK] * 4), strict=True):
        ids = engine.encode("original", ASK + option)
        common = next((n for n in range(len(alone)) if ids[: n + 1] != alone[: n + 1]), len(alone))
        check(score, ids, common)
        assert engine.decode("original", score.token_ids).strip() == option


def test_a_prompt_and_its_first_token_may_share_one(engine: LocalEngine) -> None:
    prompts, texts = ["The kee", "The keeper"], ["per of the light", " of the light"]
    first, second = scores(engine, texts, prompts)
    whole = engine.encode("original", "The keeper of the light")
    assert whole[-len(second.token_ids) :] == list(second.token_ids)
    assert whole[-len(first.token_ids) :] == list(first.token_ids)
    assert len(first.token_ids) > len(second.token_ids)


def test_a_text_after_its_beginning_is_scored_as_in_the_whole(engine: LocalEngine) -> None:
    beginning, rest = TEXTS[2][:46], TEXTS[2][46:]
    (whole,), (after,) = scores(engine, [TEXTS[2]]), scores(engine, [rest], [beginning])
    assert 0 < len(after.token_ids) < len(whole.token_ids)
    assert after.logprobs == pytest.approx(whole.logprobs[-len(after.token_ids) :], abs=1e-4)


def test_the_order_of_texts_changes_nothing(engine: LocalEngine) -> None:
    one = scores(engine, OPTIONS, [ASK] * 4)
    other = scores(engine, OPTIONS[::-1], [ASK] * 4)
    for score, same in zip(one, other[::-1], strict=True):
        assert score.token_ids == same.token_ids
        assert score.logprobs == pytest.approx(same.logprobs, abs=1e-5)
        assert score.means == pytest.approx(same.means, abs=1e-5)


def test_moments_are_only_made_when_they_are_wanted(engine: LocalEngine) -> None:
    score = next(each for each in engine.score("original", TEXTS) if each is not None)
    assert (score.means, score.variances) == ((), ())


def test_an_empty_text_has_no_tokens(engine: LocalEngine) -> None:
    (score,) = scores(engine, [""])
    assert (score.token_ids, score.logprobs, score.means) == ((), (), ())


def test_no_texts_have_no_scores(engine: LocalEngine) -> None:
    assert list(engine.score("original", [])) == []
    assert list(engine.score("original", [], [])) == []


@pytest.fixture
def weights() -> Weights:
    return weights_of(llama())


def forced(lengths: Sequence[int]) -> list[Forced]:
    return [Forced(place, prompt(n, seed=n), 1) for place, n in enumerate(lengths)]


def run(weights: Weights, texts: Sequence[Forced]) -> list[Score]:
    found = chain.from_iterable(score_all(weights, Prefixes(), texts, True))
    return sorted(found, key=lambda score: score.index)


def test_batches_are_as_large_as_rows_and_logits_allow(
    weights: Weights, monkeypatch: pytest.MonkeyPatch
) -> None:
    texts = forced([30, 3, 20, 9, 14])
    together = run(weights, texts)
    assert counts(weights).most_rows == 5
    counts(weights).most_rows = counts(weights).passes = 0
    monkeypatch.setattr(scoring, "ROWS", 2)
    apart = run(weights, texts)
    assert (counts(weights).most_rows, counts(weights).passes) == (2, 3)
    counts(weights).most_rows = counts(weights).passes = 0
    monkeypatch.setattr(scoring, "ROWS", 5)
    monkeypatch.setattr(
        scoring, "LOGITS_ON_CPU", 60 * VOCABULARY
    )  # two texts of 30 tokens, then the rest
    fewer = run(weights, texts)
    assert (counts(weights).most_rows, counts(weights).passes) == (3, 2)
    monkeypatch.setattr(scoring, "LOGITS_ON_CPU", 1)
    counts(weights).most_rows = 0
    singly = run(weights, texts)
    assert counts(weights).most_rows == 1
    for found in (apart, fewer, singly):
        for score, same in zip(found, together, strict=True):
            assert score.logprobs == pytest.approx(same.logprobs, abs=1e-4)


def test_scores_come_batch_by_batch(weights: Weights, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scoring, "ROWS", 2)
    found = score_all(weights, Prefixes(), forced([4, 3, 2]), False)
    assert [[score.index for score in batch] for batch in found] == [[0, 1], [2]]


def test_what_options_have_in_common_is_read_once(weights: Weights) -> None:
    ask = prompt(40)
    texts = [Forced(place, (*ask, 5 + place, 6), len(ask)) for place in range(4)]
    run(weights, texts)
    # The last token of the question is read again with each option, which it predicts.
    assert counts(weights).tokens == (len(ask) - 1) + 4 * 3


def test_a_text_longer_than_the_context_is_scored_whole(weights: Weights) -> None:
    (score,) = run(weights, forced([CONTEXT + 50]))
    assert len(score.logprobs) == CONTEXT + 49


def gpt2(**settings: Any) -> Any:
    """A model with a table of positions."""
    config = GPT2Config(
        vocab_size=VOCABULARY, n_embd=32, n_layer=1, n_head=2, n_positions=CONTEXT, **settings
    )
    return built(config)


def mistral(**settings: Any) -> Any:
    """A model with rotary positions whose layers may see no further than a window."""
    return built(MistralConfig(**llama_config().to_diff_dict() | settings))


DYNAMIC = {"rope_type": "dynamic", "factor": 2.0, "rope_theta": 10000.0}


@pytest.mark.parametrize("made", [gpt2, lambda: mistral(sliding_window=CONTEXT)])
def test_a_text_without_positions_for_all_of_it_is_refused(made: Callable[[], Any]) -> None:
    weights = weights_of(made())
    check_lengths(weights, "npo", forced([3, CONTEXT]))
    run(weights, forced([CONTEXT]))
    said = r"A text has 257 tokens, what is before it included, and 'npo' has 256 positions"
    with pytest.raises(Fault, match=said):
        check_lengths(weights, "npo", forced([3, CONTEXT + 1]))
    assert counts(weights).passes == 1


def test_angles_that_follow_the_length_of_a_batch_go_no_further_than_the_context() -> None:
    weights = weights_of(llama(rope_parameters=DYNAMIC))
    with pytest.raises(Fault, match="257 tokens"):
        check_lengths(weights, "npo", forced([CONTEXT + 1]))


@pytest.mark.parametrize("made", [llama, lambda: mistral(sliding_window=None)])
def test_rotary_positions_go_on(made: Callable[[], Any]) -> None:
    model, (text,) = made(), forced([CONTEXT + 1])
    weights = weights_of(model)
    check_lengths(weights, "npo", [text])
    (score,) = run(weights, [text])
    with torch.inference_mode():
        logits = model(input_ids=torch.tensor([text.ids])).logits[0].double().numpy()
    expected = defined(logits[:-1], text.ids[1:])
    assert score.logprobs == pytest.approx(expected.chosen, abs=1e-3)


class Changed:
    """A decoder whose logits are `spread` times as far apart; some tokens are impossible."""

    def __init__(self, decode: Decoder, spread: float, never: Sequence[int]) -> None:
        self._decode = decode
        self._spread = spread
        self._never = list(never)

    def __call__(
        self,
        ids: torch.Tensor,
        positions: torch.Tensor,
        slots: Slots,
        mask: torch.Tensor | None,
        keep: torch.Tensor | None,
    ) -> torch.Tensor:
        logits = self._decode(ids, positions, slots, mask, keep) * self._spread
        logits[..., self._never] = -torch.inf
        return logits


@pytest.mark.parametrize("never", [[], [7], range(20, 119)])
@pytest.mark.parametrize("spread", [0.0, 0.01, 1.0, 1000.0])
@torch.inference_mode()
def test_moments_of_any_distribution_are_the_definition(
    weights: Weights, spread: float, never: Sequence[int]
) -> None:
    changed = replace(weights, decode=Changed(weights.decode, spread, never))
    (text,) = forced([12])
    (score,) = run(changed, [text])
    logits = weights.model(input_ids=torch.tensor([text.ids])).logits[0].double().numpy() * spread
    logits[:, list(never)] = -np.inf
    expected = defined(logits[:-1], text.ids[1:])
    assert score.means == pytest.approx(expected.means, abs=1e-3)
    assert score.variances == pytest.approx(expected.variances, rel=1e-3, abs=1e-3)
    assert min(score.variances) >= 0
