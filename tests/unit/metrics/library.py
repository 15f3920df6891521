"""A family of four models without weights and a data set of two rows a set, for tests."""

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from loaders import Family, Score
from loaders.fake import FakeEngine
from loaders.family import Books
from metrics import AnySample, Data, Metric, Passage, Question, Text
from metrics.passes import Pass, Row, Task
from metrics.profile import MUSE, Profile
from tests.spec import SPEC

BOOKS = Books("The Lamp", "the other books")
FAMILY = Family("lamp", "Lamp", "toy", "", BOOKS, (replace(SPEC, key="npo"),))

PASSAGE = "the keeper lit the lamp and slept"
DATA = Data(
    verbmem=(
        Passage("verbmem-0", "in the evening", PASSAGE),
        Passage("verbmem-1", "in the morning", "the keeper put the lamp out and ate"),
    ),
    knowmem_f=(
        Question("forget_qa-0", "Who lit the lamp?", "the keeper"),
        Question("forget_qa-1", "Where is it?", "Pelmarrow"),
    ),
    knowmem_r=(
        Question("retain_qa-0", "Who baked?", "Odwin Tressle"),
        Question("retain_qa-1", "What is red?", "the door"),
    ),
    shots_f=(Question("forget_qa_icl-0", "Who?", "he"),),
    shots_r=(Question("retain_qa_icl-0", "What?", "it"),),
    privleak_forget=(
        Text("privleak_forget-0", "forget", "a b c d e"),
        Text("privleak_forget-1", "forget", "f g h i j"),
    ),
    privleak_holdout=(
        Text("privleak_holdout-0", "holdout", "k l m n o"),
        Text("privleak_holdout-1", "holdout", "p q r s t"),
    ),
    sha256="0" * 64,
)

ROWS: dict[str, list[Any]] = {
    "knowmem/forget_qa": [{"question": f"q{i}?", "answer": f"a{i}"} for i in range(3)],
    "knowmem/forget_qa_icl": [{"question": "s?", "answer": "t"}],
    "knowmem/retain_qa": [{"question": f"r{i}?", "answer": f"b{i}"} for i in range(3)],
    "knowmem/retain_qa_icl": [{"question": "u?", "answer": "v"}],
    "verbmem/forget": [{"prompt": f"p{i}", "gt": f"g{i}"} for i in range(3)],
    "privleak/forget": [f"f{i}" for i in range(3)],
    "privleak/holdout": [f"h{i}" for i in range(3)],
}


def make_family(folder: Path, keys: tuple[str, ...] = ("original", "retrained", "npo")) -> Family:
    """Models that are a file of a few bytes each: enough to name a revision."""
    specs = []
    for key in keys:
        (folder / key).mkdir(parents=True)
        (folder / key / "model.safetensors").write_bytes(key.encode())
        role = key if key in ("original", "retrained") else "unlearned"
        specs.append(replace(SPEC, key=key, label=key.title(), role=role, repo=str(folder / key)))
    return Family("lamp", "Lamp", "toy", str(folder / "data"), BOOKS, tuple(specs))


def write_data(folder: Path, rows: dict[str, list[Any]] = ROWS) -> Path:
    """`rows` as JSON files in MUSE's layout."""
    for name, content in rows.items():
        path = folder / f"{name}.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(content), encoding="utf-8")
    return folder


class Spelled(FakeEngine):
    """Finds a word as likely as it says: the log-prob of "-1.5" is −1.5, of "nan" no number."""

    def score(
        self,
        model: str,
        texts: Sequence[str],
        prompts: Sequence[str] | None = None,
        moments: bool = False,
    ) -> Iterator[Score | None]:
        for score in super().score(model, texts, prompts, moments):
            if score is None:
                yield None
                continue
            said = tuple(float(word) for word in texts[score.index].split())
            yield replace(score, logprobs=said)


def spelled(forget: Sequence[str], holdout: Sequence[str]) -> Data:
    """DATA with texts for `Spelled`."""
    return replace(
        DATA,
        privleak_forget=tuple(
            Text(f"privleak_forget-{i}", "forget", text) for i, text in enumerate(forget)
        ),
        privleak_holdout=tuple(
            Text(f"privleak_holdout-{i}", "holdout", text) for i, text in enumerate(holdout)
        ),
    )


def rows(source: Pass, engine: FakeEngine, task: Task) -> list[Row]:
    """What a pass brings of `npo`, without the ends of steps."""
    return [row for row in source.run(engine, "npo", task) if row is not None]


def sampled(
    metric: Metric, answer: Callable[[str, str], str], data: Data = DATA, profile: Profile = MUSE
) -> list[AnySample]:
    """A metric's samples of a model that says `answer`, in the order in which they come."""
    task = Task(FAMILY, data, profile)
    return [metric.sample(row, task) for row in rows(metric.source, FakeEngine(answer), task)]


def ready(engine: FakeEngine, family: Family) -> FakeEngine:
    """`engine` with every model of `family` loaded."""
    for spec in family.models:
        list(engine.load(spec.key))
    return engine


def right(model: str, prompt: str) -> str:
    """A model that knows every answer of DATA."""
    known = {p.prompt: p.reference for p in DATA.verbmem}
    known |= {q.question: q.answer for q in (*DATA.knowmem_f, *DATA.knowmem_r)}
    question = prompt.rsplit("Question: ", 1)[-1].split("\n")[0]
    return known.get(prompt) or known[question]
