"""What is asked of a server, as the JSON of OpenAI's completions; nothing is sent here."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from loaders.protocol import Sampling

# What vLLM understands beyond the protocol: tokens by their ids, and none of the sampling that a
# model's generation_config.json would bring along.
EXTRAS: Mapping[str, Any] = {
    "return_tokens_as_token_ids": True,
    "top_k": -1,
    "min_p": 0.0,
    "repetition_penalty": 1.0,
}


@dataclass(frozen=True)
class Dialect:
    """How much of the protocol, and what beyond it, a server understands."""

    name: str
    takes_ids: bool
    gives_logprobs: bool
    extras: bool


DIALECTS = (
    Dialect("vLLM's", takes_ids=True, gives_logprobs=True, extras=True),
    Dialect("OpenAI's", takes_ids=True, gives_logprobs=True, extras=False),
    Dialect("text alone", takes_ids=False, gives_logprobs=False, extras=False),
)


@dataclass(frozen=True)
class Prompt:
    """A prompt as text and as the token ids that it stands for, BOS first."""

    text: str
    ids: Sequence[int]


def body_to_continue(
    dialect: Dialect,
    model: str,
    prompt: Prompt,
    sampling: Sampling,
    stops: Sequence[str] = (),
    stream: bool = False,
) -> dict[str, Any]:
    """A request for a continuation. Greedy needs no seed."""
    body = _begin(dialect, model, prompt)
    body |= {"max_tokens": sampling.max_new_tokens, "temperature": sampling.temperature}
    if sampling.temperature > 0:
        body |= {"top_p": sampling.top_p, "seed": sampling.seed}
    if dialect.gives_logprobs:
        body |= {"logprobs": 1}
        body |= {"stop": list(stops)} if stops else {}
    return body | ({"stream": True} if stream else {})


def body_to_score(
    dialect: Dialect, model: str, prompt: Prompt, fits: bool = True
) -> dict[str, Any]:
    """A request for the log-probs of the prompt itself.

    One token is made and thrown away, because servers differ in what they do with none; none is
    made where it would not fit in the context.
    """
    body = _begin(dialect, model, prompt)
    body |= {"max_tokens": 1 if fits else 0, "temperature": 0.0}
    if dialect.gives_logprobs:
        body |= {"echo": True, "logprobs": 1}
    if dialect.extras:
        body |= {"prompt_logprobs": 1}
    return body


def _begin(dialect: Dialect, model: str, prompt: Prompt) -> dict[str, Any]:
    asked = list(prompt.ids) if dialect.takes_ids else prompt.text
    return {"model": model, "prompt": asked, **(EXTRAS if dialect.extras else {})}
