"""The ways in which data is put through a model; metrics read what a pass brings and share it.

A pass knows no formula. Its rows are what is kept of a run that breaks off.
"""

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, zip_longest

from loaders.family import Family
from loaders.faults import Fault
from loaders.protocol import Engine, Score
from metrics.inputs.data import Data, Passage, Question, Text
from metrics.profile import MUSE, Profile

RECITED_TOKENS = 128
ANSWER_TOKENS = 32
STOPS = ("\n\n", "\nQuestion", "Question:")


@dataclass(frozen=True)
class Task:
    """What is asked of every model alike."""

    family: Family
    data: Data
    profile: Profile = MUSE


@dataclass(frozen=True)
class Output:
    """What a model made of a prompt. `token_ids` are its own, `reference_ids` the reference's."""

    id: str
    prompt: str
    reference: str
    text: str
    token_ids: tuple[int, ...]
    reference_ids: tuple[int, ...]


@dataclass(frozen=True)
class Likelihoods:
    """How likely a model finds each token of a text, after `prompt` where there is one.

    One value per token: `logprobs` are natural, `greedy` says whether the model would have chosen
    it; `means` and `variances` are of log p over the vocabulary, under p.
    """

    id: str
    split: str
    prompt: str
    text: str
    token_ids: tuple[int, ...]
    logprobs: tuple[float, ...]
    greedy: tuple[bool, ...]
    means: tuple[float, ...]
    variances: tuple[float, ...]


@dataclass(frozen=True)
class Options:
    """How likely a model finds the answers to one question: log-probs of the tokens of each."""

    id: str
    prompt: str
    answer: str
    right: tuple[float, ...]
    paraphrase: tuple[float, ...]
    perturbed: tuple[tuple[float, ...], ...]


Row = Output | Likelihoods | Options
Run = Callable[[Engine, str, Task], Iterator[Row | None]]


@dataclass(frozen=True)
class Pass:
    """One way of putting rows through a model.

    `ids(data)` names the rows in data order. `run` yields one row per id, in any order, and None at
    the end of every step of the engine. `cost` weighs a row in the progress: about the tokens that
    a model makes for it.
    """

    key: str
    ids: Callable[[Data], tuple[str, ...]]
    run: Run
    cost: float


def question_prompt(family: Family, shots: Sequence[Question], question: str) -> str:
    """The examples in file order, then the question, in the family's own template.

    The space at the end of MUSE's template is part of the prompt: without it a Llama tokenizer
    starts the answer elsewhere and every output changes.
    """
    template = family.prompt
    try:
        examples = [template.shot.format(question=s.question, answer=s.answer) for s in shots]
        return "".join(examples) + template.ask.format(question=question)
    except (LookupError, ValueError) as error:
        raise Fault(
            f"The prompt template of {family.name} has a placeholder that is not known: {error}; "
            "use {question}, and {answer} in 'shot'."
        ) from error


def _recite(engine: Engine, model: str, task: Task) -> Iterator[Output | None]:
    rows = task.data.verbmem
    for done in engine.generate(model, [row.prompt for row in rows], RECITED_TOKENS):
        if done is None:
            yield None
            continue
        row = rows[done.index]
        ids = engine.encode(model, row.reference)
        ids = ids[:RECITED_TOKENS] if task.profile.cuts_reference else ids
        reference = engine.decode(model, ids)
        yield Output(row.id, row.prompt, reference, done.text, done.token_ids, tuple(ids[1:]))


def _ask(
    engine: Engine,
    model: str,
    family: Family,
    shots: Sequence[Question],
    questions: Sequence[Question],
) -> Iterator[Output | None]:
    prompts = [question_prompt(family, shots, row.question) for row in questions]
    for done in engine.generate(model, prompts, ANSWER_TOKENS, STOPS):
        if done is None:
            yield None
            continue
        row, prompt = questions[done.index], prompts[done.index]
        ids = tuple(engine.encode(model, row.answer)[1:])
        yield Output(row.id, prompt, row.answer, done.text, done.token_ids, ids)


def _ask_forget(engine: Engine, model: str, task: Task) -> Iterator[Output | None]:
    return _ask(engine, model, task.family, task.data.shots_f, task.data.knowmem_f)


def _ask_retain(engine: Engine, model: str, task: Task) -> Iterator[Output | None]:
    return _ask(engine, model, task.family, task.data.shots_r, task.data.knowmem_r)


def _ask_rehearsed(engine: Engine, model: str, task: Task) -> Iterator[Output | None]:
    return _ask(engine, model, task.family, task.data.shots_r, task.data.knowmem_rehearsed)


