"""The losses against values worked by hand, and one property each."""

import math

import pytest
import torch

from unlearning.losses import (
    ascent_loss,
    logit_npo_loss,
    npo_loss,
    retain_loss,
    simnpo_loss,
    token_log_probs,
    unlearning_loss,
)


def test_token_log_probs_of_a_worked_example() -> None:
    logits = torch.tensor([[[math.log(3.0), 0.0], [0.0, math.log(9.0)], [5.0, 5.0]]])
    ids = torch.tensor([[1, 0, 1]])
    found = token_log_probs(logits, ids)
    assert found.tolist()[0] == pytest.approx([math.log(0.75), math.log(0.9)])


def test_npo_at_its_reference_is_two_ln_two_over_beta() -> None:
    log_probs = torch.tensor([-40.0, -250.0])
    assert npo_loss(log_probs, log_probs, beta=0.1).item() == pytest.approx(13.8629436)


def test_npo_of_a_worked_example() -> None:
    # beta (log p - log p_ref) = ln 3 and -ln 3: softplus gives ln 4 and ln 4/3.
    log_probs = torch.tensor([-10.0 + math.log(3.0) / 0.5, -10.0 - math.log(3.0) / 0.5])
    expected = 2 / 0.5 * (math.log(4.0) + math.log(4.0 / 3.0)) / 2
    assert npo_loss(log_probs, torch.full((2,), -10.0), beta=0.5).item() == pytest.approx(expected)


def test_npo_gradient_is_gradient_ascent_for_a_small_beta() -> None:
    log_probs = torch.tensor([-3.0, -7.0], requires_grad=True)
    npo_loss(log_probs, torch.tensor([-2.0, -9.0]), beta=1e-4).backward()
    assert log_probs.grad is not None
    assert log_probs.grad.tolist() == pytest.approx([0.5, 0.5], abs=1e-3)


def test_simnpo_of_a_worked_example() -> None:
    # beta / |y| log p + gamma = 2 / 4 * -6 + 3 = 0: softplus(0) = ln 2.
    loss = simnpo_loss(torch.tensor([-6.0]), torch.tensor([4.0]), beta=2.0, gamma=3.0)
    assert loss.item() == pytest.approx(math.log(2.0))


def test_simnpo_depends_on_the_mean_log_prob_alone() -> None:
    short = simnpo_loss(torch.tensor([-6.0]), torch.tensor([4.0]), beta=0.7)
    long = simnpo_loss(torch.tensor([-60.0]), torch.tensor([40.0]), beta=0.7)
    assert short.item() == pytest.approx(long.item())


@pytest.mark.parametrize("step", [1.0, 10.0])
def test_forgetting_lowers_both_losses(step: float) -> None:
    before, after = torch.tensor([-5.0]), torch.tensor([-5.0 - step])
    length = torch.tensor([8.0])
    assert npo_loss(after, before, 0.1) < npo_loss(before, before, 0.1)
    assert simnpo_loss(after, length, 0.7) < simnpo_loss(before, length, 0.7)


def test_retain_loss_is_cross_entropy_over_all_tokens() -> None:
    logits = torch.randn(2, 5, 7, generator=torch.Generator().manual_seed(0))
    ids = torch.tensor([[0, 1, 2, 3, 4], [6, 5, 4, 3, 2]])
    expected = torch.nn.functional.cross_entropy(
        logits[:, :-1].reshape(-1, 7), ids[:, 1:].reshape(-1)
    )
    assert retain_loss(token_log_probs(logits, ids)).item() == pytest.approx(expected.item())


def test_retain_weight_scales_the_retain_term_alone() -> None:
    assert unlearning_loss(torch.tensor(2.0), torch.tensor(3.0), 10.0).item() == 32.0


def test_ascent_is_the_mean_log_prob_per_token() -> None:
    loss = ascent_loss(torch.tensor([-8.0, -3.0]), torch.tensor([4.0, 3.0]))
    assert loss.item() == pytest.approx((-2.0 - 1.0) / 2)


def test_the_released_code_s_loss_of_a_worked_example() -> None:
    # beta (z - z_ref) = ln 3 and -ln 3 in two logits: softplus gives ln 4 and ln 4/3.
    reference = torch.tensor([[[1.0, 2.0]]])
    logits = reference + torch.tensor([math.log(3.0), -math.log(3.0)]) / 0.5
    expected = 2 / 0.5 * (math.log(4.0) + math.log(4.0 / 3.0)) / 2
    assert logit_npo_loss(logits, reference, beta=0.5).item() == pytest.approx(expected)


def test_the_released_code_s_loss_falls_while_no_prediction_changes() -> None:
    logits = torch.randn(1, 3, 5, generator=torch.Generator().manual_seed(0))
    ids, shifted = torch.tensor([[0, 1, 2]]), logits - 4.0
    assert token_log_probs(shifted, ids).tolist()[0] == pytest.approx(
        token_log_probs(logits, ids).tolist()[0], abs=1e-5
    )
    assert logit_npo_loss(shifted, logits, 0.1) < logit_npo_loss(logits, logits, 0.1)
