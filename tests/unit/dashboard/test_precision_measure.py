"""A run over the precisions: which, in what order, by which engine, and what it adds up to."""

import gc
import weakref
from collections.abc import Iterator

import pytest

from dashboard.precision.course import Course, moved_on
from dashboard.precision.measure import (
    Asked,
    Began,
    Done,
    Engines,
    Failed,
    Loading,
    Moved,
    Offers,
    Step,
    measure_all,
)
from dashboard.precision.published import load_pairs
from loaders import Fault
from loaders.fake import FakeEngine
from metrics import HEADLINE, Results
from metrics.reading.recovery import BITS
from metrics.store import Store, open_private
from tests.stage import engine_at, reply, staged_data, staged_family

FAMILY = staged_family()
DATA = staged_data()
ALL: Offers = dict.fromkeys(BITS)


class Opened:
    """Opens engines and remembers which; lets go of them."""

    def __init__(self, failing: str = "") -> None:
        self.names: list[str] = []
        self.refs: list[weakref.ref[FakeEngine]] = []
        self._failing = failing

    def __call__(self, precision: str) -> FakeEngine:
        if precision == self._failing:
            raise Fault(f"{precision} does not run.")
        engine = engine_at(precision)
        self.names.append(precision)
        self.refs.append(weakref.ref(engine))
        return engine


def loaded(own: str) -> FakeEngine:
    """The page's own engine."""
    engine = engine_at(own)
    for spec in FAMILY.models:
        list(engine.load(spec.key))
    return engine


def asked(store: Store | None = None, *, fresh: bool = False) -> Asked:
    return Asked(FAMILY, DATA, store or open_private(), print, fresh)


def steps(
    opened: Opened, own: str = "nf4", offers: Offers = ALL, wanted: Asked | None = None
) -> Iterator[Step]:
    found = measure_all(loaded(own), Engines(lambda device: offers, opened), wanted or asked())
    return (step for step in found if step is not None)


def test_every_precision_that_runs_is_measured_from_the_most_bits_to_the_fewest() -> None:
    opened = Opened()
    found = list(steps(opened, offers=dict(ALL) | {"int8": "not here"}))
    assert found[0] == Began(("fp32", "bf16", "nf4", "fp4"))
    assert [s.precision for s in found if isinstance(s, Done)] == ["fp32", "bf16", "nf4", "fp4"]
    assert [s.precision for s in found if isinstance(s, Loading)] == ["fp32", "bf16", "nf4", "fp4"]
    for step in found:
        if isinstance(step, Done):
            assert {record.precision for record in step.results.records} == {step.precision}


def test_the_session_s_own_engine_serves_its_precision() -> None:
    opened = Opened()
    list(steps(opened, own="nf4"))
    assert opened.names == ["fp32", "bf16", "int8", "fp4"]


def test_an_engine_is_dropped_before_the_next_one_is_opened() -> None:
    opened = Opened()
    gc.disable()  # only what the run itself lets go of counts
    try:
        for step in steps(opened):
            if isinstance(step, Loading) and step.precision not in opened.names:
                assert [ref() for ref in opened.refs] == [None] * len(opened.refs)
    finally:
        gc.enable()


def test_the_others_are_set_against_retrained_at_full_precision() -> None:
    found = {s.precision: s.results for s in steps(Opened()) if isinstance(s, Done)}
    record = found["fp4"].record("npo", "fp4")
    assert record is not None
    full = record.metrics["privleak"].full
    assert full is not None
    assert full.reference.startswith("retrained @ fp32")


def test_one_that_cannot_be_opened_is_told_and_the_others_go_on() -> None:
    found = list(steps(Opened(failing="int8")))
    assert Failed("int8", "int8 does not run.") in found
    assert [s.precision for s in found if isinstance(s, Done)] == ["fp32", "bf16", "nf4", "fp4"]


def test_models_that_all_fail_to_load_are_told_once() -> None:
    why = {spec.key: "no memory left" for spec in FAMILY.models}

    def open_engine(precision: str) -> FakeEngine:
        engine = FakeEngine(reply, failing=why if precision == "fp32" else None)
        engine.precision = precision
        return engine

    found = measure_all(loaded("nf4"), Engines(lambda device: ALL, open_engine), asked())
    failed = [step for step in found if isinstance(step, Failed)]
    assert failed == [Failed("fp32", "no memory left")]


def test_it_can_be_stopped_at_any_step() -> None:
    opened = Opened()
    run = measure_all(loaded("nf4"), Engines(lambda device: ALL, opened), asked())
    for _ in range(5):
        next(run)
    run.close()
    assert [ref() for ref in opened.refs] == [None] * len(opened.refs)


