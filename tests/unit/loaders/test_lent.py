"""A GPU that is lent for a call: what goes there, what comes back, how long it is asked for."""

import pickle
import threading
from collections.abc import Callable, Iterator
from contextvars import ContextVar
from itertools import count

import pytest

from loaders import Fault, Request, Sampling
from loaders.fake import FakeEngine
from loaders.family import Books, Family
from loaders.lent.calls import Batch, Call, Scoring, Stream, Took, answered
from loaders.lent.engine import Lent, LentEngine, NoGpu
from loaders.lent.pace import MOST_SECONDS, OPENING_SECONDS, Pace, pieces
from loaders.lent.session import InlineSession
from loaders.session import Job
from tests.spec import SPEC

FAMILY = Family("fake", "Fake", "toy", "", Books("a", "b"), (SPEC,))
VISITOR: ContextVar[str] = ContextVar("VISITOR", default="nobody")


class Spent(Exception):
    """What the lender of these tests raises."""


class Lender:
    """Lends nothing but a copy: everything is pickled on its way, as it would be to a process."""

    def __init__(self, refuses: bool = False) -> None:
        self.refuses = refuses
        self.asked: list[int] = []
        self.visitors: list[str] = []

    def __call__(self, *, duration: Callable[[Call], int]) -> Callable[[Lent], Lent]:
        def decorate(task: Lent) -> Lent:
            def handler(call: Call) -> Iterator[Batch]:
                self.asked.append(duration(call))
                self.visitors.append(VISITOR.get())
                if self.refuses:
                    raise Spent("Try again in 3:12:00.")
                for batch in task(pickle.loads(pickle.dumps(call))):
                    yield pickle.loads(pickle.dumps(batch))

            return handler

        return decorate


def read_error(error: Exception) -> NoGpu | None:
    return NoGpu(str(error)) if isinstance(error, Spent) else None


def loaded() -> FakeEngine:
    engine = FakeEngine(lambda model, prompt: f"{model} says {prompt}")
    assert list(engine.load("original")) == [None]
    return engine


def request(prompt: str = "one two", tokens: int = 8) -> Request:
    return Request("r", "original", prompt, Sampling(tokens))


def test_what_comes_back_is_what_the_engine_says() -> None:
    engine, lent = loaded(), LentEngine(loaded(), Lender(), read_error)
    said = [event.text for event in lent.stream([request()]) if event]
    assert said == [event.text for event in engine.stream([request()]) if event]
    texts = ["a b c", "d e"]
    mine, theirs = (list(filter(None, one.score("original", texts))) for one in (engine, lent))
    assert [score.logprobs for score in theirs] == [score.logprobs for score in mine]


def test_a_fault_of_the_engine_comes_back_in_its_own_words() -> None:
    lent = LentEngine(loaded(), Lender(), read_error)
    with pytest.raises(Fault, match=r"601 tokens; it may have 512\. Shorten it"):
        list(lent.stream([request(tokens=512), request("x " * 600, 512)]))
    waiting = LentEngine(FakeEngine(lambda model, prompt: ""), Lender(), read_error)
    with pytest.raises(Fault, match="is not ready"):
        list(waiting.stream([request()]))


def test_a_refusal_of_the_lender_is_told_from_a_fault() -> None:
    lent = LentEngine(loaded(), Lender(refuses=True), read_error)
    with pytest.raises(NoGpu, match=r"Try again in 3:12:00\."):
        list(lent.stream([request()]))


def test_leaving_early_closes_the_engines_stream() -> None:
    closed = threading.Event()

    class Watched(FakeEngine):
        def stream(self, requests: object) -> Iterator[None]:
            try:
                while True:
                    yield None
            finally:
                closed.set()

    steps = answered(Stream((request(),), 2), Watched(lambda model, prompt: ""))
    assert next(steps) == []
    next(steps)
    steps.close()
    assert closed.is_set()


def test_an_empty_batch_comes_at_once_and_in_quiet_moments() -> None:
    ticks = count()
    batches = list(answered(Stream((request(),), 2), loaded(), lambda: next(ticks) * 0.03))
    assert [len(batch) for batch in batches] == [0, 2, 1, 2]
    assert isinstance(took := batches[-1][-1], Took)
    assert took.seconds == pytest.approx(0.33)


def test_long_work_goes_in_pieces_and_keeps_its_places() -> None:
    lender, pace = Lender(), Pace()
    pace.learn(Scoring("original", (), None, False, 1), 0, 30.0)  # thirty seconds a token
    lent = LentEngine(loaded(), lender, read_error, pace)
    found = [score for score in lent.score("original", ["a", "b", "c"]) if score]
    assert [score.index for score in found] == [0, 1, 2]
    assert len(lender.asked) == 3


def test_places_are_put_together_up_to_a_sum() -> None:
    assert [list(piece) for piece in pieces([3, 3, 3, 9, 1], most=6)] == [[0, 1], [2], [3], [4]]
    assert list(pieces([])) == []


def test_what_is_asked_for_follows_from_the_tokens_and_from_what_was_measured() -> None:
    pace = Pace()
    short, long = Stream((request(tokens=60),), 0), Stream((request(tokens=480),), 0)
    assert pace.seconds(short) == OPENING_SECONDS + 2  # a second, and a quarter of it
    assert pace.seconds(long) == OPENING_SECONDS + 10
    pace.learn(short, 60, 3.0)  # thrice the guess: half of it counts
    assert pace.seconds(long) == OPENING_SECONDS + 20
    pace.learn(short, 60, 600.0)
    assert pace.seconds(long) == MOST_SECONDS


def test_work_runs_in_the_context_of_whoever_asked() -> None:
    lender = Lender()
    session = InlineSession(FAMILY, LentEngine(loaded(), lender, read_error))
    assert session.status("original").state == "ready"
    for visitor in ("ada", "bob"):
        token = VISITOR.set(visitor)
        job = session.submit("compare", lambda engine: engine.stream([request()]))
        VISITOR.reset(token)
        while not job.done:
            threading.Event().wait(0.005)
        assert next(event.text for event in job.drain()) == "original"
    assert lender.visitors == ["ada", "bob"]


def test_cancelled_work_ends() -> None:
    session = InlineSession(FAMILY, LentEngine(loaded(), Lender(), read_error))

    def endless(engine: object) -> Iterator[None]:
        while True:
            yield None

    job: Job[None] = session.submit("compare", endless)
    assert not job.done
    job.cancel()
    while not job.done:
        threading.Event().wait(0.005)
