"""A run over checkpoints: each is loaded by itself, and what is stored is not asked again."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace

import pytest

from dashboard.trajectory.course import Course, moved_on
from dashboard.trajectory.measure import Asked, Stage, Trajectory, measure_all, plan_stages
from dashboard.trajectory.reading import read
from loaders import Family
from loaders.fake import FakeEngine
from loaders.trajectory import without_earlier
from metrics import Finished, run
from metrics.registry import HEADLINE
from metrics.store import Store, open_private
from tests.stage import ANSWERS, TRUTH, staged_data
from tests.steps import stepped_family

FAMILY = stepped_family()
KEYS = [metric.key for metric in HEADLINE]


@pytest.fixture(autouse=True)
def _revisions(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every checkpoint has weights of its own, though none has files."""
    monkeypatch.setattr("metrics.store.keys.revision", lambda spec: f"sha256:{spec.key}")
    monkeypatch.setattr("metrics.suite.revision", lambda spec: f"sha256:{spec.key}")


def forgets(model: str, prompt: str) -> str:
    """The first checkpoint still recites."""
    return ANSWERS.get(model, TRUTH if model == "step-10" else ANSWERS["simnpo"])


@dataclass
class Opened:
    """Opens engines, and keeps which models each was for and which were loaded."""

    failing: dict[str, str] = field(default_factory=dict)
    models: list[tuple[str, ...]] = field(default_factory=list)

    def __call__(self, family: Family) -> FakeEngine:
        self.models.append(tuple(spec.key for spec in family.models))
        return FakeEngine(forgets, failing=self.failing)


def ready_engine(family: Family, answer: Callable[[str, str], str] = forgets) -> FakeEngine:
    engine = FakeEngine(answer)
    for spec in without_earlier(family).models:
        list(engine.load(spec.key))
    return engine


def followed(
    opened: Opened, store: Store, family: Family = FAMILY, engine: FakeEngine | None = None
) -> Course:
    """A whole run, to its end."""
    asked = Asked(staged_data(), KEYS, store, lambda said: pytest.fail(said))
    steps = measure_all(engine or ready_engine(family), Trajectory(family, opened), asked)
    course = Course("waiting")
    for step in steps:
        if step is not None:
            course = moved_on(course, step)
    return course


def test_stages_are_what_the_page_shows_and_then_each_earlier_checkpoint() -> None:
    stages = [[spec.key for spec in family.models] for family in plan_stages(FAMILY)]
    assert stages == [
        ["original", "retrained", "step-30"],
        ["retrained", "step-10"],
        ["retrained", "step-20"],
    ]


def test_each_earlier_checkpoint_is_loaded_alone_and_all_have_numbers() -> None:
    opened = Opened()
    course = followed(opened, open_private())
    assert opened.models == [("step-10",), ("step-20",)]
    assert {key.model for key in course.finals} == {spec.key for spec in FAMILY.models}
    assert len(course.finals) == len(FAMILY.models) * len(HEADLINE)
    reading = read(FAMILY, course)
    assert [point.step for point in reading.curve(HEADLINE[0])] == [10, 20, 30]
    assert reading.sources == ("live",)
    assert (reading.precision, reading.device) == ("fp32", "cpu")
    assert reading.records["step-20"].revision == "sha256:step-20"


def test_the_numbers_are_those_of_one_run_over_all() -> None:
    course = followed(Opened(), open_private())
    engine = FakeEngine(forgets)
    for spec in FAMILY.models:
        list(engine.load(spec.key))
    *_, last = run(engine, FAMILY, staged_data())
    assert isinstance(last, Finished)
    for record in last.results.records:
        for key, expected in record.metrics.items():
            found = course.board.measurement(record.model, key)
            assert found is not None
            assert replace(found, samples=expected.samples) == expected


def test_what_is_stored_comes_without_a_model() -> None:
    store = open_private()
    before = followed(Opened(), store)
    opened = Opened()
    unloaded = FakeEngine(forgets)  # nothing is ready, and nothing has to be
    after = followed(opened, store, engine=unloaded)
    assert opened.models == []
    assert after.finals == before.finals
    assert read(FAMILY, after).sources == ("stored",)


def test_a_checkpoint_that_cannot_be_loaded_is_dashes_with_the_reason() -> None:
    course = followed(Opened({"step-20": "no such file"}), open_private())
    reading = read(FAMILY, course)
    assert [point.step for point in reading.curve(HEADLINE[0])] == [10, 30]
    reason = course.board.reason("step-20", "verbmem_f")
    assert reason == "step 20 could not be loaded: no such file"


def test_a_family_without_references_is_measured_all_the_same() -> None:
    alone = replace(FAMILY, models=FAMILY.models[2:])
    assert len(plan_stages(alone)) == 3
    reading = read(alone, followed(Opened(), open_private(), alone))
    assert [point.step for point in reading.curve(HEADLINE[0])] == [10, 20, 30]
    assert "set against a retrained model" in next(iter(reading.reasons.values()))


def test_the_page_s_models_are_waited_for_while_they_load() -> None:
    engine = FakeEngine(forgets)
    asked = Asked(staged_data(), ["verbmem_f"], open_private(), lambda said: pytest.fail(said))
    steps = measure_all(engine, Trajectory(FAMILY, Opened()), asked)
    first = [next(steps) for _ in range(4)]
    assert isinstance(first[0], Stage)
    assert first[1:] == [None, None, None]
    for spec in without_earlier(FAMILY).models:
        list(engine.load(spec.key))
    assert any(step is not None for step in (next(steps) for _ in range(3)))


def test_collapse_is_looked_for_once_a_model() -> None:
    course = followed(Opened(), open_private())
    known = read(FAMILY, course, before=replace(read(FAMILY, course), signs={"step-10": "loops"}))
    assert known.sign(FAMILY.model("step-10")) == "loops"
    assert set(known.signs) == {spec.key for spec in FAMILY.models}