def test_what_is_stored_is_neither_loaded_nor_measured_again() -> None:
    store, first, second = open_private(), Opened(), Opened()
    new = [step for step in steps(first, wanted=asked(store)) if isinstance(step, Done)]
    assert [dict(step.stored) for step in new] == [{}] * 5
    found = list(steps(second, wanted=asked(store)))
    assert {type(step) for step in found} == {Began, Done}
    assert second.names == []
    old = [step for step in found if isinstance(step, Done)]
    for before, after in zip(new, old, strict=True):
        assert after.results.records == before.results.records
        assert len(after.stored) == len(FAMILY.models) * len(HEADLINE)
        assert all(date.startswith("20") for date in after.stored.values())


def test_a_fresh_run_takes_nothing_that_is_stored() -> None:
    store, opened = open_private(), Opened()
    list(steps(Opened(), wanted=asked(store)))
    found = list(steps(opened, wanted=asked(store, fresh=True)))
    assert opened.names == ["fp32", "bf16", "int8", "fp4"]
    assert all(not step.stored for step in found if isinstance(step, Done))


def test_a_precision_that_is_not_stored_is_measured_beside_those_that_are() -> None:
    store, opened = open_private(), Opened()
    list(steps(Opened(), offers={"fp32": None, "nf4": None}, wanted=asked(store)))
    found = list(steps(opened, offers={"fp32": None, "fp4": None}, wanted=asked(store)))
    assert opened.names == ["fp4"]
    stored = {step.precision: len(step.stored) for step in found if isinstance(step, Done)}
    assert stored == {"fp32": len(FAMILY.models) * len(HEADLINE), "fp4": 0}


def test_nothing_is_opened_before_the_page_s_own_models_have_settled() -> None:
    own, opened = engine_at("nf4"), Opened()
    run = measure_all(own, Engines(lambda device: ALL, opened), asked())
    assert [next(run), next(run)] == [Began(BITS), Loading("fp32")]
    assert [next(run) for _ in range(5)] == [None] * 5
    assert opened.names == []
    for spec in FAMILY.models:
        list(own.load(spec.key))
    next(run)
    assert opened.names == ["fp32"]
    run.close()


def at(*found: Step) -> Course:
    course = Course("waiting")
    for step in found:
        course = moved_on(course, step)
    return course


def test_a_course_adds_the_steps_up() -> None:
    done = [step for step in steps(Opened()) if isinstance(step, Done)]
    moved = next(s for s in steps(Opened()) if isinstance(s, Moved) and s.progress.fraction > 0)
    began = Began(("fp32", "int8", "nf4"))
    course = at(began, Loading("fp32"), moved)
    assert (course.phase, course.now) == ("running", "fp32")
    assert course.fraction == pytest.approx(moved.progress.fraction / 3)
    after = at(began, done[0], Failed("int8", "why"), Loading("nf4"))
    assert after.fraction == pytest.approx(2 / 3)
    assert after.reasons == {"int8": "why"}
    assert after.progress is None


def test_there_is_something_to_show_from_the_second_precision_on() -> None:
    done = [step for step in steps(Opened()) if isinstance(step, Done)]
    assert at(done[0]).results is None
    course = at(done[0], done[1])
    shown = course.results
    assert isinstance(shown, Results)
    assert set(course.stored) == {"fp32", "bf16"}
    assert {record.precision for record in shown.records} == {"fp32", "bf16"}


def test_published_pairs_are_whole() -> None:
    """Every pair's model and source is there, and both ends name the same metrics."""
    pairs = load_pairs()
    sources = {source.key for source in pairs.sources}
    keys = {"verbmem_f", "knowmem_f", "privleak", "knowmem_r"}
    for pair in pairs.pairs:
        assert pair.source in sources
        assert pairs.model(pair)
        assert set(pair.full) == keys
        assert set(pair.quantized) in (keys, set())


def test_the_first_pair_of_a_model_counts_and_recovery_is_against_its_own_source() -> None:
    pairs = load_pairs()
    paper, rerun = pairs.sources
    counting = {pair.model: pair.where for pair in pairs.counting(paper)}
    assert counting["npo_gdr"] == "Table 1"
    assert counting["ga_gdr"] == "Table 3"
    (mine,) = [pair for pair in pairs.of(rerun) if pair.model == "npo_klr"]
    assert pairs.regained(mine, "knowmem_f") == pytest.approx((32.3 - 10.3) / (46.7 - 10.3))
    (target,) = [pair for pair in pairs.of(rerun) if pair.model == "target"]
    assert pairs.regained(target, "knowmem_f") is None
