"""How rows are put through a model: what the engine is given, and what is made of its answers."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import pytest

from loaders import Completion, Score
from loaders.fake import FakeEngine
from metrics import Data, Passage, Question, Text
from metrics.passes import (
    ASK_FORGET,
    ASK_REHEARSED,
    ASK_RETAIN,
    FORCE,
    RECITE,
    SCORE,
    SCORE_RETAIN,
    STOPS,
    WEIGH_FORGET,
    WEIGH_RETAIN,
    Likelihoods,
    Options,
    Output,
    Pass,
    Task,
    by_turns,
    with_options,
)
from tests.unit.metrics.library import DATA, FAMILY, rows

LIT = Question("forget_qa-0", "Who lit it?", "the keeper", "a keeper", ("a miller", "two owls"))
OUT = Question("forget_qa-1", "Who put it out?", "Maud", "it was Maud", ("Odwin",))
BARE = Question("forget_qa-2", "Where is it?", "Pelmarrow")
RED = Question("retain_qa-0", "What is red?", "the door", "a door", ("the sea", "the roof"))
BAKED = Question("retain1_qa-0", "Who baked?", "Odwin Tressle")
RICH = replace(
    DATA,
    knowmem_f=(LIT, OUT, BARE),
    knowmem_r=(RED,),
    knowmem_rehearsed=(BAKED,),
    privleak_retain=(Text("privleak_retain-0", "retain", "u v w x y z"),),
)
PASSES = (
    *(RECITE, ASK_FORGET, ASK_RETAIN, ASK_REHEARSED),
    *(FORCE, SCORE, SCORE_RETAIN, WEIGH_FORGET, WEIGH_RETAIN),
)
each_pass = pytest.mark.parametrize("source", PASSES, ids=lambda source: source.key)


@dataclass(frozen=True)
class Call:
    """What an engine was asked in one go."""

    texts: tuple[str, ...]
    prompts: tuple[str, ...] | None = None
    moments: bool = False
    tokens: int = 0
    stops: tuple[str, ...] = ()


class Noting(FakeEngine):
    """Notes what it is asked; answers in `step` order: from the first text on, or from the last."""

    def __init__(self, step: int = 1) -> None:
        super().__init__(lambda model, prompt: "the keeper")
        self.calls: list[Call] = []
        self._step = step

    def generate(
        self, model: str, prompts: Sequence[str], max_new_tokens: int, stops: Sequence[str] = ()
    ) -> Iterator[Completion | None]:
        self.calls.append(
            Call(tuple(prompts), tokens=max_new_tokens, stops=tuple(stops)),
        )
        yield from super().generate(model, prompts, max_new_tokens, stops)

    def score(
        self,
        model: str,
        texts: Sequence[str],
        prompts: Sequence[str] | None = None,
        moments: bool = False,
    ) -> Iterator[Score | None]:
        before = None if prompts is None else tuple(prompts)
        self.calls.append(Call(tuple(texts), before, moments))
        scores = [s for s in super().score(model, texts, prompts, moments) if s is not None]
        yield from scores[:: self._step]
        yield None


def run_through(source: Pass, data: Data = RICH) -> Call:
    """The one call that a pass makes."""
    engine = Noting()
    rows(source, engine, Task(FAMILY, data))
    (call,) = engine.calls
    return call


def logprobs(text: str) -> tuple[float, ...]:
    """Those that FakeEngine gives the words of a text."""
    (score,) = [s for s in FakeEngine(lambda model, prompt: "").score("npo", [text]) if s]
    return score.logprobs


@each_pass
def test_a_pass_brings_one_row_for_each_id_and_ends_every_step(source: Pass) -> None:
    engine = FakeEngine(lambda model, prompt: "the keeper")
    events = list(source.run(engine, "npo", Task(FAMILY, RICH)))
    ids = [row.id for row in events if row is not None]
    assert len(ids) == len(set(ids))
    assert set(ids) == set(source.ids(RICH)) != set()
    assert events[-1] is None
    assert events.count(None) >= len(ids)


@each_pass
def test_without_the_rows_that_are_known_a_pass_brings_the_rest(source: Pass) -> None:
    engine = FakeEngine(lambda model, prompt: "the keeper")
    first, *rest = source.ids(RICH)
    task = Task(FAMILY, RICH.without([first]))
    assert {row.id for row in rows(source, engine, task)} == set(rest)


def test_no_two_passes_keep_their_rows_under_one_key() -> None:
    assert len({source.key for source in PASSES}) == len(PASSES)


@pytest.mark.parametrize("source", [ASK_FORGET, ASK_RETAIN, ASK_REHEARSED], ids=lambda s: s.key)
def test_questions_are_asked_with_muses_stop_strings(source: Pass) -> None:
    call = run_through(source)
    assert (call.tokens, call.stops) == (32, STOPS)
    assert STOPS == ("\n\n", "\nQuestion", "Question:")


def test_passages_are_recited_without_stop_strings() -> None:
    call = run_through(RECITE)
    assert (call.tokens, call.stops) == (128, ())
    assert call.texts == ("in the evening", "in the morning")


def test_rehearsed_questions_have_the_examples_of_the_retain_set() -> None:
    assert run_through(ASK_REHEARSED).texts == (
        "Question: What?\nAnswer: it\n\nQuestion: Who baked?\nAnswer: ",
    )


def test_an_output_has_its_own_ids_and_those_of_the_reference_without_the_bos() -> None:
    engine = FakeEngine(lambda model, prompt: "a keeper")
    (first, _) = rows(RECITE, engine, Task(FAMILY, DATA))
    assert isinstance(first, Output)
    assert engine.decode("npo", first.token_ids) == "a keeper"
    assert engine.decode("npo", first.reference_ids) == first.reference
    assert len(first.reference_ids) == 7
    (asked, _) = rows(ASK_FORGET, engine, Task(FAMILY, DATA))
    assert isinstance(asked, Output)
    assert engine.decode("npo", asked.reference_ids) == "the keeper"


@pytest.mark.parametrize(
    ("prompt", "given"),
    [
        ("in the evening", "in the evening "),
        ("in the evening ", "in the evening "),
        ("in the evening\n", "in the evening\n"),
    ],
)
def test_a_continuation_is_forced_after_one_space(prompt: str, given: str) -> None:
    call = run_through(FORCE, replace(DATA, verbmem=(Passage("verbmem-0", prompt, "it lit"),)))
    assert call == Call(("it lit",), (given,), moments=True)


def test_a_forced_row_says_the_prompt_of_the_data_and_what_each_token_was_worth() -> None:
    first = rows(FORCE, FakeEngine(lambda model, prompt: ""), Task(FAMILY, DATA))[0]
    assert isinstance(first, Likelihoods)
    assert (first.prompt, first.text) == (DATA.verbmem[0].prompt, DATA.verbmem[0].reference)
    assert first.logprobs == logprobs(first.text)
    assert {len(first.greedy), len(first.means), len(first.variances), len(first.token_ids)} == {7}


def test_texts_are_scored_by_themselves_and_with_moments() -> None:
    call = run_through(SCORE)
    assert (call.prompts, call.moments) == (None, True)
    row = rows(SCORE_RETAIN, FakeEngine(lambda model, prompt: ""), Task(FAMILY, RICH))[0]
    assert isinstance(row, Likelihoods)
    assert (row.id, row.split, row.prompt) == ("privleak_retain-0", "retain", "")
    assert row.logprobs == logprobs("u v w x y z")


def test_texts_go_by_turns_and_the_longer_split_ends_alone() -> None:
    lonely = replace(DATA, privleak_holdout=DATA.privleak_holdout[:1])
    assert [text.id for text in by_turns(lonely)] == [
        *("privleak_forget-0", "privleak_holdout-0", "privleak_forget-1"),
    ]
    assert SCORE.ids(lonely) == (*("privleak_forget-0", "privleak_forget-1", "privleak_holdout-0"),)


def test_each_option_is_weighed_after_the_prompt_of_its_question() -> None:
    call = run_through(WEIGH_FORGET)
    start = "Question: Who?\nAnswer: he\n\nQuestion: "
    assert call.texts == (
        *("the keeper", "a keeper", "a miller", "two owls"),
        *("Maud", "it was Maud", "Odwin"),
    )
    assert call.prompts == (
        *[f"{start}Who lit it?\nAnswer: "] * 4,
        *[f"{start}Who put it out?\nAnswer: "] * 3,
    )
    assert not call.moments


@pytest.mark.parametrize("step", [1, -1], ids=["forwards", "backwards"])
def test_options_find_their_question_whatever_order_the_scores_come_in(step: int) -> None:
    found = rows(WEIGH_FORGET, Noting(step), Task(FAMILY, RICH))
    by_id = {row.id: row for row in found if isinstance(row, Options)}
    prompt = "Question: Who?\nAnswer: he\n\nQuestion: Who lit it?\nAnswer: "
    assert by_id["forget_qa-0"] == Options(
        id="forget_qa-0",
        prompt=prompt,
        answer="the keeper",
        right=logprobs("the keeper"),
        paraphrase=logprobs("a keeper"),
        perturbed=(logprobs("a miller"), logprobs("two owls")),
    )
    assert by_id["forget_qa-1"].right == logprobs("Maud")
    assert by_id["forget_qa-1"].perturbed == (logprobs("Odwin"),)
    assert len(found) == 2


def test_a_question_without_a_paraphrase_or_without_wrong_answers_is_not_weighed() -> None:
    half = replace(BARE, perturbed=("Odwin",))
    other = replace(BARE, paraphrase="in Pelmarrow")
    assert with_options((BARE, LIT, half, other)) == (LIT,)
    assert WEIGH_FORGET.ids(RICH) == ("forget_qa-0", "forget_qa-1")
    assert WEIGH_RETAIN.ids(DATA) == ()
