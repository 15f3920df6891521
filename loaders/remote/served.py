"""A row of a family whose server answers: opened, asked, and its replies read; owns no thread."""

import queue
from collections.abc import Sequence
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any

from huggingface_hub.errors import HfHubHTTPError
from transformers import AutoTokenizer

from loaders.engine.text import cleaned
from loaders.family import ModelSpec
from loaders.faults import Fault
from loaders.protocol import Completion, Sampling, Score, TokenEvent
from loaders.remote.answers import Answer, read_tokens
from loaders.remote.bodies import Prompt, body_to_continue, body_to_score
from loaders.remote.client import Client
from loaders.remote.gates import Gate
from loaders.remote.probe import Capabilities
from loaders.remote.replies import read_chunk, read_likelihood

UNKNOWN = 2**20  # tokens of context, where neither server nor tokenizer says: the server refuses


@dataclass(frozen=True)
class Told:
    """What came of one answer of a stream, or the error that ended it."""

    events: Sequence[TokenEvent] = ()
    error: Exception | None = None

    @property
    def is_last(self) -> bool:
        """Whether nothing more will come of the answer."""
        return self.error is not None or any(event.finish is not None for event in self.events)


@dataclass(frozen=True)
class Served:
    """A model at a server, ready to be asked. `tokenizer` is the model's own, on this machine."""

    spec: ModelSpec
    client: Client
    gate: Gate
    tokenizer: Any
    can: Capabilities

    @property
    def context(self) -> int:
        """Tokens of prompt and answer together, as far as anybody says."""
        said = self.can.identity.context
        return said if said is not None else min(self.tokenizer.model_max_length, UNKNOWN)

    def encode(self, text: str) -> list[int]:
        """Token ids, BOS first."""
        return list(self.tokenizer.encode(text, add_special_tokens=True))

    def decode(self, token_ids: Sequence[int]) -> str:
        """Text without special tokens, cleaned up as MUSE does."""
        return cleaned(self.tokenizer.decode(list(token_ids), skip_special_tokens=True))

    async def talk(self, answer: Answer, prompt: Prompt, told: "queue.SimpleQueue[Told]") -> None:
        """Follow one answer to its end. Being cancelled closes its connection, on which the server
        leaves off."""
        body = body_to_continue(
            self.can.dialect,
            self.spec.served_model,
            prompt,
            answer.request.sampling,
            stream=True,
        )
        try:
            async with self.gate.talks, aclosing(self.client.follow(body)) as replies:
                async for reply in replies:
                    chunk = read_chunk(self.client.host, reply)
                    if chunk is not None and answer.is_running:
                        told.put(Told(answer.tell(chunk)))
            if answer.is_running:
                raise Fault(f"The server at {self.client.host} hung up in the middle of an answer.")
        except Exception as error:  # noqa: BLE001 - carried to whoever reads the stream
            if answer.is_running:
                told.put(Told(error=error))

    async def finish(
        self, index: int, prompt: Prompt, max_new_tokens: int, stops: Sequence[str]
    ) -> Completion:
        """The greedy continuation of a prompt, whole."""
        sampling = Sampling(max_new_tokens)
        body = body_to_continue(self.can.dialect, self.spec.served_model, prompt, sampling, stops)
        async with self.gate.batches:
            reply = await self.client.complete(body)
        chunk = read_chunk(self.client.host, reply)
        if chunk is None:
            raise Fault(f"The server at {self.client.host} answered without a completion.")
        tokens = read_tokens(chunk, self.tokenizer)
        ids = tuple(token.id for token in tokens if token.id is not None)
        text = self.decode(ids) if chunk.names_tokens else cleaned(_ended(chunk.text, stops))
        return Completion(index, ids, text)

    async def weigh(self, index: int, prompt: Prompt, before: int) -> Score:
        """How likely each token of `prompt` is from the one at `before` on."""
        fits = len(prompt.ids) < self.context
        body = body_to_score(self.can.dialect, self.spec.served_model, prompt, fits)
        async with self.gate.scores:
            reply = await self.client.complete(body)
        found = read_likelihood(reply, prompt.ids)
        if found is None:
            raise Fault(
                f"The server at {self.client.host} gave no log-probs for a text of "
                f"{len(prompt.ids):,} tokens, though it does for others; see its limits."
            )
        ids, first = tuple(prompt.ids[before:]), before - 1
        return Score(index, ids, found.logprobs[first:], found.greedy[first:])


def load_tokenizer(spec: ModelSpec) -> Any:
    """The tokenizer of a row, from its folder or the Hub; a Fault says why there is none."""
    try:
        return AutoTokenizer.from_pretrained(
            spec.tokenizer, revision=spec.tokenizer_revision or None, trust_remote_code=False
        )
    except (OSError, ValueError, HfHubHTTPError) as error:
        reason = str(error).strip().splitlines()[0]
        raise Fault(f"The tokenizer {spec.tokenizer} cannot be loaded: {reason}") from error


def _ended(text: str, stops: Sequence[str]) -> str:
    """`text` up to the end of the first of `stops` in it, as a server may not know them."""
    ends = [text.index(stop) + len(stop) for stop in stops if stop in text]
    return text[: min(ends)] if ends else text
