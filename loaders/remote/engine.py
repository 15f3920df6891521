"""The remote engine: models at servers behind the protocol of a local one; it loads no weights.

It owns a thread in which requests wait, and does nothing in the caller's but read what has come.
"""

import queue
import time
import weakref
from collections.abc import Generator, Iterator, Sequence
from itertools import takewhile

from loaders.checkpoint import SERVER
from loaders.family import Family, ModelSpec
from loaders.faults import Fault
from loaders.protocol import Completion, Request, Score, Status, TokenEvent
from loaders.remote.answers import Answer
from loaders.remote.bodies import Prompt
from loaders.remote.client import Client
from loaders.remote.gates import Gates
from loaders.remote.keys import read_key
from loaders.remote.probe import probe
from loaders.remote.served import Served, Told, load_tokenizer
from loaders.remote.wire import Wire, take

SAMPLE = "The keeper of the light climbed the steps."  # what a server is first asked about


class RemoteEngine:
    """Implements `loaders.protocol.Engine` over servers. One thread drives it.

    The server of a row holds its weights in `served_precision`; a row of another precision than
    the engine's is refused, so that no number goes under a precision that it was not made in.
    """

    def __init__(self, family: Family, precision: str) -> None:
        self.precision = precision
        self.device = SERVER
        self.at_once = 1
        self._family = family
        self._gates = Gates()
        self._served: dict[str, Served] = {}
        self._statuses: dict[str, Status] = {}
        self._wire = Wire()
        weakref.finalize(self, self._wire.stop)

    def status(self, model: str) -> Status:
        return self._statuses.get(model, Status("waiting"))

    def load(self, model: str) -> Iterator[None]:
        spec = self._family.model(model)
        self._statuses[model] = Status("loading")
        yield None
        started = time.perf_counter()
        try:
            served = self._served[model] = yield from self._connect(spec)
        except Fault as fault:
            self._statuses[model] = Status("failed", reason=str(fault))
            return
        seconds, server = time.perf_counter() - started, served.can.identity.name
        note = f"served by {server}" + (": text metrics only" if served.can.reason else "")
        self._statuses[model] = Status("ready", seconds, reason=served.can.reason, note=note)

    def context(self, model: str) -> int:
        return self._ready(model).context

    def encode(self, model: str, text: str) -> list[int]:
        return self._ready(model).encode(text)

    def decode(self, model: str, token_ids: Sequence[int]) -> str:
        return self._ready(model).decode(token_ids)

    def stream(self, requests: Sequence[Request]) -> Iterator[TokenEvent | None]:
        # What one server fails with is raised when the others' answers have ended.
        told: queue.SimpleQueue[Told] = queue.SimpleQueue()
        prompts = [self._prompt_of(request) for request in requests]
        tokenizers = [self._ready(request.model).tokenizer for request in requests]
        answers = [Answer(one, its) for one, its in zip(requests, tokenizers, strict=True)]
        sent = [
            self._wire.send(self._ready(answer.request.model).talk(answer, prompt, told))
            for answer, prompt in zip(answers, prompts, strict=True)
        ]
        errors: list[Exception] = []
        left = len(answers)
        try:
            yield None
            while left:
                for one in take(told):
                    yield from one.events
                    errors += [one.error] if one.error is not None else []
                    left -= one.is_last
                yield None
            for error in errors:
                raise error
        finally:
            for future in sent:
                future.cancel()

    def generate(
        self, model: str, prompts: Sequence[str], max_new_tokens: int, stops: Sequence[str] = ()
    ) -> Iterator[Completion | None]:
        served = self._ready(model)
        asked = [self._prompt(served, text, max_new_tokens) for text in prompts]
        works = [
            served.finish(index, prompt, max_new_tokens, stops)
            for index, prompt in enumerate(asked)
        ]
        for found in self._wire.collect(works):
            yield from found or ()
            if found is None:
                yield None

    def score(
        self,
        model: str,
        texts: Sequence[str],
        prompts: Sequence[str] | None = None,
        moments: bool = False,
    ) -> Iterator[Score | None]:
        """Without means and variances, which no server gives: what needs them says so itself."""
        served = self._ready(model)
        if served.can.scoring != "exact":
            raise Fault(served.can.reason)
        before = prompts or [""] * len(texts)
        works = []
        for index, (prompt, text) in enumerate(zip(before, texts, strict=True)):
            whole = self._prompt(served, prompt + text, 0)
            works.append(served.weigh(index, whole, _begin(served, prompt, whole.ids)))
        for found in self._wire.collect(works):
            yield from found or ()
            if found is None:
                yield None

    def _connect(self, spec: ModelSpec) -> Generator[None, None, Served]:
        if spec.served_precision != self.precision:
            raise Fault(
                f"{spec.label} is served in {spec.served_precision}, and the others run in "
                f"{self.precision}; start with --precision {spec.served_precision}."
            )
        key = read_key(spec)
        tokenizer = load_tokenizer(spec)
        client = Client(spec.url, key)
        self._wire.keep(client.close)
        prompt = Prompt(SAMPLE, tokenizer.encode(SAMPLE, add_special_tokens=True))
        can = yield from self._wire.wait(probe(client, spec.served_model, prompt))
        return Served(spec, client, self._gates.find(spec.url), tokenizer, can)

    def _prompt_of(self, request: Request) -> Prompt:
        served = self._ready(request.model)
        return self._prompt(served, request.prompt, request.sampling.max_new_tokens)

    def _prompt(self, served: Served, text: str, max_new_tokens: int) -> Prompt:
        ids = served.encode(text)
        if (room := served.context - max_new_tokens) >= len(ids):
            return Prompt(text, ids)
        after = f" with {max_new_tokens} new tokens after it" if max_new_tokens else ""
        raise Fault(
            f"A text has {len(ids):,} tokens, and{after} the server of {served.spec.key!r} can "
            f"take {max(room, 0):,}; shorten it{' or ask for fewer' if after else ''}."
        )

    def _ready(self, model: str) -> Served:
        status = self.status(model)
        if status.state == "ready":
            return self._served[model]
        why = f" ({status.reason})" if status.reason else ""
        raise Fault(f"The model {model!r} is not ready: it is {status.state}{why}.")


def _begin(served: Served, prompt: str, ids: Sequence[int]) -> int:
    """Where the tokens of prompt and text part from those of the prompt, the text begins."""
    if not prompt:
        return 1
    pairs = zip(served.encode(prompt), ids, strict=False)
    return max(1, sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], pairs)))
