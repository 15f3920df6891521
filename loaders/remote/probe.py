"""What a server can do, found out by asking it once when a model is opened; it assumes nothing."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from loaders.faults import Fault
from loaders.remote.bodies import DIALECTS, Dialect, Prompt, body_to_score
from loaders.remote.client import Client
from loaders.remote.identity import Identity, identify
from loaders.remote.refusals import Refused
from loaders.remote.replies import read_chunk, read_likelihood

Scoring = Literal["exact", "generation-only"]

NOT_UNDERSTOOD = (400, 405, 415, 422, 500, 501)  # what servers say of a field they do not know


@dataclass(frozen=True)
class Capabilities:
    """How a server is asked and what it can tell.

    `scoring` is exact where it gives the log-probs of a given text; `reason` says why it is not.
    `gives_greedy` says whether it also tells which token it would have chosen.
    """

    identity: Identity
    dialect: Dialect
    scoring: Scoring
    reason: str = ""
    gives_greedy: bool = False


async def probe(client: Client, model: str, prompt: Prompt) -> Capabilities:
    """Ask for the log-probs of `prompt`, a short one, in ever plainer words until it is answered.

    Fault where the server cannot be reached, does not know the model or refuses even plain text.
    """
    identity = await identify(client, model)
    await _compare_tokens(client, model, prompt)
    for dialect in DIALECTS:
        try:
            reply = await client.complete(body_to_score(dialect, model, prompt))
        except Refused as refusal:
            if refusal.status not in NOT_UNDERSTOOD or dialect is DIALECTS[-1]:
                raise
            continue
        if dialect.takes_ids and not _took_ids(reply, prompt.ids):
            continue
        return _capabilities(client.host, identity, dialect, reply, prompt.ids)
    raise Fault(f"The server at {client.host} takes no prompt; see what it can serve.")


def _capabilities(
    host: str, identity: Identity, dialect: Dialect, reply: Any, ids: Sequence[int]
) -> Capabilities:
    if read_chunk(host, reply) is None:
        raise Fault(
            f"The server at {host} answered without a completion; check that it serves "
            "/completions as OpenAI does."
        )
    found = read_likelihood(reply, ids)
    if found is not None:
        return Capabilities(identity, dialect, "exact", gives_greedy=bool(found.greedy))
    reason = (
        f"The server at {host} ({identity.name}) gives no log-probs of a given text, which this "
        "number is made of; only what reads the model's own texts can be measured there. Use a "
        "server that answers 'echo' with 'logprobs', such as vLLM, or run the model on this "
        "machine."
    )
    return Capabilities(identity, dialect, "generation-only", reason)


def _took_ids(reply: Any, ids: Sequence[int]) -> bool:
    """Whether the prompt was as long for the server as it is; yes where it does not count."""
    usage = reply.get("usage") if isinstance(reply, dict) else None
    counted = usage.get("prompt_tokens") if isinstance(usage, dict) else None
    return counted is None or counted == len(ids)


async def _compare_tokens(client: Client, model: str, prompt: Prompt) -> None:
    """Fault where the server says that it reads the prompt as other tokens; most do not say."""
    root = client.url.removesuffix("/v1")
    found = await client.look_up(f"{root}/tokenize", {"model": model, "prompt": prompt.text})
    tokens = found.get("tokens") if isinstance(found, dict) else None
    if isinstance(tokens, list) and tokens != list(prompt.ids):
        raise Fault(
            f"The server at {client.host} reads a text as other tokens than 'tokenizer' does; set "
            f"it to the tokenizer of {model!r}."
        )
