"""A server of OpenAI's completions on a free port, over real models in full precision.

It knows nothing of the engines that it is compared with: its log-probs are transformers' own.
"""

import json
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock
from typing import Any

import torch
from transformers import AutoTokenizer, DynamicCache, LlamaForCausalLM

from loaders.engine.sampler import Sampler
from loaders.protocol import Sampling
from tests.loopback import QuietHandler, running


@dataclass(frozen=True)
class Manner:
    """How a server behaves, the well-behaved vLLM by default.

    `refusals` are the statuses of its first answers to completions, each with a Retry-After where
    one is named. `knows_ids` takes prompts as token ids; `echoes` gives log-probs of a prompt, with
    `names_greedy` those of the likeliest tokens too; `names_ids` calls tokens by their ids, where
    vLLM's own words are understood at all (`knows_extras`).
    """

    key: str = ""
    version: str = "0.32.0"
    refusals: tuple[tuple[int, str], ...] = ()
    words: str = "that is how it is"
    knows_ids: bool = True
    knows_extras: bool = True
    gives_logprobs: bool = True
    names_ids: bool = True
    echoes: bool = True
    names_greedy: bool = True
    ranks: bool = True
    seconds_per_token: float = 0.0
    hangs_up_after: int | None = None
    fails_after: int | None = None
    ends_with_done: bool = True
    splits_bytes: bool = False
    reads_otherwise: bool = False


VLLM = Manner()
PLAIN = Manner(
    version="", knows_ids=False, knows_extras=False, gives_logprobs=False, echoes=False, ranks=False
)
OPENAI = Manner(version="", knows_extras=False, names_ids=False, ranks=False)


@dataclass
class Log:
    """What came in: the bodies, the keys, answers that were broken off, and the most at once."""

    bodies: list[dict[str, Any]] = field(default_factory=list)
    keys: list[str] = field(default_factory=list)
    broken_off: int = 0
    running: int = 0
    most: int = 0
    lock: Lock = field(default_factory=Lock)

    def count(self, change: int) -> None:
        """One more on its way, or one less."""
        with self.lock:
            self.running += change
            self.most = max(self.most, self.running)


@dataclass(frozen=True)
class Next:
    """A token that is made, and the log-probs of all that could have been."""

    token: int
    logprobs: torch.Tensor


class Speaker:
    """One model in full precision, with its tokenizer."""

    def __init__(self, folder: Path) -> None:
        self.tokenizer: Any = AutoTokenizer.from_pretrained(folder)
        self.model: Any = LlamaForCausalLM.from_pretrained(folder, dtype=torch.float32).eval()
        self._lock = Lock()

    @torch.inference_mode()
    def expect(self, ids: list[int]) -> torch.Tensor:
        """Log-probs of shape (tokens, V): what is expected after each."""
        with self._lock:
            return torch.log_softmax(self.model(torch.tensor([ids])).logits[0].float(), dim=-1)

    @torch.inference_mode()
    def go_on(self, ids: list[int], sampling: Sampling) -> Iterator[Next]:
        """One token after the other, up to the end of the text or of what was asked for."""
        sampler, cache, read = Sampler(sampling), DynamicCache(), list(ids)
        for _ in range(sampling.max_new_tokens):
            with self._lock:
                logits = self.model(torch.tensor([read]), cache=cache).logits[0, -1].float()
            token, _ = sampler.choose(logits)
            yield Next(token, torch.log_softmax(logits, dim=-1))
            if token == self.model.config.eos_token_id:
                return
            read = [token]


@contextmanager
def completions_server(
    speakers: Mapping[str, Speaker], manner: Manner = VLLM
) -> Iterator[tuple[str, Log]]:
    """Serve `speakers` by their names; yields the URL that a family's file names, and the log."""
    log = Log()
    handler = type("Handler", (_Handler,), {"speakers": speakers, "manner": manner, "log": log})
    with running(handler) as address:
        yield f"{address}/v1", log


class _Handler(QuietHandler):
    speakers: Mapping[str, Speaker]
    manner: Manner
    log: Log

    def do_GET(self) -> None:
        if self.path == "/version" and self.manner.version:
            self._reply(200, {"version": self.manner.version})
        elif self.path == "/v1/models" and self._is_welcome():
            owner = "vllm" if self.manner.knows_extras else "openai"
            cards: list[dict[str, Any]] = [
                {"id": name, "owned_by": owner} for name in self.speakers
            ]
            for card in cards if self.manner.knows_extras else ():
                config = self.speakers[card["id"]].model.config
                card["max_model_len"] = config.max_position_embeddings
            self._reply(200, {"object": "list", "data": cards})
        else:
            self._refuse(404)

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if self.path == "/tokenize" and self.manner.knows_extras:
            speaker = self.speakers[body["model"]]
            ids = speaker.tokenizer.encode(body["prompt"])
            self._reply(200, {"tokens": ids[self.manner.reads_otherwise :]})
        elif self.path == "/v1/completions":
            self._complete(body)
        else:
            self._refuse(404)

    def _is_welcome(self) -> bool:
        return not self.manner.key or self.headers["Authorization"] == f"Bearer {self.manner.key}"

    def _complete(self, body: dict[str, Any]) -> None:
        log, manner = self.log, self.manner
        log.keys.append(self.headers.get("Authorization", ""))
        log.bodies.append(body)
        if not self._is_welcome():
            return self._refuse(401, said=self.headers.get("Authorization", ""))
        if len(log.bodies) <= len(manner.refusals):
            status, after = manner.refusals[len(log.bodies) - 1]
            return self._refuse(status, after)
        if body["model"] not in self.speakers:
            return self._refuse(404)
        strange = {"return_tokens_as_token_ids", "prompt_logprobs"} & set(body)
        if (strange and not manner.knows_extras) or (
            isinstance(body["prompt"], list) and not manner.knows_ids
        ):
            return self._refuse(400)
        log.count(+1)
        try:
            _Answer(self, self.speakers[body["model"]], body).give()
        except (BrokenPipeError, ConnectionResetError):
            log.broken_off += 1
            self.close_connection = True
        finally:
            log.count(-1)

    def _refuse(self, status: int, after: str = "", said: str = "") -> None:
        words = f"{self.manner.words} {said}".strip()
        self._reply(status, {"error": {"message": words}}, {"Retry-After": after} if after else {})

    def _reply(self, status: int, answer: Any, headers: Mapping[str, str] | None = None) -> None:
        data = json.dumps(answer).encode()
        self.send_response(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)


