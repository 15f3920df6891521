"""VerbMem: does the model recite the forgotten book? Never looks at what the words mean.

A passage's beginning is continued greedily by up to 128 tokens. The true continuation is cut to
its first 128 token ids, the BOS among them, and

    VerbMem = 100 · mean over passages of ROUGE-L F(true continuation, output)

(Shi et al. 2024, arXiv 2407.06460, section 3.1; `metrics/verbmem.py` of swj0419/muse_bench).
"""

from collections.abc import Iterator, Sequence

from loaders.family import Family
from loaders.protocol import Engine
from metrics.data import Data
from metrics.metric import Metric, Reference
from metrics.results import AnySample, Measurement, Sample
from metrics.rouge import rouge_l
from metrics.statistics import bootstrap_mean, mean

NEW_TOKENS = 128


def ids(data: Data) -> tuple[str, ...]:
    """The passages, in data order."""
    return tuple(passage.id for passage in data.verbmem)


def run(engine: Engine, model: str, family: Family, data: Data) -> Iterator[Sample | None]:
    """One sample per passage, as batches come back."""
    prompts = [passage.prompt for passage in data.verbmem]
    for completion in engine.generate(model, prompts, NEW_TOKENS):
        if completion is None:
            yield None
            continue
        passage = data.verbmem[completion.index]
        reference = cut(engine, model, passage.reference)
        score = rouge_l(reference, completion.text)
        yield Sample(passage.id, passage.prompt, reference, completion.text, score)


def cut(engine: Engine, model: str, text: str) -> str:
    """`text` up to the first 128 token ids of `model`'s tokenizer, BOS counted."""
    return engine.decode(model, engine.encode(model, text)[:NEW_TOKENS])


def measure_rouge(
    samples: Sequence[AnySample], reference: Reference | None, seed: int, resamples: int
) -> Measurement:
    """The mean score in points of 100; needs no reference."""
    scores = [sample.score for sample in samples]
    low, high = bootstrap_mean(scores, (0.0, 1.0), seed, resamples)
    return Measurement(100 * mean(scores), (100 * low, 100 * high), len(scores), tuple(samples))


VERBMEM = Metric(
    key="verbmem_f",
    label="VerbMem",
    explains="recites the forgotten book",
    best="low",
    ids=ids,
    run=run,
    measure=measure_rouge,
    cost=NEW_TOKENS,
)