def _force(engine: Engine, model: str, task: Task) -> Iterator[Likelihoods | None]:
    """The true continuations, after a space where the prompt does not end in one."""
    rows = task.data.verbmem
    prompts = [row.prompt if row.prompt[-1:].isspace() else f"{row.prompt} " for row in rows]
    for score in engine.score(model, [row.reference for row in rows], prompts, moments=True):
        if score is None:
            yield None
            continue
        row = rows[score.index]
        yield _likelihoods(row.id, "forget", row.prompt, row.reference, score)


def _score(engine: Engine, model: str, rows: Sequence[Text]) -> Iterator[Likelihoods | None]:
    for score in engine.score(model, [row.text for row in rows], moments=True):
        if score is None:
            yield None
            continue
        row = rows[score.index]
        yield _likelihoods(row.id, row.split, "", row.text, score)


def _likelihoods(id: str, split: str, prompt: str, text: str, score: Score) -> Likelihoods:
    return Likelihoods(
        id=id,
        split=split,
        prompt=prompt,
        text=text,
        token_ids=score.token_ids,
        logprobs=score.logprobs,
        greedy=score.greedy,
        means=score.means,
        variances=score.variances,
    )


def _score_both(engine: Engine, model: str, task: Task) -> Iterator[Likelihoods | None]:
    return _score(engine, model, by_turns(task.data))


def _score_retain(engine: Engine, model: str, task: Task) -> Iterator[Likelihoods | None]:
    return _score(engine, model, task.data.privleak_retain)


def by_turns(data: Data) -> tuple[Text, ...]:
    """Forget and holdout texts by turns, so that a run that is half done has both."""
    pairs = zip_longest(data.privleak_forget, data.privleak_holdout)
    return tuple(text for text in chain.from_iterable(pairs) if text is not None)


def _weigh(
    engine: Engine,
    model: str,
    family: Family,
    shots: Sequence[Question],
    questions: Sequence[Question],
) -> Iterator[Options | None]:
    """Each question's answers, those that have a paraphrase and perturbed ones."""
    asked = [(question_prompt(family, shots, row.question), row) for row in questions]
    answers = [(row.answer, row.paraphrase, *row.perturbed) for _, row in asked]
    prompts = [prompt for (prompt, _), some in zip(asked, answers, strict=True) for _ in some]
    owners = [(place, number) for place, some in enumerate(answers) for number in range(len(some))]
    found: dict[int, dict[int, tuple[float, ...]]] = defaultdict(dict)
    for score in engine.score(model, [text for some in answers for text in some], prompts):
        if score is None:
            yield None
            continue
        place, number = owners[score.index]
        found[place][number] = score.logprobs
        if len(found[place]) == len(answers[place]):
            prompt, row = asked[place]
            right, paraphrase, *perturbed = [found[place][n] for n in range(len(answers[place]))]
            yield Options(row.id, prompt, row.answer, right, paraphrase, tuple(perturbed))


def _weigh_forget(engine: Engine, model: str, task: Task) -> Iterator[Options | None]:
    questions = with_options(task.data.knowmem_f)
    return _weigh(engine, model, task.family, task.data.shots_f, questions)


def _weigh_retain(engine: Engine, model: str, task: Task) -> Iterator[Options | None]:
    questions = with_options(task.data.knowmem_r)
    return _weigh(engine, model, task.family, task.data.shots_r, questions)


def with_options(questions: Sequence[Question]) -> tuple[Question, ...]:
    """Those that the data gives a paraphrase and perturbed answers for."""
    return tuple(row for row in questions if row.paraphrase and row.perturbed)


def _ids(rows: Sequence[Passage | Question | Text]) -> tuple[str, ...]:
    return tuple(row.id for row in rows)


RECITE = Pass("recite", lambda data: _ids(data.verbmem), _recite, RECITED_TOKENS)
ASK_FORGET = Pass("ask_forget", lambda data: _ids(data.knowmem_f), _ask_forget, ANSWER_TOKENS / 4)
ASK_RETAIN = Pass("ask_retain", lambda data: _ids(data.knowmem_r), _ask_retain, ANSWER_TOKENS / 4)
ASK_REHEARSED = Pass(
    "ask_rehearsed", lambda data: _ids(data.knowmem_rehearsed), _ask_rehearsed, ANSWER_TOKENS / 4
)
FORCE = Pass("force", lambda data: _ids(data.verbmem), _force, 8)
SCORE = Pass(
    "score", lambda data: _ids((*data.privleak_forget, *data.privleak_holdout)), _score_both, 8
)
SCORE_RETAIN = Pass("score_retain", lambda data: _ids(data.privleak_retain), _score_retain, 8)
WEIGH_FORGET = Pass(
    "weigh_forget", lambda data: _ids(with_options(data.knowmem_f)), _weigh_forget, 16
)
WEIGH_RETAIN = Pass(
    "weigh_retain", lambda data: _ids(with_options(data.knowmem_r)), _weigh_retain, 16
)
