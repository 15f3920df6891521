"""What servers answer, read: tokens as they come and log-probs of a prompt; nothing is asked here.

OpenAI's completions put log-probs into four lists side by side; a token is its text there, or
"token_id:5" where vLLM was asked for it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import isfinite, nan
from typing import Any

from loaders.faults import Fault

ID = "token_id:"
ENDS = ("stop", "length")


@dataclass(frozen=True)
class Token:
    """A token of an answer. `id` is None where the server gives its text alone."""

    id: int | None
    logprob: float


@dataclass(frozen=True)
class Chunk:
    """A piece of an answer. `tokens` is empty where the server does not say what it is made of."""

    text: str
    tokens: tuple[Token, ...]
    finish: str | None

    @property
    def names_tokens(self) -> bool:
        """Whether the server says which tokens these are, and not only how many."""
        return bool(self.tokens) and all(token.id is not None for token in self.tokens)


@dataclass(frozen=True)
class Likelihood:
    """Of each token of a prompt after the first: its natural log-prob, and whether the model would
    have chosen it. `greedy` is empty where the server does not say."""

    logprobs: tuple[float, ...]
    greedy: tuple[bool, ...]


def read_chunk(host: str, reply: Any) -> Chunk | None:
    """A piece of an answer, or all of it; None for what is none, such as a count of tokens."""
    choice = _choice(reply)
    if choice is None:
        return None
    finish = choice.get("finish_reason")
    if finish is not None and finish not in ENDS:
        raise Fault(f"The server at {host} ended an answer itself ({finish}); ask it again.")
    return Chunk(choice.get("text") or "", _tokens(choice), finish)


def read_likelihood(reply: Any, ids: Sequence[int]) -> Likelihood | None:
    """How likely the prompt `ids` is; None where the reply does not say it for every token.

    vLLM's own list, which names ids and ranks, goes before the four lists of the protocol.
    """
    choice = _choice(reply) or {}
    return _ranked(choice.get("prompt_logprobs"), ids) or _echoed(choice.get("logprobs"), ids)


def _choice(reply: Any) -> dict[str, Any] | None:
    choices = reply.get("choices") if isinstance(reply, dict) else None
    first = choices[0] if isinstance(choices, list) and choices else None
    return first if isinstance(first, dict) else None


def _tokens(choice: dict[str, Any]) -> tuple[Token, ...]:
    found = choice.get("logprobs")
    if not isinstance(found, dict):
        return ()
    names, logprobs = found.get("tokens"), found.get("token_logprobs")
    if not isinstance(names, list) or not isinstance(logprobs, list):
        return ()
    return tuple(
        Token(_id(name), nan if logprob is None else float(logprob))
        for name, logprob in zip(names, logprobs, strict=False)
    )


def _id(name: Any) -> int | None:
    given = str(name).removeprefix(ID)
    return int(given) if str(name).startswith(ID) and given.isdecimal() else None


def _ranked(found: Any, ids: Sequence[int]) -> Likelihood | None:
    """From one dict for each token: its id, and that of the likeliest, to log-prob and rank."""
    if not isinstance(found, list) or len(found) != len(ids) or found[0] is not None:
        return None
    entries = [
        entry.get(str(token)) if isinstance(entry, dict) else None
        for entry, token in zip(found[1:], ids[1:], strict=True)
    ]
    known = [entry for entry in entries if isinstance(entry, dict) and entry.get("rank")]
    if len(known) != len(entries):
        return None
    logprobs = tuple(float(entry["logprob"]) for entry in known)
    return _checked(logprobs, tuple(entry["rank"] == 1 for entry in known))


def _echoed(found: Any, ids: Sequence[int]) -> Likelihood | None:
    """From the lists of an echoed prompt, with or without the one token that was made after it."""
    logprobs = found.get("token_logprobs") if isinstance(found, dict) else None
    if not isinstance(logprobs, list) or not len(ids) <= len(logprobs) <= len(ids) + 1:
        return None
    mine = logprobs[1 : len(ids)]
    if logprobs[0] is not None or not all(isinstance(value, int | float) for value in mine):
        return None
    tops = found.get("top_logprobs")
    tops = tops[1 : len(ids)] if isinstance(tops, list) else []
    greedy: tuple[bool, ...] = ()
    if len(tops) == len(mine) and all(tops):
        greedy = tuple(one >= max(top.values()) for one, top in zip(mine, tops, strict=True))
    return _checked(tuple(float(value) for value in mine), greedy)


def _checked(logprobs: tuple[float, ...], greedy: tuple[bool, ...]) -> Likelihood | None:
    return Likelihood(logprobs, greedy) if all(isfinite(value) for value in logprobs) else None
