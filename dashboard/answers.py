"""What one model has said so far, and how that is scored; pure, and knows no page and no engine."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from dashboard.asking import Asking
from loaders.protocol import Finish, State, Status, TokenEvent
from metrics.formulas.fluency import collapsed
from metrics.formulas.knowmem import cut
from metrics.formulas.rouge import rouge_l, rouge_l_so_far

Phase = Literal["idle", "waiting", "streaming", "finished", "stopped", "failed"]
CURVE_POINTS = 100
READING = "reading the prompt …"


@dataclass(frozen=True)
class Point:
    """ROUGE-L against the true text, 0–1, after so many tokens."""

    tokens: int
    score: float


@dataclass(frozen=True)
class Answer:
    """One model's answer. `seconds` are since the request was submitted to the engine."""

    model: str
    phase: Phase = "idle"
    text: str = ""
    tokens: int = 0
    first_seconds: float = 0.0
    last_seconds: float = 0.0
    finish: Finish | None = None
    message: str = ""
    curve: tuple[Point, ...] = ()

    @property
    def score(self) -> float | None:
        """The newest ROUGE-L, 0–1; None where there is no true text or no token yet."""
        return self.curve[-1].score if self.curve else None

    @property
    def tokens_per_second(self) -> float | None:
        """Speed after the first token; None until a second one came."""
        seconds = self.last_seconds - self.first_seconds
        return (self.tokens - 1) / seconds if self.tokens > 1 and seconds > 0 else None

    @property
    def has_collapsed(self) -> bool:
        """Whether the finished or long enough text is dead or loops."""
        ended = self.phase in ("finished", "stopped") and self.tokens > 0
        return (ended or self.tokens >= 24) and collapsed(self.text)


PHASES: dict[State, Phase] = {
    "waiting": "waiting",
    "loading": "waiting",
    "ready": "idle",
    "failed": "failed",
}


def before_run(model: str, status: Status) -> Answer:
    """An empty answer that says where the model is on its way to being usable."""
    messages = {
        "waiting": "waiting to be loaded …",
        "loading": status.note or "loading …",
        "ready": " · ".join(filter(None, (f"ready in {status.seconds:.1f} s", status.note))),
        "failed": f"failed: {status.reason}",
    }
    return Answer(model, PHASES[status.state], message=messages[status.state])


def shown_text(asking: Asking | None, text: str) -> str:
    """`text` as it counts: an answer to a question is cut where MUSE cuts it, then stripped."""
    return cut(text).strip() if asking is not None and asking.scenario.is_question else text


def advance(
    answer: Answer, events: Sequence[TokenEvent], asking: Asking, max_new_tokens: int
) -> Answer:
    """`answer` after `events`, all of them its own; the curve gains about 100 points at most."""
    stride = max(1, -(-max_new_tokens // CURVE_POINTS))
    for event in events:
        tokens = answer.tokens + (event.token_id is not None)
        text = answer.text + event.text
        answer = replace(
            answer,
            phase="finished" if event.finish else "streaming",
            text=text,
            tokens=tokens,
            first_seconds=answer.first_seconds if answer.tokens else event.seconds,
            last_seconds=event.seconds,
            finish=event.finish,
            message="",
        )
        if asking.truth is not None and (event.finish or tokens % stride == 0):
            point = Point(tokens, score(asking, asking.truth, text))
            answer = replace(answer, curve=(*answer.curve, point))
    return answer


def hear(
    answers: Mapping[str, Answer],
    events: Sequence[TokenEvent],
    asking: Asking,
    max_new_tokens: int,
) -> dict[str, Answer]:
    """The answers that `events` change, by model."""
    by_model: dict[str, list[TokenEvent]] = {}
    for event in events:
        by_model.setdefault(event.model, []).append(event)
    return {
        model: advance(answers[model], mine, asking, max_new_tokens)
        for model, mine in by_model.items()
    }


def in_line(answers: Mapping[str, Answer], models: Sequence[str], ahead: int) -> dict[str, Answer]:
    """The answers of `models` while `ahead` runs of other visitors come first."""
    runs = "1 run" if ahead == 1 else f"{ahead} runs"
    message = f"waiting: {runs} before yours"
    return {model: replace(answers[model], message=message) for model in models}


def held_up(answers: Mapping[str, Answer], statuses: Mapping[str, Status]) -> dict[str, Answer]:
    """The answers that have not begun, with what their models are busy with or wait for."""
    return {
        model: replace(answers[model], message=READING if status.held else status.note)
        for model, status in statuses.items()
        if answers[model].phase == "waiting"
    }


def stopped(answer: Answer) -> Answer:
    """`answer` when its run was stopped: what has come stays."""
    if answer.phase not in ("waiting", "streaming"):
        return answer
    return replace(answer, phase="stopped", message="" if answer.tokens else "stopped")


def score(asking: Asking, truth: str, text: str) -> float:
    """ROUGE-L, 0–1: of a passage against as much of the book, of an answer against the true one."""
    if asking.scenario.is_question:
        return rouge_l(truth, shown_text(asking, text))
    return rouge_l_so_far(truth, text)
