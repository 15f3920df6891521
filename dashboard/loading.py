"""What the panes say while models come, and how one that failed is tried again; runs no prompt."""

import asyncio
from collections.abc import AsyncIterator, Collection, Sequence
from dataclasses import dataclass
from typing import Any

import gradio as gr

from dashboard.answers import Answer, before_run
from dashboard.asking import SCENARIOS
from dashboard.facts import Facts
from dashboard.layout import CompareView
from dashboard.panes import pane
from dashboard.run import LOOK_SECONDS, failed_models, is_settled
from loaders.session import Job, Session
from loaders.together.residency import listed

Updates = dict[Any, Any]


@dataclass(frozen=True)
class Loading:
    """The events of the Compare page that have to do with loading."""

    session: Session
    facts: Facts
    view: CompareView

    async def load(self) -> AsyncIterator[Updates]:
        """Say in every pane where its model is, until all are ready or have failed."""
        async for updates in self._follow(self._keys(), ()):
            yield updates

    async def watch(self, answered: Sequence[str]) -> AsyncIterator[Updates]:
        """The same in the panes of all but the models that answered: theirs show the answers.

        A model may have become ready when the run was over and this had not begun.
        """
        others = [key for key in self._keys() if key not in answered]
        async for updates in self._follow(others, ()):
            yield updates

    async def again(self) -> AsyncIterator[Updates]:
        """Load once more what has failed; what is ready goes on."""
        failed = failed_models(self.session)
        jobs = [self.session.load_again(key) for key in failed]
        async for updates in self._follow(failed, jobs):
            yield updates

    async def _follow(
        self, models: Collection[str], jobs: Sequence[Job[None]]
    ) -> AsyncIterator[Updates]:
        """The panes of `models` whenever they change, and what can be tried again.

        Yields something at least once: Gradio empties all that an event says nothing of.
        """
        shown: list[Answer] = []
        offered: list[str] | None = None
        while True:
            done = all(job.done for job in jobs)
            settled = done and is_settled(self.session)  # what is read after this stays
            failed = failed_models(self.session) if done else []
            answers = [before_run(key, self.session.status(key)) for key in models]
            updates = self._panes([answer for answer in answers if answer not in shown])
            if failed != offered:
                updates[self.view.again] = self._button(failed)
            if updates:
                yield updates
            shown, offered = answers, failed
            if settled:
                return
            await asyncio.sleep(LOOK_SECONDS)

    def _button(self, failed: Sequence[str]) -> gr.Button:
        """Names what it would load; there is none where nothing has failed."""
        if not failed:
            return gr.Button(visible=False)
        labels = [self.session.family.model(key).label for key in failed]
        return gr.Button(f"Try again: {listed(labels)}", visible=True)

    def _keys(self) -> list[str]:
        return [spec.key for spec in self.session.family.models]

    def _panes(self, answers: Sequence[Answer]) -> Updates:
        family, provenance = self.session.family, self.facts.provenance
        length = SCENARIOS[0].max_new_tokens
        return {
            self.view.panes[one.model]: pane(
                provenance, family.model(one.model), one, max_new_tokens=length
            )
            for one in answers
        }
