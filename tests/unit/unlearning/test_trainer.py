"""The trainer on a tiny random model: it learns, it forgets, and it repeats itself exactly."""

import math
from dataclasses import replace

import pytest
import torch
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedModel

from unlearning.losses import token_log_probs
from unlearning.trainer import Objective, Rows, StepEvent, TrainConfig, train

CONFIG = TrainConfig(
    objective="pretrain", steps=12, lr=1e-2, schedule="cosine", warmup_steps=2,
    forget_rows=2, retain_rows=2, mixed_precision="no",
)  # fmt: skip


def make_tiny() -> PreTrainedModel:
    torch.manual_seed(0)
    return LlamaForCausalLM(
        LlamaConfig(
            vocab_size=50, hidden_size=64, intermediate_size=64, num_hidden_layers=1,
            num_attention_heads=2, max_position_embeddings=64,
        )
    )  # fmt: skip


def make_rows() -> Rows:
    ids = torch.randint(0, 50, (8, 16), generator=torch.Generator().manual_seed(1))
    return Rows(forget=ids[:4], retain=ids[4:])


def score(model: PreTrainedModel, rows: torch.Tensor) -> float:
    with torch.no_grad():
        return token_log_probs(model(rows).logits, rows).mean().item()


def test_pretraining_lowers_the_loss_and_reports_each_step() -> None:
    events = list(train(CONFIG, make_tiny(), make_rows()))
    assert [event.step for event in events] == list(range(1, 13))
    assert events[-1].loss < events[0].loss - 0.5
    assert events[0].loss == pytest.approx(math.log(50), abs=0.3)
    assert events[0].forget is not None
    assert events[0].loss == pytest.approx((events[0].forget + events[0].retain) / 2, rel=1e-5)


def test_the_learning_rate_warms_up_and_falls() -> None:
    rates = [event.lr for event in train(CONFIG, make_tiny(), make_rows())]
    assert rates[:3] == pytest.approx([0.005, 0.01, 0.01])
    assert rates[3:] == sorted(rates[3:], reverse=True)


def test_two_equal_runs_are_equal() -> None:
    def run() -> list[StepEvent]:
        return [replace(event, seconds=0.0) for event in train(CONFIG, make_tiny(), make_rows())]

    assert run() == run()


def test_npo_starts_at_two_ln_two_over_beta_and_keeps_its_reference() -> None:
    config = replace(CONFIG, objective="npo", schedule="constant", beta=0.1)
    model, rows = make_tiny(), make_rows()
    before = score(model, rows.forget)
    events = list(train(config, model, rows))
    assert events[0].forget == pytest.approx(2 * math.log(2) / 0.1, rel=1e-4)
    assert events[-1].forget is not None
    assert events[-1].forget < 10.0
    assert score(model, rows.forget) < before


def test_simnpo_forgets_and_weighs_the_retain_term() -> None:
    config = replace(CONFIG, objective="simnpo", schedule="constant", beta=0.7, retain_weight=3.0)
    model, rows = make_tiny(), make_rows()
    before = score(model, rows.forget), score(model, rows.retain)
    first, *_, last = train(config, model, rows)
    assert first.forget is not None
    assert first.loss == pytest.approx(first.forget + 3.0 * first.retain, rel=1e-5)
    assert score(model, rows.forget) < before[0]
    assert score(model, rows.retain) > before[1]
    assert last.step == 12


def test_without_forget_rows_the_retain_rows_are_the_same() -> None:
    rows = make_rows()
    alone = Rows(forget=rows.forget[:0], retain=rows.retain)
    first = next(train(CONFIG, make_tiny(), alone))
    assert first.forget is None
    assert first.retain == pytest.approx(next(train(CONFIG, make_tiny(), rows)).retain, rel=1e-5)


def test_the_model_is_left_as_it_was_given() -> None:
    model = make_tiny()
    forward = model.forward
    list(train(replace(CONFIG, steps=1), model, make_rows()))
    assert not model.training
    assert model.forward == forward
    assert {parameter.dtype for parameter in model.parameters()} == {torch.float32}


@pytest.mark.parametrize("objective", ["npo_mean", "simnpo_sum", "graddiff", "npo_logits"])
def test_each_objective_forgets(objective: Objective) -> None:
    config = replace(CONFIG, objective=objective, schedule="constant", beta=0.1, retain_weight=0.5)
    model, rows = make_tiny(), make_rows()
    before = score(model, rows.forget)
    events = list(train(config, model, rows))
    assert events[0].forget is not None
    assert events[-1].forget is not None
    assert events[-1].forget < events[0].forget
    if objective != "npo_logits":  # lowers logits, which need not lower probabilities
        assert score(model, rows.forget) < before


def test_npo_on_token_means_is_npo_with_beta_over_the_length() -> None:
    summed = replace(CONFIG, objective="npo", schedule="constant", beta=0.1 / 15)
    averaged = replace(summed, objective="npo_mean", beta=0.1)
    ours = next(iter(train(averaged, make_tiny(), make_rows())))
    theirs = next(iter(train(summed, make_tiny(), make_rows())))
    assert ours.forget is not None
    assert theirs.forget is not None
    assert ours.forget == pytest.approx(theirs.forget / 15, rel=1e-4)
