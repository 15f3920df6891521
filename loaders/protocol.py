"""A model as the rest of the code sees it; this file never imports an implementation.

Everything that takes time is a generator. It yields `None` at the end of every step of the machine
behind it, so that whoever drives it can let other work through, or stop it by closing it.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

from loaders.faults import Fault

Finish = Literal["stop", "length", "cancelled"]
State = Literal["waiting", "loading", "ready", "failed"]

MAX_NEW_TOKENS = 512


@dataclass(frozen=True)
class Sampling:
    """How the next token is chosen. Temperature 0 is greedy: seed and top-p then change nothing."""

    max_new_tokens: int = 128
    temperature: float = 0.0
    top_p: float = 1.0
    seed: int = 0

    def __post_init__(self) -> None:
        if not 1 <= self.max_new_tokens <= MAX_NEW_TOKENS:
            raise Fault(f"Max new tokens is {self.max_new_tokens}; choose 1 to {MAX_NEW_TOKENS}.")
        if not 0 <= self.temperature <= 2:
            raise Fault(f"Temperature is {self.temperature}; choose 0 (greedy) to 2.")
        if not 0 < self.top_p <= 1:
            raise Fault(f"Top-p is {self.top_p}; choose more than 0 and at most 1.")
        if not 0 <= self.seed < 2**63:
            raise Fault(f"Seed is {self.seed}; choose a whole number from 0 up.")


@dataclass(frozen=True)
class Request:
    """One prompt for one model. `id` is the caller's own name for it, unique within a run."""

    id: str
    model: str
    prompt: str
    sampling: Sampling

    def __post_init__(self) -> None:
        if not self.prompt.strip():
            raise Fault("The prompt is empty; write something for the models to continue.")


@dataclass(frozen=True)
class TokenEvent:
    """One new token of one request.

    `text` is what the token adds to the answer (may be empty while a character is incomplete),
    `logprob` its natural-log probability before temperature and top-p, NaN where a server does not
    tell it, `seconds` the time since the request was submitted. The last event of a request has
    `finish` set; its `token_id` is None where no token came with it (cancelled).
    """

    request_id: str
    model: str
    token_id: int | None
    text: str
    logprob: float
    seconds: float
    finish: Finish | None = None


@dataclass(frozen=True)
class Completion:
    """The greedy continuation of `prompts[index]`, decoded as MUSE decodes."""

    index: int
    token_ids: tuple[int, ...]
    text: str


@dataclass(frozen=True)
class Score:
    """What a model finds of `texts[index]`, teacher-forced: one value per token after the BOS, or
    after the prompt where there was one.

    `logprobs` are natural, `greedy` says whether the model would have chosen that very token; it
    is empty where a server does not tell. `means` and `variances` of log p over the vocabulary,
    under p, come when they were asked for, and from no server.
    """

    index: int
    token_ids: tuple[int, ...]
    logprobs: tuple[float, ...]
    greedy: tuple[bool, ...]
    means: tuple[float, ...] = ()
    variances: tuple[float, ...] = ()


@dataclass(frozen=True)
class Footprint:
    """What a loaded model is made of; parameters are counted as before any quantization.

    `context` is in tokens; `commit` is the Hub's, empty for a folder.
    """

    parameters: int
    layers: int
    context: int
    compute_dtype: str
    commit: str = ""


@dataclass(frozen=True)
class Status:
    """Where a model is on its way to being usable; `seconds` is how long loading took.

    `reason` says why it failed, `note` what loading is busy with, or who runs a model that is not
    on this machine, and `bytes` what the weights take on the device once they are ready.
    `footprint` is None until then, and where nobody tells. A model that is ready and not `held` has
    left its device for others and comes back when it is asked; `note` says what it waits for.
    """

    state: State
    seconds: float = 0.0
    reason: str = ""
    note: str = ""
    bytes: int = 0
    footprint: Footprint | None = None
    held: bool = True


class Engine(Protocol):
    """Runs the models of one family at one precision. Not thread-safe: one thread drives it."""

    precision: str
    device: str
    at_once: int
    """Models of which to complete or to score texts side by side is faster than in turn."""

    def status(self, model: str) -> Status:
        """Safe to ask from any thread."""

    def load(self, model: str) -> Iterator[None]:
        """Make `model` ready; a Fault is kept in its status and does not stop the others."""

    def context(self, model: str) -> int:
        """Tokens the model can attend to, prompt and answer together."""

    def encode(self, model: str, text: str) -> list[int]:
        """Token ids of `text`, BOS first."""

    def decode(self, model: str, token_ids: Sequence[int]) -> str:
        """Text of `token_ids` without special tokens, cleaned up as MUSE does."""

    def stream(self, requests: Sequence[Request]) -> Iterator[TokenEvent | None]:
        """Advance all requests together, a token each per step or a few. Closing it cancels them.

        Several streams may be open: they share every step, whichever of them is driven.

        Time to first token is the `seconds` of a request's first event.

        Raises Fault before the first token if a model is not ready or a prompt does not fit.
        """

    def generate(
        self, model: str, prompts: Sequence[str], max_new_tokens: int, stops: Sequence[str] = ()
    ) -> Iterator[Completion | None]:
        """Greedy, batched; completions come in any order, each as soon as it has ended.

        One that holds one of `stops` is ended there: the text may go a little beyond it.
        """

    def score(
        self,
        model: str,
        texts: Sequence[str],
        prompts: Sequence[str] | None = None,
        moments: bool = False,
    ) -> Iterator[Score | None]:
        """Log-probabilities of given texts, batched, fp32 from the logits on, never truncated.

        With `prompts`, each text is scored as what follows its prompt: the tokens of both together
        that go beyond those of the prompt.

        Raises Fault before the first score for a text that the model has no positions for.
        """
