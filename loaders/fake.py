"""An engine without a model, for tests of what stands on engines; never used by the app itself.

A word is a token. What a model says is a function of its key and the prompt, so that a test can
write down the expected page; how likely it finds a word is a fixed hash of both.
"""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from zlib import crc32

from loaders.faults import Fault
from loaders.protocol import Completion, Footprint, Request, Score, Status, TokenEvent

BOS, EOS = 0, 1
PARAMETERS, BYTES = 1_234_567, 4_938_268  # of the model that it is said to be
LOOK_SECONDS = 0.01  # between two looks at what is coming
GREEDY = -0.7  # log-probability above which a word counts as the model's first choice


class FakeEngine:
    """Implements `loaders.protocol.Engine`; `answer(model, prompt)` is the whole model.

    `failing` maps a model key to the reason its loading fails with, as it is then, and `coming` to
    what it waits for while it is there; `seconds_per_step` slows
    everything down so that a test can press Stop.
    """

    precision = "fp32"
    device = "cpu"
    at_once = 1

    def __init__(
        self,
        answer: Callable[[str, str], str],
        *,
        failing: Mapping[str, str] | None = None,
        coming: Mapping[str, str] | None = None,
        seconds_per_step: float = 0.0,
        context_tokens: int = 1024,
    ) -> None:
        self._answer = answer
        self._failing = {} if failing is None else failing
        self._coming = {} if coming is None else coming
        self._seconds_per_step = seconds_per_step
        self._context = context_tokens
        self._statuses: dict[str, Status] = {}
        self._words: list[str] = ["<s>", "</s>"]

    def status(self, model: str) -> Status:
        return self._statuses.get(model, Status("waiting"))

    def load(self, model: str) -> Iterator[None]:
        self._statuses[model] = Status("loading")
        yield
        while note := self._coming.get(model):
            self._statuses[model] = Status("loading", note=note)
            time.sleep(LOOK_SECONDS)
            yield
        reason = self._failing.get(model)
        ready = Status("ready", 0.1, bytes=BYTES, footprint=self._footprint())
        self._statuses[model] = Status("failed", reason=reason) if reason else ready

    def context(self, model: str) -> int:
        return self._context

    def encode(self, model: str, text: str) -> list[int]:
        return [BOS, *(self._id(word) for word in text.split())]

    def decode(self, model: str, token_ids: Sequence[int]) -> str:
        return " ".join(self._words[i] for i in token_ids if i not in (BOS, EOS))

    def stream(self, requests: Sequence[Request]) -> Iterator[TokenEvent | None]:
        for request in requests:
            self._check(request)
        started = time.perf_counter()
        answers = {request.id: self._tokens(request) for request in requests}
        for step in range(max(len(tokens) for tokens in answers.values())):
            time.sleep(self._seconds_per_step)
            for request in requests:
                if step < len(tokens := answers[request.id]):
                    yield self._event(request, tokens, step, time.perf_counter() - started)
            yield None

    def generate(
        self, model: str, prompts: Sequence[str], max_new_tokens: int, stops: Sequence[str] = ()
    ) -> Iterator[Completion | None]:
        for index, prompt in enumerate(prompts):
            time.sleep(self._seconds_per_step)
            words = self._answer(model, prompt).split()[:max_new_tokens]
            ids = tuple(self._id(word) for word in words)
            yield Completion(index, ids, " ".join(words))
            yield None

    def score(
        self,
        model: str,
        texts: Sequence[str],
        prompts: Sequence[str] | None = None,
        moments: bool = False,
    ) -> Iterator[Score | None]:
        for index, text in enumerate(texts):
            time.sleep(self._seconds_per_step)
            ids = tuple(self.encode(model, text)[1:])
            logprobs = tuple(self._logprob(model, i) for i in ids)
            greedy = tuple(logprob > GREEDY for logprob in logprobs)
            spread = (-2.0,) * len(ids) if moments else ()
            yield Score(index, ids, logprobs, greedy, spread, tuple(-mean for mean in spread))
            yield None

    def _footprint(self) -> Footprint:
        return Footprint(PARAMETERS, layers=2, context=self._context, compute_dtype="float32")

    def _check(self, request: Request) -> None:
        status = self.status(request.model)
        if status.state != "ready":
            raise Fault(f"The model {request.model!r} is not ready: it is {status.state}.")
        tokens = len(self.encode(request.model, request.prompt))
        if (room := self._context - request.sampling.max_new_tokens) < tokens:
            raise Fault(f"The prompt has {tokens} tokens; it may have {room}. Shorten it.")

    def _tokens(self, request: Request) -> list[str]:
        words = self._answer(request.model, request.prompt).split()
        return (words or [""])[: request.sampling.max_new_tokens]

    def _event(self, request: Request, words: list[str], step: int, seconds: float) -> TokenEvent:
        last = step == len(words) - 1
        full = len(words) == request.sampling.max_new_tokens
        return TokenEvent(
            request_id=request.id,
            model=request.model,
            token_id=self._id(words[step]),
            text=words[step] if step == 0 else " " + words[step],
            logprob=self._logprob(request.model, self._id(words[step])),
            seconds=seconds,
            finish=("length" if full else "stop") if last else None,
        )

    def _id(self, word: str) -> int:
        if word not in self._words:
            self._words.append(word)
        return self._words.index(word)

    def _logprob(self, model: str, token_id: int) -> float:
        return -0.1 - crc32(f"{model} {self._words[token_id]}".encode()) % 1000 / 200
