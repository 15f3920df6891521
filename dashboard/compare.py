"""What happens on the Compare page: its events as functions of what was pressed and typed."""

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import gradio as gr

from dashboard.answers import (
    READING,
    Answer,
    before_run,
    hear,
    held_up,
    in_line,
    stopped,
)
from dashboard.asking import (
    OWN,
    Asking,
    Own,
    Scenario,
    ask,
    find_scenario,
    list_rows,
    picked_place,
    row_choices,
    row_value,
    sent_prompt,
    uploaded_rows,
)
from dashboard.escape import esc, json_text
from dashboard.facts import Facts
from dashboard.figures import curves
from dashboard.labels import describe_sampling
from dashboard.layout import CompareView
from dashboard.panes import in_words, notice, pane, status_line, truth_block
from dashboard.run import (
    Ticket,
    Tickets,
    follow,
    may_run,
    ready_models,
    wait_until_it_may_run,
)
from dashboard.standin import StandIn, Turn, said, translate
from dashboard.words import announcement, describe
from loaders.faults import Fault
from loaders.lent.engine import NoGpu
from loaders.protocol import Request, Sampling
from loaders.session import Session
from metrics.inputs.data import Data

Updates = dict[Any, Any]


def read_sampling(
    max_new_tokens: float | None, temperature: float | None, top_p: float | None, seed: float | None
) -> Sampling:
    """The four numbers as a Sampling; a Fault says which one is missing or out of range."""
    for name, value in (("Max new tokens", max_new_tokens), ("Seed", seed)):
        if value is None or value != int(value):
            raise Fault(f"{name} is {value or 'empty'}; write a whole number.")
    return Sampling(
        int(max_new_tokens or 0), float(temperature or 0), float(top_p or 0), int(seed or 0)
    )