class _Answer:
    """One answer, whole or as it is made."""

    def __init__(self, handler: _Handler, speaker: Speaker, body: dict[str, Any]) -> None:
        self._handler = handler
        self._manner = handler.manner
        self._speaker = speaker
        self._body = body
        prompt = body["prompt"]
        self._ids = prompt if isinstance(prompt, list) else speaker.tokenizer.encode(prompt)
        self._text = ""

    def give(self) -> None:
        if self._body.get("stream"):
            return self._stream()
        pieces = list(self._made())
        text = "".join(text for _, text, _ in pieces)
        made = [one for one, _, _ in pieces]
        finish = pieces[-1][2] if pieces else "length"
        choice = {"index": 0, "text": text, "finish_reason": finish}
        choice |= self._logprobs(made, echo=bool(self._body.get("echo")))
        if self._manner.ranks and self._body.get("prompt_logprobs"):
            choice["prompt_logprobs"] = self._ranked()
        time.sleep(self._manner.seconds_per_token)
        usage = {"prompt_tokens": len(self._ids), "completion_tokens": len(made)}
        self._handler._reply(200, {"choices": [choice], "usage": usage})

    def _made(self) -> Iterator[tuple[Next, str, str | None]]:
        """Tokens with the text that each adds and how the answer ends, if it does."""
        body, tokenizer = self._body, self._speaker.tokenizer
        if not body["max_tokens"]:
            return
        sampling = Sampling(
            body["max_tokens"],
            body["temperature"],
            body.get("top_p", 1.0),
            body.get("seed", 0),
        )
        produced: list[int] = []
        for made in self._speaker.go_on(self._ids, sampling):
            produced.append(made.token)
            whole = tokenizer.decode(produced, skip_special_tokens=True)
            last = made.token == tokenizer.eos_token_id
            stop = any(stop in whole for stop in body.get("stop", ()))
            full = len(produced) == sampling.max_new_tokens
            if whole.endswith("\ufffd") and not (last or full):
                whole = self._text  # a character that is not whole yet
            piece, self._text = whole[len(self._text) :], whole
            yield made, piece, "stop" if last or stop else "length" if full else None
            if stop:
                return

    def _stream(self) -> None:
        manner, handler = self._manner, self._handler
        handler.send_response(200)
        handler.send_header("Content-Type", "text/event-stream")
        handler.send_header("Connection", "close")
        handler.end_headers()
        handler.close_connection = True
        self._write(": keepalive\n\n")
        for number, (made, text, finish) in enumerate(self._made()):
            if number == manner.hangs_up_after:
                return
            if number == manner.fails_after:
                return self._write('data: {"error": "the engine died"}\n\n')
            choice = {"index": 0, "text": text, "finish_reason": finish} | self._logprobs([made])
            self._write(f"data: {json.dumps({'choices': [choice]}, ensure_ascii=False)}\n\n")
            time.sleep(manner.seconds_per_token)
        if manner.ends_with_done:
            self._write('data: {"choices": [], "usage": {}}\n\ndata: [DONE]\n\n')

    def _write(self, text: str) -> None:
        data = text.encode()
        cuts = range(0, len(data), 7 if self._manner.splits_bytes else len(data))
        for cut in cuts:
            self._handler.wfile.write(
                data[cut : cut + (7 if self._manner.splits_bytes else len(data))]
            )
            self._handler.wfile.flush()

    def _logprobs(self, made: list[Next], echo: bool = False) -> dict[str, Any]:
        if not self._manner.gives_logprobs or "logprobs" not in self._body:
            return {}
        names, values, tops = [], list[float | None](), list[dict[str, float] | None]()
        if echo and self._manner.echoes:
            expected = self._speaker.expect(self._ids)
            names, values, tops = [self._name(self._ids[0])], [None], [None]
            made = [*map(Next, self._ids[1:], expected), *made]
        for one in made:
            best = int(one.logprobs.argmax())
            names.append(self._name(one.token))
            values.append(float(one.logprobs[one.token]))
            tops.append({self._name(i): float(one.logprobs[i]) for i in (one.token, best)})
        shown = tops if self._manner.names_greedy else None
        lists = {"tokens": names, "token_logprobs": values, "top_logprobs": shown}
        return {"logprobs": lists}

    def _name(self, token: int) -> str:
        asked = self._manner.names_ids and self._body.get("return_tokens_as_token_ids")
        return f"token_id:{token}" if asked else str(self._speaker.tokenizer.decode([token]))

    def _ranked(self) -> list[dict[str, Any] | None]:
        entries: list[dict[str, Any] | None] = [None]
        for token, logprobs in zip(self._ids[1:], self._speaker.expect(self._ids), strict=False):
            rank = int((logprobs >= logprobs[token]).sum())
            entries.append({str(token): {"logprob": float(logprobs[token]), "rank": rank}})
        return entries
