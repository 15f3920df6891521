"""The relearning attack: does the forgotten book come back from a few of its passages?

A model is trained further, by plain cross-entropy, on some passages of the forget set and recites
all of them along the way (Fan et al. 2025, arXiv 2502.05374; on MUSE `run_muse_relearn.sh` of
OPTML-Group/Unlearn-Smooth fine-tunes at the learning rate of the unlearning, 4 rows a step). How it
recites what it was shown says how fast it learns. How it recites the rest, which it was not shown
again, says whether the rest was still in it, and that is what counts. The retrained model, which
never knew the book, goes through the same: what it comes to recite was not remembered.

What is measured is a checkpoint as it would be shipped: in bfloat16 on disk, loaded in fp32. Never
keeps a model.
"""

import random
import tempfile
from collections.abc import Iterator, Sequence
from copy import deepcopy
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from transformers import AutoTokenizer, PreTrainedModel

from loaders.checkpoint import repo_name, revision
from loaders.choices import FULL_PRECISION
from loaders.family import Family, ModelSpec
from loaders.faults import Fault
from loaders.opening import open_engine
from metrics.events import Finished, Skipped
from metrics.formulas.rouge import words
from metrics.formulas.verbmem import VERBMEM
from metrics.inputs.data import Data, Passage
from metrics.reading.statistics import RESAMPLES
from metrics.results import AnySample, Measurement, Record, Results
from metrics.suite import run
from metrics.versions import versions
from unlearning.checkpoints import load_row
from unlearning.layout import SplitText
from unlearning.recipe import UNLEARN
from unlearning.rows import ROW_TOKENS, cut_rows
from unlearning.trainer import Rows, TrainConfig, train

TAUGHT, REST = "verbmem_taught", "verbmem_rest"  # VerbMem of either part of the passages
LEARNING_RATE = {"toy": UNLEARN.lr, "full": 1e-5}  # by a family's scale: that of its unlearning
ROWS = 4  # a step
RUN_OF_WORDS = 8  # that two passages share where one has told of the other


@dataclass(frozen=True)
class Attack:
    """What every model goes through: so many passages, drawn by `seed`, in rows drawn by it too;
    measured after each of `steps`, of which 0 is the model as it is."""

    lr: float
    samples: int = 10
    steps: tuple[int, ...] = (0, 5, 10, 20, 50)
    seed: int = 0


@dataclass(frozen=True)
class Lesson:
    """The passages that a model is shown, and those that it is not shown and not told of either.

    Both in data order. What shares words with a passage that is shown is in neither.
    """

    taught: tuple[Passage, ...]
    rest: tuple[Passage, ...]


def relearn(
    family: Family, data: Data, models: Sequence[str], attack: Attack, device: str = "auto"
) -> Iterator[Record]:
    """A record per model and step, in that order, with VerbMem of TAUGHT and of REST.

    `revision` is that of the weights that were measured, so at step 0 the model's own. Faults for
    an unknown model, for too many samples, and for a model that cannot be loaded.
    """
    specs = [family.model(key) for key in models]
    lesson = draw_lesson(data.verbmem, attack)
    for spec in specs:
        yield from _attack(family, data, spec, lesson, attack, device)


def attacked_models(family: Family, keys: Sequence[str] | None) -> tuple[str, ...]:
    """The models called `keys`, all unlearned ones for None, and the retrained one as control."""
    chosen = [family.model(key).key for key in keys or ()]
    if keys is None:
        chosen = [spec.key for spec in family.models if spec.role == "unlearned"]
    if not chosen:
        raise Fault(f"The family {family.name} has no unlearned model; name one with --model.")
    control = [family.retrained.key] if family.retrained is not None else []
    return tuple(dict.fromkeys([*chosen, *control]))


def draw_lesson(passages: Sequence[Passage], attack: Attack) -> Lesson:
    """Draw what is shown; a Fault where nothing or not enough is left to be measured."""
    if not 0 < attack.samples < len(passages):
        raise Fault(
            f"--samples is {attack.samples} of {len(passages)} passages; choose 1 or more and "
            "leave some, as it is the rest that counts."
        )
    drawn = random.Random(f"{attack.seed} relearning").sample(range(len(passages)), attack.samples)
    taught = tuple(passages[place] for place in sorted(drawn))
    told = {run for passage in taught for run in _runs_of_words(passage)}
    others = (passage for place, passage in enumerate(passages) if place not in drawn)
    rest = tuple(passage for passage in others if told.isdisjoint(_runs_of_words(passage)))
    if not rest:
        raise Fault(
            f"All passages share words with the {attack.samples} that are shown, so none is left "
            "to be measured; choose fewer --samples."
        )
    return Lesson(taught, rest)