@dataclass(frozen=True)
class Compare:
    """The events of the Compare page. `tickets` holds the running run of each visitor; where no
    GPU is lent, `stand_in` answers."""

    session: Session
    data: Data | Fault
    facts: Facts
    view: CompareView
    tickets: Tickets
    stand_in: StandIn | None = None

    def pick_scenario(self, key: str, own: Own) -> Updates:
        """Another scenario: its rows, its first text, its default length; what is written stays
        where one's own prompt is asked for."""
        scenario = find_scenario(key)
        rows = list_rows(self.data, scenario, own)
        picked = 0 if rows and key != OWN else None
        updates = {
            self.view.row: self._rows(scenario, len(rows), picked),
            self.view.upload: gr.UploadButton(visible=key == OWN),
            self.view.numbers[0]: scenario.max_new_tokens,
        }
        if key != OWN and isinstance(self.data, Fault):
            return updates | {self.view.notice: notice(str(self.data))}
        return updates | self._picked(scenario, picked, own)

    def bring(self, file: str, own: Own) -> Updates:
        """A file of prompts: its rows can be picked. What is written stays until one is."""
        path = Path(file)
        try:
            rows = uploaded_rows(path.name, path.read_bytes())
        except Fault as fault:
            return {self.view.notice: notice(str(fault)), self.view.own: own}
        known = sum(row.truth is not None for row in rows)
        said = (
            f"{path.name}: {len(rows)} prompts, {known} of them with a reference. Pick one above."
        )
        return {
            self.view.own: rows,
            self.view.row: self._rows(find_scenario(OWN), len(rows), None),
            self.view.notice: status_line(said),
        }

    def pick_row(self, key: str, row: str | None, own: Own) -> Updates:
        """Another row: its text goes into the prompt."""
        scenario = find_scenario(key)
        return self._picked(scenario, picked_place(scenario, row), own)

    def edit(self, key: str, row: str | None, text: str, own: Own) -> Updates:
        """The text was changed by hand: the true text stands only as long as it is the row's."""
        scenario = find_scenario(key)
        return {self.view.truth: self._truth(scenario, picked_place(scenario, row), text, own)}

    def describe_sampling(
        self,
        max_new_tokens: float | None,
        temperature: float | None,
        top_p: float | None,
        seed: float | None,
    ) -> Updates:
        """The chip says the new values, or the notice says what is wrong with them."""
        try:
            sampling = read_sampling(max_new_tokens, temperature, top_p, seed)
        except Fault as fault:
            return {self.view.notice: notice(str(fault))}
        chip = gr.Accordion(label=describe_sampling(sampling))
        return {self.view.sampling: chip, self.view.notice: ""}

    async def run(
        self,
        key: str,
        row: str | None,
        text: str,
        max_new_tokens: float | None,
        temperature: float | None,
        top_p: float | None,
        seed: float | None,
        own: Own,
        request: gr.Request,
    ) -> AsyncIterator[Updates]:
        """One prompt through all models at once; a Fault becomes a sentence under the prompt."""
        ticket = Ticket()
        visitor = str(request.session_hash)
        self.tickets[visitor] = ticket
        try:
            sampling = read_sampling(max_new_tokens, temperature, top_p, seed)
            scenario = find_scenario(key)
            turn = Turn(picked_place(scenario, row), text)
            if (coming := self._coming(scenario, turn, own)) is not None:
                turn, sampling = coming, replace(sampling, max_new_tokens=scenario.max_new_tokens)
            async for updates in self._run(scenario, turn, own, sampling, ticket):
                yield updates
        except Fault as fault:
            yield {self.view.notice: notice(str(fault))} | self._buttons(running=False)
        finally:
            ticket.stop()
            self.tickets.pop(visitor, None)

    def stop(self, request: gr.Request) -> None:
        """End this visitor's run; what has come stays."""
        if (ticket := self.tickets.get(str(request.session_hash))) is not None:
            ticket.stop()

    def _coming(self, scenario: Scenario, turn: Turn, own: Own) -> Turn | None:
        """What is on its way to a browser that has not got the rows of this scenario yet: the first
        of them; None where it has got them, or there are none to get."""
        rows = list_rows(self.data, scenario, own)
        if turn.row is not None or not rows or scenario.key == OWN:
            return None
        return Turn(0, rows[0].text)

    async def _run(
        self, scenario: Scenario, turn: Turn, own: Own, sampling: Sampling, ticket: Ticket
    ) -> AsyncIterator[Updates]:
        asking = ask(self.session.family, self.data, scenario, turn.row, turn.text, own)
        try:
            async for updates in self._answers(asking, sampling, ticket):
                yield updates
        except NoGpu as refused:
            if (other := self.stand_in) is None:
                raise Fault(str(refused)) from refused
            asked, turn = turn.text, translate(scenario, self.data, other.data, turn, own)
            theirs = replace(
                self, session=other.session, data=other.data, facts=other.facts, stand_in=None
            )
            text = turn.text if turn.text != asked else ""
            why = {self.view.notice: status_line(said(refused, other.session.family, text))}
            async for updates in theirs._run(scenario, turn, own, sampling, ticket):
                yield updates | why

    async def _answers(
        self, asking: Asking, sampling: Sampling, ticket: Ticket
    ) -> AsyncIterator[Updates]:
        yield self._start(asking, sampling)
        await wait_until_it_may_run(self.session, ticket)
        answers = {answer.model: answer for answer in self._before_run()}
        ready = ready_models(self.session)
        try:
            if not ready and not ticket.stopped:
                raise Fault("No model could be loaded; each pane says why.")
            for model in ready:
                answers[model] = Answer(model, "waiting", message=READING)
            begun = {self.view.notice: "", self.view.answered: tuple(ready)}
            yield self._panes(list(answers.values()), asking, sampling) | begun
            requests = [Request(model, model, asking.prompt, sampling) for model in ready]
            job = self.session.submit("compare", lambda engine: engine.stream(requests))
            async for batch in follow(job, ticket):
                before = dict(answers)
                if batch.ahead:
                    answers |= in_line(answers, ready, batch.ahead)
                else:
                    statuses = {model: self.session.status(model) for model in ready}
                    answers |= held_up(answers, statuses)
                answers |= self._others(ready)
                answers |= hear(answers, batch.events, asking, sampling.max_new_tokens)
                if answers != before:
                    yield self._changed(before, answers, asking, sampling)
        except (Fault, NoGpu):  # nobody reads or writes any longer; what has come stays
            kept = {model: stopped(one) for model, one in answers.items() if one.tokens}
            now = answers | kept | self._others(list(kept))
            yield self._end(now, asking, sampling) | {self.view.answered: tuple(kept)}
            raise
        ended = {model: stopped(answers[model]) for model in ready}
        yield self._end(answers | ended | self._others(ready), asking, sampling)

    def _start(self, asking: Asking, sampling: Sampling) -> Updates:
        waits = "" if may_run(self.session) else "The models are still loading; this run waits."
        answers = self._before_run()
        family = self.session.family
        return {
            self.view.notice: status_line(waits),
            self.view.chart: json_text(curves(family, [], sampling.max_new_tokens)),
            self.view.words: in_words(family, [], running=True),
            self.view.truth: truth_block(asking.scenario, asking.truth, asking.prompt),
            self.view.answered: (),
            **self._panes(answers, asking, sampling),
            **self._buttons(running=True),
        }

    def _changed(
        self,
        before: Mapping[str, Answer],
        answers: Mapping[str, Answer],
        asking: Asking,
        sampling: Sampling,
    ) -> Updates:
        """Only what is new: panes whose answer or ruler moved, the chart, who has finished.

        The buttons are told again each time: a browser that is busy now and then loses the first
        words of a stream, and a run that cannot be stopped is worse than two words too many.
        """
        now = list(answers.values())
        reference = self._reference(answers)
        moved = reference != self._reference(before)
        changed = [a for a in now if moved or a != before.get(a.model)]
        updates = self._panes(changed, asking, sampling, reference)
        if asking.truth is not None:
            figure = curves(self.session.family, now, sampling.max_new_tokens)
            updates[self.view.chart] = json_text(figure)
        ended = [a for a in changed if a.finish and not before[a.model].finish]
        if ended:
            said = (announcement(self.session.family, asking, answer) for answer in ended)
            updates[self.view.announce] = _announce(" ".join(said))
        return updates | self._buttons(running=True)

    def _end(self, answers: Mapping[str, Answer], asking: Asking, sampling: Sampling) -> Updates:
        now = list(answers.values())
        family = self.session.family
        said = any(answer.tokens for answer in now)
        figure = curves(family, now, sampling.max_new_tokens)
        return {
            **self._panes(now, asking, sampling, self._reference(answers)),
            self.view.chart: json_text(figure),
            self.view.words: in_words(family, describe(family, asking, now) if said else []),
            self.view.notice: "",
            **self._buttons(running=False),
        }

    def _before_run(self) -> list[Answer]:
        specs = self.session.family.models
        return [before_run(spec.key, self.session.status(spec.key)) for spec in specs]

    def _others(self, running: Sequence[str]) -> dict[str, Answer]:
        """Where the models are that do not take part in a run."""
        return {one.model: one for one in self._before_run() if one.model not in running}

    def _reference(self, answers: Mapping[str, Answer]) -> Answer | None:
        spec = self.session.family.retrained
        return answers.get(spec.key) if spec else None

    def _panes(
        self,
        answers: Sequence[Answer],
        asking: Asking | None,
        sampling: Sampling,
        reference: Answer | None = None,
    ) -> Updates:
        provenance, length = self.facts.provenance, sampling.max_new_tokens
        specs = {spec.key: spec for spec in self.session.family.models}
        return {
            self.view.panes[a.model]: pane(provenance, specs[a.model], a, asking, reference, length)
            for a in answers
        }

    def _buttons(self, running: bool) -> Updates:
        return {
            self.view.run: gr.Button(interactive=not running),
            self.view.stop: gr.Button(interactive=running),
        }

    def _rows(self, scenario: Scenario, count: int, picked: int | None) -> gr.Dropdown:
        choices = row_choices(self.session.family, scenario, count)
        value = None if picked is None else row_value(scenario, picked)
        return gr.Dropdown(choices=choices, value=value, visible=bool(count))

    def _picked(self, scenario: Scenario, row: int | None, own: Own) -> Updates:
        rows = list_rows(self.data, scenario, own)
        if row is None or not 0 <= row < len(rows):
            return {self.view.truth: truth_block(scenario, None), self.view.notice: ""}
        return {
            self.view.prompt: rows[row].text,
            self.view.truth: self._truth(scenario, row, rows[row].text, own),
            self.view.notice: "",
        }

    def _truth(self, scenario: Scenario, row: int | None, text: str, own: Own) -> str:
        rows = list_rows(self.data, scenario, own)
        same = row is not None and 0 <= row < len(rows) and rows[row].text == text
        truth = rows[row].truth if same and row is not None else None
        if isinstance(self.data, Fault):
            return truth_block(scenario, truth)
        sent = sent_prompt(self.session.family, self.data, scenario, text)
        return truth_block(scenario, truth, sent)


def _announce(text: str) -> str:
    return f'<p class="sr" aria-live="polite">{esc(text)}</p>'
