"""A forward pass as the engine asks for it, through transformers' own code; any architecture."""

from typing import Any, Protocol

import torch

from loaders.engine.slots import Slots


class Decoder(Protocol):
    """Token ids to logits, with keys and values in slots."""

    def __call__(
        self,
        ids: torch.Tensor,
        positions: torch.Tensor,
        slots: Slots,
        mask: torch.Tensor | None,
        keep: torch.Tensor | None,
    ) -> torch.Tensor:
        """Logits of shape (rows, kept, V), in the model's own dtype.

        `ids` and `positions` are (rows, tokens) long; one row of positions serves all. `slots.span`
        says where they are written. `mask` is (rows or 1, 1, tokens, written tokens) bool; without
        one a token sees all that was written up to it. `keep` are the places in a row whose logits
        are wanted, all for None.
        """


class PlainDecoder:
    """Implements `Decoder` with `model.forward`."""

    def __init__(self, model: Any) -> None:
        self._model = model
        self._is_eager = model.config._attn_implementation == "eager"

    def __call__(
        self,
        ids: torch.Tensor,
        positions: torch.Tensor,
        slots: Slots,
        mask: torch.Tensor | None,
        keep: torch.Tensor | None,
    ) -> torch.Tensor:
        if mask is not None and self._is_eager:
            mask = _added(mask, self._model.dtype)
        return self._model(  # type: ignore[no-any-return]
            input_ids=ids,
            attention_mask=mask,
            position_ids=positions,
            cache=slots,
            use_cache=True,
            logits_to_keep=0 if keep is None else keep,
        ).logits


def _added(mask: torch.Tensor, dtype: torch.dtype) -> torch.Tensor:
    """What eager attention, which Gemma 2 needs, adds to its scores: nothing where `mask` is True.

    Given a bool it would add that, and hide nothing.
    """
    added = torch.zeros(mask.shape, dtype=dtype, device=mask.device)
    return added.masked_fill(~mask, torch.finfo(dtype).min)
