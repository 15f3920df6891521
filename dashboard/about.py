"""What happens with the models' cards: drawn anew whenever more is known, never while it is not."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass
from typing import Any

import gradio as gr

from dashboard.card import card_panel
from dashboard.facts import Facts
from dashboard.run import LOOK_SECONDS, is_settled
from loaders.session import Session


@dataclass(frozen=True)
class About:
    """The cards of the Compare page, by model key."""

    session: Session
    facts: Facts
    cards: Mapping[str, Any]

    async def load(self) -> AsyncIterator[dict[Any, str]]:
        """All cards, and again those that changed, until every model is ready or has failed."""
        shown: dict[str, str] = {}
        while True:
            done = self.facts.is_complete and is_settled(self.session)
            now = {model: self._draw(model) for model in self.cards}
            if new := {model: card for model, card in now.items() if card != shown.get(model)}:
                yield {self.cards[model]: card for model, card in new.items()}
            if done:
                return
            shown = now
            await asyncio.sleep(LOOK_SECONDS)

    def opener(self, model: str) -> Callable[[str], Any]:
        """What a press in the pane of `model` does: its card may have changed since it was drawn,
        where a model was loaded anew."""

        def look(shown: str) -> Any:
            card = self._draw(model)
            return gr.skip() if card == shown else card

        return look

    def _draw(self, model: str) -> str:
        spec = self.session.family.model(model)
        return card_panel(self.facts.provenance, spec, self.session.status(model))