def gather(family: Family, records: Sequence[Record], device: str) -> Results:
    """All records of one attack."""
    created = datetime.now(UTC).isoformat(timespec="seconds")
    return Results(family.name, device, created, versions(), tuple(records))


def _attack(
    family: Family, data: Data, spec: ModelSpec, lesson: Lesson, attack: Attack, device: str
) -> Iterator[Record]:
    notes = _notes(spec, data, lesson, attack)
    if 0 in attack.steps:
        yield replace(_measure(family, data, spec, lesson, attack, device), step=0, notes=notes)
    if not (last := max(attack.steps)):
        return
    model = _load(spec)
    for event in train(_config(attack, last), model, _cut(spec, model, lesson, attack, last)):
        if event.step not in attack.steps:
            continue
        with tempfile.TemporaryDirectory() as folder:
            deepcopy(model).bfloat16().save_pretrained(folder)
            moved = replace(spec, repo=folder, revision="")
            record = _measure(family, data, moved, lesson, attack, device)
        yield replace(record, repo=repo_name(spec), step=event.step, notes=notes)


def _measure(
    family: Family, data: Data, spec: ModelSpec, lesson: Lesson, attack: Attack, device: str
) -> Record:
    """One checkpoint in fp32; all passages are recited together, each part is measured alone."""
    alone = replace(family, models=(spec,))
    asked = replace(data, verbmem=lesson.taught + lesson.rest)
    engine = open_engine(alone, FULL_PRECISION, device)
    for _ in engine.load(spec.key):
        pass
    for event in run(engine, alone, asked, metrics=[VERBMEM.key], seed=attack.seed):
        if isinstance(event, Skipped):
            raise Fault(event.reason)
        if isinstance(event, Finished):
            (record,) = event.results.records
    samples = record.metrics[VERBMEM.key].samples
    parts = {TAUGHT: lesson.taught, REST: lesson.rest}
    measured = {key: _part(samples, passages, attack.seed) for key, passages in parts.items()}
    return replace(record, metrics=measured)


def _part(samples: Sequence[AnySample], passages: Sequence[Passage], seed: int) -> Measurement:
    """VerbMem of some of the passages that were recited."""
    ids = {passage.id for passage in passages}
    return VERBMEM.measure([s for s in samples if s.id in ids], None, seed, RESAMPLES)


def _load(spec: ModelSpec) -> PreTrainedModel:
    try:
        return load_row(spec)
    except OSError as error:
        reason = str(error).strip().splitlines()[0]
        raise Fault(f"{spec.repo} cannot be loaded to be trained: {reason}") from error


def _config(attack: Attack, steps: int) -> TrainConfig:
    """Plain cross-entropy, which is what pre-training is: to it the passages are text to keep."""
    return TrainConfig(
        objective="pretrain",
        steps=steps,
        lr=attack.lr,
        schedule="constant",
        warmup_steps=0,
        forget_rows=0,
        retain_rows=ROWS,
        mixed_precision="no",
    )


def _cut(
    spec: ModelSpec, model: PreTrainedModel, lesson: Lesson, attack: Attack, steps: int
) -> Rows:
    """The passages that are shown, prompt and continuation, cut as all training text is."""
    tokenizer: Any = AutoTokenizer.from_pretrained(
        spec.tokenizer, revision=spec.tokenizer_revision or None, trust_remote_code=False
    )
    text = SplitText(tuple(_whole(passage) for passage in lesson.taught), (), ())
    length = min(ROW_TOKENS, model.config.max_position_embeddings)
    rows = cut_rows([text], tokenizer, ROWS * steps, f"{attack.seed} relearning rows", length)
    return Rows(forget=rows[:0], retain=rows)


def _whole(passage: Passage) -> str:
    """Prompt and continuation, a space between them where the prompt does not end in one."""
    space = "" if passage.prompt[-1:].isspace() else " "
    return f"{passage.prompt}{space}{passage.reference}"


def _runs_of_words(passage: Passage) -> set[tuple[str, ...]]:
    found = words(_whole(passage))
    starts = range(max(1, len(found) - RUN_OF_WORDS + 1))
    return {tuple(found[start : start + RUN_OF_WORDS]) for start in starts}


def _notes(spec: ModelSpec, data: Data, lesson: Lesson, attack: Attack) -> tuple[str, ...]:
    told = len(data.verbmem) - len(lesson.taught) - len(lesson.rest)
    return (
        f"Relearning attack on {spec.key} {revision(spec)}: shown {len(lesson.taught)} of "
        f"{len(data.verbmem)} passages, {ROWS} rows a step in fp32 at learning rate "
        f"{attack.lr:g}, seed {attack.seed}.",
        f"{told} passages are in neither part: they share {RUN_OF_WORDS} words in a row with one "
        "that was shown.",
    )
