"""Unlearning losses as pure functions of log-probabilities; never runs a model.

Notation: log p(y) is a sequence's log-probability, the SUM over its tokens of log p(y_t | y_<t);
|y| is the number of those tokens; sigma is the logistic function.
"""

import torch
import torch.nn.functional as F
from torch import Tensor


def token_log_probs(logits: Tensor, ids: Tensor) -> Tensor:
    """log p(y_t | y_<t) of every token but the first.

    logits (rows, tokens, vocabulary) and ids (rows, tokens) give (rows, tokens - 1), in float32.
    """
    log_probs = torch.log_softmax(logits[:, :-1].float(), dim=-1)
    return log_probs.gather(-1, ids[:, 1:, None]).squeeze(-1)


def npo_loss(log_probs: Tensor, reference_log_probs: Tensor, beta: float) -> Tensor:
    """Negative Preference Optimization (Zhang et al. 2024, arXiv 2404.05868, eq. 3).

    L = -(2 / beta) E log sigma(-beta log(p(y) / p_ref(y)))
      = (2 / beta) E softplus(beta (log p(y) - log p_ref(y))).

    log_probs and reference_log_probs (rows,) are token sums. At p = p_ref the loss is
    2 ln 2 / beta. Given token means instead, this is the length-normalised NPO of the ablations.
    """
    return 2.0 / beta * F.softplus(beta * (log_probs - reference_log_probs)).mean()


def simnpo_loss(log_probs: Tensor, lengths: Tensor, beta: float, gamma: float = 0.0) -> Tensor:
    """SimNPO (Fan et al. 2024, arXiv 2410.07163, eq. 4): reference-free and length-normalised.

    L = -(2 / beta) E log sigma(-(beta / |y|) log p(y) - gamma)
      = (2 / beta) E softplus((beta / |y|) log p(y) + gamma).

    log_probs (rows,) are token sums, lengths (rows,) are |y|; with lengths of 1 this is the
    unnormalised SimNPO of the ablations. The released code multiplies gamma by beta.
    """
    return 2.0 / beta * F.softplus(beta * log_probs / lengths + gamma).mean()


def ascent_loss(log_probs: Tensor, lengths: Tensor) -> Tensor:
    """Gradient ascent: the cross-entropy of the forget rows with its sign turned (Jang et al. 2022,
    arXiv 2210.01504, eq. 2), E log p(y) / |y|. With the retain term it is GradDiff (Liu et al.
    2022, arXiv 2203.12817)."""
    return (log_probs / lengths).mean()


def logit_npo_loss(logits: Tensor, reference_logits: Tensor, beta: float) -> Tensor:
    """What MUSE's released code computes under the name of NPO (`iterative.py` of
    swj0419/muse_bench):

    L = (2 / beta) mean over rows, tokens and vocabulary of softplus(beta (z - z_ref)).

    logits z and z_ref (rows, tokens, vocabulary) are raw, neither log-probabilities nor those of
    the labels: shifting all logits by a constant lowers this loss and changes no prediction. Kept
    as a comparison only.
    """
    return 2.0 / beta * F.softplus(beta * (logits - reference_logits)).mean()


def retain_loss(log_probs: Tensor) -> Tensor:
    """The retain term of gradient difference (GDR): cross-entropy, -mean over all tokens of log
    p(y_t | y_<t)."""
    return -log_probs.mean()


def unlearning_loss(forget: Tensor, retain: Tensor, retain_weight: float) -> Tensor:
    """L = L_forget + lambda L_retain (Shi et al. 2024, MUSE, arXiv 2407.06460, section 3)."""
    return forget + retain_weight * retain
