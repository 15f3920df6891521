"""The choice of one next token; it knows logits and a seed, not models."""

import math

import torch

from loaders.protocol import Sampling


class Sampler:
    """Draws the tokens of one request from its own generator, so that runs never share luck."""

    def __init__(self, sampling: Sampling) -> None:
        self._sampling = sampling
        self._generator = torch.Generator().manual_seed(sampling.seed)

    def choose(self, logits: torch.Tensor) -> tuple[int, float]:
        """Token id and its natural-log probability, from the next-token logits of shape (V,).

        The probability is the model's own, before temperature and top-p.
        """
        logits = logits.float().cpu()
        token = int(logits.argmax()) if self._sampling.temperature == 0 else self._draw(logits)
        return token, float(logits[token] - torch.logsumexp(logits, dim=-1))

    def _draw(self, logits: torch.Tensor) -> int:
        probabilities = torch.softmax(logits / self._sampling.temperature, dim=-1)
        if self._sampling.top_p < 1:
            probabilities = nucleus(probabilities, self._sampling.top_p)
        return int(torch.multinomial(probabilities, 1, generator=self._generator))


def nucleus(probabilities: torch.Tensor, top_p: float) -> torch.Tensor:
    """The fewest most likely tokens that reach `top_p` together, others 0 (Holtzman et al. 2020).

    Shape (V,) in and out; not renormalised, since `multinomial` does not need it.
    """
    ordered, tokens = probabilities.sort(descending=True)
    before = ordered.cumsum(dim=-1) - ordered
    kept = torch.where(before < top_p, ordered, math.nan).nan_to_num(0.0)
    return torch.zeros_like(probabilities).scatter(0, tokens, kept)
