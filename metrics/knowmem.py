"""KnowMem: does the model answer about a book? Asked as MUSE asks, with ten examples before it.

Greedy, up to 32 tokens; the output is cut at the first of MUSE's stop strings and

    KnowMem = 100 · mean over questions of ROUGE-L F(answer, output)

on the questions about the forget set and, for utility, on those about the retain set (Shi et al.
2024, arXiv 2407.06460, section 3.1; `metrics/knowmem.py` of swj0419/muse_bench). Beside it
stands exact match: the share of outputs whose words are the answer's words and no others. What an
output scores that answers another question of the same set is the floor.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import cache
from itertools import permutations

from loaders.family import Family
from loaders.faults import Fault
from loaders.protocol import Engine
from metrics.data import Data, Question
from metrics.metric import Metric, Reference
from metrics.results import AnySample, Measurement, Sample
from metrics.rouge import rouge_l, words
from metrics.statistics import mean
from metrics.verbmem import measure_rouge

NEW_TOKENS = 32
STOPS = ("\n\n", "\nQuestion", "Question:")


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


def cut(output: str) -> str:
    """`output` up to MUSE's stop strings, applied one after the other; nothing is stripped."""
    for stop in STOPS:
        output = output.split(stop)[0]
    return output


def run_questions(
    engine: Engine,
    model: str,
    family: Family,
    shots: Sequence[Question],
    questions: Sequence[Question],
) -> Iterator[Sample | None]:
    """One sample per question, as batches come back; its prompt is the whole prompt."""
    prompts = [question_prompt(family, shots, row.question) for row in questions]
    for completion in engine.generate(model, prompts, NEW_TOKENS):
        if completion is None:
            yield None
            continue
        row, output = questions[completion.index], cut(completion.text)
        score = rouge_l(row.answer, output)
        yield Sample(row.id, prompts[completion.index], row.answer, output, score)


def measure_questions(
    samples: Sequence[AnySample], reference: Reference | None, seed: int, resamples: int
) -> Measurement:
    """The mean score in points of 100, with exact match beside it; needs no reference."""
    right = [
        float(words(sample.output) == words(sample.reference))
        for sample in samples
        if isinstance(sample, Sample)
    ]
    measured = measure_rouge(samples, reference, seed, resamples)
    return replace(measured, exact=100 * mean(right))


@cache
def floor(answers: tuple[str, ...]) -> float:
    """KnowMem, in points, of a model that gives the right answers to the wrong questions: the mean
    of ROUGE-L F over all pairs of two questions. Fault for fewer than two answers."""
    if len(answers) < 2:
        raise Fault(f"The floor needs two questions or more, and there are {len(answers)}.")
    pairs = list(permutations([(answer, frozenset(words(answer))) for answer in answers], 2))
    scores = [rouge_l(asked, given) for (asked, ours), (given, theirs) in pairs if ours & theirs]
    return 100 * sum(scores) / len(pairs)


def ids_forget(data: Data) -> tuple[str, ...]:
    """The questions about the forget set, in data order."""
    return tuple(row.id for row in data.knowmem_f)


def ids_retain(data: Data) -> tuple[str, ...]:
    """The questions about the retain set, in data order."""
    return tuple(row.id for row in data.knowmem_r)


def run_forget(engine: Engine, model: str, family: Family, data: Data) -> Iterator[Sample | None]:
    """One sample per question about the forget set."""
    return run_questions(engine, model, family, data.shots_f, data.knowmem_f)


def run_retain(engine: Engine, model: str, family: Family, data: Data) -> Iterator[Sample | None]:
    """One sample per question about the retain set."""
    return run_questions(engine, model, family, data.shots_r, data.knowmem_r)


KNOWMEM_F = Metric(
    key="knowmem_f",
    label="KnowMem, forget",
    explains="answers about it",
    best="low",
    ids=ids_forget,
    run=run_forget,
    measure=measure_questions,
    cost=NEW_TOKENS,
)

KNOWMEM_R = Metric(
    key="knowmem_r",
    label="KnowMem, retain",
    explains="still knows the rest",
    best="high",
    ids=ids_retain,
    run=run_retain,
    measure=measure_questions,
    cost=NEW_TOKENS,
)
