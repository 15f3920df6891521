"""The named endpoints for programs: the same runs as on the page, as plain JSON."""

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import gradio as gr

from dashboard.answers import Answer, advance
from dashboard.asking import OWN, Asking, find_scenario
from dashboard.compare import read_sampling
from dashboard.order import Order, measure
from dashboard.results.shelves import Shelves
from dashboard.run import Ticket, failed_models, follow, ready_models, wait_until_it_may_run
from loaders.faults import Fault
from loaders.lent.engine import NoGpu
from loaders.protocol import Request
from loaders.session import Session
from metrics.events import Event, Finished, Recalled, Skipped
from metrics.inputs.data import Data
from metrics.registry import choose
from metrics.results import to_json
from metrics.store.records import say_stored


@dataclass(frozen=True)
class Endpoints:
    """What programs can call. A Fault reaches the caller as the error's message."""

    session: Session
    data: Data | Fault
    shelves: Shelves

    async def compare(
        self,
        prompt: str,
        max_new_tokens: int = 96,
        temperature: float = 0.0,
        top_p: float = 1.0,
        seed: int = 0,
    ) -> AsyncIterator[list[dict[str, Any]]]:
        """One prompt through all models at once: what each has said so far, as it comes.

        Each item has model, text, tokens, tokens_per_second, first_seconds, finish (null while it
        goes on) and, where a model could not be loaded, error.
        """
        ticket = Ticket()
        try:
            if not prompt.strip():
                raise Fault("The prompt is empty.")
            sampling = read_sampling(max_new_tokens, temperature, top_p, seed)
            asking = Asking(find_scenario(OWN), prompt, prompt, None)
            await wait_until_it_may_run(self.session, ticket)
            ready = ready_models(self.session)
            requests = [Request(model, model, prompt, sampling) for model in ready]
            answers = {model: Answer(model) for model in ready}
            if not ready:
                yield self._said(answers)
                return
            job = self.session.submit("compare", lambda engine: engine.stream(requests))
            async for batch in follow(job, ticket):
                for event in batch.events:
                    answer = answers[event.model]
                    answers[event.model] = advance(answer, [event], asking, max_new_tokens)
                if batch.events:
                    yield self._said(answers)
        except (Fault, NoGpu) as fault:
            raise gr.Error(str(fault), print_exception=False) from fault
        finally:
            ticket.stop()

    def status(self) -> list[dict[str, Any]]:
        """Where each model is: model, state (waiting, loading, ready, failed), seconds, reason, and
        in note what loading is busy with."""
        statuses = [
            (spec.key, self.session.status(spec.key)) for spec in self.session.family.models
        ]
        return [{"model": key, **asdict(status)} for key, status in statuses]

    def load_again(self) -> list[str]:
        """Load what has failed once more, in the background; the keys of those models."""
        failed = failed_models(self.session)
        for key in failed:
            self.session.load_again(key)
        return failed

    async def evaluate(
        self,
        request: gr.Request,
        limit: int | None = None,
        metrics: list[str] | None = None,
        fresh: bool = False,
    ) -> dict[str, Any]:
        """The metrics over the first `limit` rows of each set (all for null): the results as JSON.

        `metrics` are keys such as "verbmem_f", or "all"; null means the headline. What is stored is
        not run again, and `stored` says so of each such number; `fresh` runs it all the same.
        `missing` has the reasons of numbers that did not come, `notice` what the store has to say.
        """
        ticket = Ticket()
        try:
            shelf = await asyncio.to_thread(self.shelves.open, str(request.session_hash))
            order = Order(limited(self.data, limit), choose(metrics), shelf, fresh)
            events = [
                event
                async for batch in measure(self.session, order, ticket)
                for event in batch.events
            ]
            return as_answer(events, order.notice)
        except (Fault, NoGpu) as fault:
            raise gr.Error(str(fault), print_exception=False) from fault
        finally:
            ticket.stop()

    def _said(self, answers: dict[str, Answer]) -> list[dict[str, Any]]:
        return [self._item(spec.key, answers.get(spec.key)) for spec in self.session.family.models]

    def _item(self, model: str, answer: Answer | None) -> dict[str, Any]:
        if answer is None:
            status = self.session.status(model)
            return {"model": model, "text": "", "error": status.reason or status.note}
        return {
            "model": model,
            "text": answer.text,
            "tokens": answer.tokens,
            "tokens_per_second": answer.tokens_per_second,
            "first_seconds": answer.first_seconds,
            "finish": answer.finish,
        }


def as_answer(events: Sequence[Event], notice: str) -> dict[str, Any]:
    """The results that a run ended with, and what they do not say: which numbers are not new, and
    why one is not there."""
    (finished,) = (event for event in events if isinstance(event, Finished))
    dates = {(e.model, e.metric): e.created for e in events if isinstance(e, Recalled)}
    reasons = {(e.model, e.metric): e.reason for e in events if isinstance(e, Skipped)}
    results: dict[str, Any] = json.loads(to_json(finished.results))
    return results | {
        "stored": [
            {"model": model, "metric": metric, "stored": say_stored(created)}
            for (model, metric), created in dates.items()
        ],
        "missing": [
            {"model": model, "metric": metric, "reason": reason}
            for (model, metric), reason in reasons.items()
        ],
        "notice": notice,
    }


def limited(data: Data | Fault, limit: int | None) -> Data:
    """The first `limit` rows of each set; in-context examples stay whole."""
    if isinstance(data, Fault):
        raise data
    if limit is None:
        return data
    if limit < 1:
        raise Fault(f"The limit is {limit} rows; choose 1 or more.")
    return replace(
        data,
        verbmem=data.verbmem[:limit],
        knowmem_f=data.knowmem_f[:limit],
        knowmem_r=data.knowmem_r[:limit],
        knowmem_rehearsed=data.knowmem_rehearsed[:limit],
        privleak_forget=data.privleak_forget[:limit],
        privleak_holdout=data.privleak_holdout[:limit],
        privleak_retain=data.privleak_retain[:limit],
    )
