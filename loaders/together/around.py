"""What engines around another engine have in common; it never decides what the other is asked."""

from collections.abc import Sequence

from loaders.protocol import Engine, Status


class Around:
    """The half of `loaders.protocol.Engine` that needs no running: it is the engine's within."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self.precision = engine.precision
        self.device = engine.device
        self.at_once = engine.at_once

    def status(self, model: str) -> Status:
        return self._engine.status(model)

    def context(self, model: str) -> int:
        return self._engine.context(model)

    def encode(self, model: str, text: str) -> list[int]:
        return self._engine.encode(model, text)

    def decode(self, model: str, token_ids: Sequence[int]) -> str:
        return self._engine.decode(model, token_ids)
