"""An engine of which some models are left alone, because nothing is to be asked of them."""

from collections.abc import Iterator, Sequence

from loaders.protocol import Completion, Engine, Request, Score, Status, TokenEvent
from loaders.together.residency import plan_of


class Rested:
    """Implements `loaders.protocol.Engine`: `engine`, with the `resting` models ready unloaded.

    `engine` is None where all of them rest. Asking a resting model is a bug and raises KeyError or
    what the engine itself says of a model that is not loaded.
    """

    def __init__(
        self, engine: Engine | None, precision: str, device: str, resting: frozenset[str]
    ) -> None:
        self.precision = precision
        self.device = device
        self.at_once = engine.at_once if engine is not None else 1
        self._engine = engine
        self._resting = resting
        self.plan = plan_of(engine) if engine is not None else None

    def status(self, model: str) -> Status:
        return Status("ready") if model in self._resting else self._awake(model).status(model)

    def load(self, model: str) -> Iterator[None]:
        return self._awake(model).load(model)

    def context(self, model: str) -> int:
        return self._awake(model).context(model)

    def encode(self, model: str, text: str) -> list[int]:
        return self._awake(model).encode(model, text)

    def decode(self, model: str, token_ids: Sequence[int]) -> str:
        return self._awake(model).decode(model, token_ids)

    def stream(self, requests: Sequence[Request]) -> Iterator[TokenEvent | None]:
        return self._awake(requests[0].model).stream(requests)

    def generate(
        self, model: str, prompts: Sequence[str], max_new_tokens: int, stops: Sequence[str] = ()
    ) -> Iterator[Completion | None]:
        return self._awake(model).generate(model, prompts, max_new_tokens, stops)

    def score(
        self,
        model: str,
        texts: Sequence[str],
        prompts: Sequence[str] | None = None,
        moments: bool = False,
    ) -> Iterator[Score | None]:
        return self._awake(model).score(model, texts, prompts, moments)

    def _awake(self, model: str) -> Engine:
        if self._engine is None:
            raise KeyError(f"{model} rests")
        return self._engine
