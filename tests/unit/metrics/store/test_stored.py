from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from loaders import Completion, Engine, Family, Fault
from loaders.fake import FakeEngine
from metrics import (
    HEADLINE,
    Data,
    Event,
    Finished,
    Measured,
    Progress,
    Results,
    Sampled,
    Skipped,
    run,
    stored,
)
from metrics.events import Recalled
from metrics.profile import OPEN_UNLEARNING
from metrics.results import from_json, to_json
from metrics.store import Store, open_private
from metrics.store.file import open_file
from metrics.stored import NotLoaded, Wanted, refuse, run_stored
from tests.unit.metrics.library import DATA, make_family, ready
from tests.unit.metrics.store.shelves import Asked, Opener, long_data, results, run_all, sleeper

MODELS = ("original", "retrained", "npo")


@pytest.fixture
def family(tmp_path: Path) -> Family:
    return make_family(tmp_path / "family")


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return open_file(tmp_path / "results.sqlite")


@pytest.fixture
def engine() -> Asked:
    return Asked()


@pytest.fixture
def opener(engine: Asked, family: Family) -> Opener:
    return Opener(engine, family)


@pytest.fixture
def wanted(family: Family) -> Wanted:
    return Wanted(family, DATA, "fp32", "cpu", resamples=50)


def unopened(models: Sequence[str]) -> Engine:
    raise AssertionError(f"{models} were opened")


def cells(events: Sequence[Event], kind: type) -> set[tuple[str, str]]:
    return {(e.model, e.metric) for e in events if isinstance(e, kind)}  # type: ignore[attr-defined]


EVERY = {(model, metric.key) for model in MODELS for metric in HEADLINE}


def test_the_first_run_is_the_suites_own(
    store: Store, opener: Opener, wanted: Wanted, family: Family
) -> None:
    events = run_all(store, opener, wanted, told := [])
    usual = run(ready(FakeEngine(sleeper), family), family, DATA, resamples=50)
    plain = [event for event in usual if event is not None]
    assert events[:-1] == plain[:-1]
    assert results(events).records == results(plain).records
    assert (opener.opened, told) == ([MODELS], [])


def test_what_is_stored_comes_at_once_and_no_model_is_opened(
    store: Store, opener: Opener, engine: Asked, wanted: Wanted
) -> None:
    first = results(run_all(store, opener, wanted, []))
    asked = len(engine.answered)
    again = [event for event in run_stored(store, unopened, wanted, print) if event is not None]
    assert results(again) == first
    assert len(engine.answered) == asked
    assert {type(event) for event in again} == {Recalled, Measured, Finished}
    assert cells(again, Recalled) == cells(again, Measured) == EVERY
    assert all(event.created[:2] == "20" for event in again if isinstance(event, Recalled))


def test_who_may_open_nothing_has_what_is_stored_and_hears_what_is_not(
    store: Store, opener: Opener, wanted: Wanted
) -> None:
    run_all(store, opener, replace(wanted, models=["original"], metrics=["verbmem_f"]), [])
    two = replace(wanted, models=["original", "npo"], metrics=["verbmem_f", "knowmem_r"])
    events: list[Event] = []
    with pytest.raises(NotLoaded, match="original and npo would have to be loaded") as refused:
        events.extend(event for event in run_stored(store, refuse, two, print) if event)
    assert refused.value.models == ("original", "npo")
    assert cells(events, Measured) == {("original", "verbmem_f")}
    assert [one.record.model for one in store.list()] == ["original"]


def test_a_new_metric_runs_alone(
    store: Store, opener: Opener, engine: Asked, wanted: Wanted
) -> None:
    run_all(store, opener, replace(wanted, metrics=["verbmem_f"]), [])
    before = len(engine.answered)
    events = run_all(store, opener, replace(wanted, metrics=["verbmem_f", "knowmem_r"]), [])
    assert cells(events, Recalled) == {(model, "verbmem_f") for model in MODELS}
    assert cells(events, Sampled) == {(model, "knowmem_r") for model in MODELS}
    assert len(engine.answered) - before == len(MODELS) * len(DATA.knowmem_r)
    assert list(results(events).records[0].metrics) == ["verbmem_f", "knowmem_r"]


def test_a_number_that_is_stored_comes_once(store: Store, opener: Opener, wanted: Wanted) -> None:
    two = replace(wanted, models=["original", "npo"], metrics=["verbmem_f", "knowmem_r"])
    run_all(store, opener, replace(two, models=["npo"], metrics=["verbmem_f"]), [])
    dated = store.list()[0].dates["verbmem_f"]
    events = run_all(store, opener, two, [])
    finals = [(e.model, e.metric) for e in events if isinstance(e, Measured) and e.final]
    assert finals[0] == ("npo", "verbmem_f")
    assert len(finals) == len(set(finals)) == 4
    assert ("npo", "verbmem_f") not in cells(events, Sampled)
    assert {one.dates["verbmem_f"] for one in store.list() if one.record.model == "npo"} == {dated}


def test_a_metric_of_rows_that_are_kept_needs_no_model(
    store: Store, opener: Opener, wanted: Wanted
) -> None:
    run_all(store, opener, replace(wanted, metrics=["verbmem_f"]), [])
    events = run_all(store, opener, replace(wanted, metrics=["fluency"]), [])
    assert opener.opened == [MODELS]
    assert cells(events, Recalled) == set()
    assert {m for _, m in cells(events, Measured)} == {"fluency"}


@pytest.mark.parametrize("change", [{"seed": 7}, {"resamples": 60}])
def test_another_seed_is_another_record_of_the_same_rows(
    store: Store, opener: Opener, wanted: Wanted, change: dict[str, int]
) -> None:
    run_all(store, opener, wanted, [])
    events = run_all(store, opener, replace(wanted, **change), [])  # type: ignore[arg-type]
    assert (len(opener.opened), cells(events, Recalled)) == (1, set())
    assert len(store.list()) == 2 * len(MODELS)


def test_a_limit_takes_what_it_needs_of_the_rows(
    store: Store, opener: Opener, engine: Asked, family: Family
) -> None:
    def asked(data: Data) -> int:
        before = len(engine.answered)
        wanted = Wanted(family, data, "fp32", "cpu", ["npo"], ["verbmem_f"], resamples=50)
        events = run_all(store, opener, wanted, [])
        assert results(events).records[0].metrics["verbmem_f"].n == len(data.verbmem)
        return len(engine.answered) - before

    assert [asked(long_data(n)) for n in (4, 2, 6, 6)] == [4, 0, 2, 0]


@pytest.mark.parametrize(
    "change",
    [{"profile": OPEN_UNLEARNING}, {"precision": "nf4"}, {"device": "cuda"}],
)
def test_other_conditions_are_run_anew(
    store: Store, opener: Opener, wanted: Wanted, change: dict[str, str]
) -> None:
    run_all(store, opener, wanted, [])
    run_all(store, opener, replace(wanted, **change), [])  # type: ignore[arg-type]
    assert opener.opened == [MODELS, MODELS]


def test_what_was_computed_in_another_dtype_is_run_anew(
    store: Store, opener: Opener, wanted: Wanted, monkeypatch: pytest.MonkeyPatch
) -> None:
    nf4 = replace(wanted, precision="nf4", models=["npo"], metrics=["verbmem_f"])
    for name in ("fp32", "bf16", "fp32"):
        monkeypatch.setattr(stored, "compute_name", lambda precision, device, name=name: name)
        (record,) = results(run_all(store, opener, nf4, [])).records
        assert record.compute == name
        assert from_json(to_json(Results("lamp", "cpu", "", {}, (record,)))).records == (record,)
    assert opener.opened == [("npo",)] * 2
    assert {one.record.held for one in store.list()} == {
        "nf4, computed in fp32",
        "nf4, computed in bf16",
    }


def test_a_stage_of_training_keeps_its_step(
    store: Store, opener: Opener, wanted: Wanted, family: Family
) -> None:
    specs = tuple(replace(spec, step=40) for spec in family.models)
    stages = replace(wanted, family=replace(family, models=specs))
    assert {r.step for r in results(run_all(store, opener, stages, [])).records} == {40}
    assert {one.step for one in store.list()} == {", step 40"}


def test_another_gpu_of_the_kind_is_the_same_device(
    store: Store, opener: Opener, wanted: Wanted
) -> None:
    run_all(store, opener, replace(wanted, device="cuda:0"), [])
    run_all(store, opener, replace(wanted, device="cuda:1"), [])
    assert len(opener.opened) == 1


def test_other_weights_are_run_anew(
    store: Store, opener: Opener, wanted: Wanted, family: Family, tmp_path: Path
) -> None:
    run_all(store, opener, wanted, [])
    (tmp_path / "new").mkdir()
    (tmp_path / "new" / "model.safetensors").write_bytes(b"retouched")
    specs = tuple(
        replace(spec, repo=str(tmp_path / "new")) if spec.key == "npo" else spec
        for spec in family.models
    )
    events = run_all(store, opener, replace(wanted, family=replace(family, models=specs)), [])
    assert opener.opened[1:] == [("npo",)]
    assert cells(events, Recalled) == {cell for cell in EVERY if cell[0] != "npo"}
    assert cells(events, Skipped) == set()
    record = results(events).record("npo", "fp32")
    assert record is not None
    assert record.metrics["privleak"].reference == "retrained @ fp32, this run"


def test_privleak_against_another_reference_is_another_number(
    store: Store, opener: Opener, wanted: Wanted
) -> None:
    run_all(store, opener, wanted, [])
    alone = replace(wanted, models=["npo"])
    events = run_all(store, opener, alone, [])
    assert cells(events, Skipped) == {("npo", "privleak")}
    assert len(cells(events, Recalled)) == len(HEADLINE) - 1
    full = results(run_all(store, opener, wanted, []))
    nf4 = replace(wanted, precision="nf4", full=full)
    first, second = run_all(store, opener, nf4, []), run_all(store, opener, nf4, [])
    assert results(first).records == results(second).records
    assert cells(second, Recalled) == EVERY
    bare = run_all(store, opener, replace(nf4, full=None), [])
    assert {metric for _, metric in EVERY - cells(bare, Recalled)} == {"privleak"}


def test_a_run_that_was_closed_goes_on_with_the_row_it_stopped_at(
    store: Store, opener: Opener, engine: Asked, family: Family
) -> None:
    wanted = Wanted(family, long_data(30), "fp32", "cpu", ["npo"], ["verbmem_f"], resamples=50)
    going = run_stored(store, opener, wanted, print)
    steps = (event for event in going if event is None)
    for _ in range(10):
        next(steps)
    going.close()  # type: ignore[attr-defined]
    assert len(engine.answered) == 10
    events = run_all(store, opener, wanted, [])
    assert len(engine.answered) == 30
    assert results(events).records[0].metrics["verbmem_f"].n == 30
    alone = Opener(Asked(), family)
    assert results(run_all(open_private(), alone, wanted, [])).records == results(events).records


def test_numbers_are_stored_as_soon_as_they_are_final(
    store: Store, opener: Opener, wanted: Wanted
) -> None:
    going = run_stored(store, opener, wanted, print)
    next(e for e in going if isinstance(e, Measured) and e.final and e.metric == "knowmem_f")
    going.close()  # type: ignore[attr-defined]
    found = {one.record.model: set(one.record.metrics) for one in store.list()}
    assert found["original"] == {"verbmem_f", "fluency", "knowmem_f"}
    assert found["retrained"] == found["npo"] == {"verbmem_f", "fluency"}


def test_a_fresh_run_asks_again_and_replaces(
    store: Store, opener: Opener, engine: Asked, wanted: Wanted
) -> None:
    run_all(store, opener, wanted, [])
    first = Counter(engine.answered)
    events = run_all(store, opener, replace(wanted, fresh=True), [])
    assert Counter(engine.answered) == first + first
    assert cells(events, Recalled) == set()
    assert len(store.list()) == len(MODELS)


def test_a_number_that_cannot_come_opens_no_model_again(
    store: Store, opener: Opener, family: Family
) -> None:
    wanted = Wanted(family, replace(DATA, knowmem_r=()), "fp32", "cpu", resamples=50)
    first, again = run_all(store, opener, wanted, []), run_all(store, opener, wanted, [])
    assert cells(first, Skipped) == cells(again, Skipped)
    assert {metric for _, metric in cells(again, Skipped)} == {"knowmem_r"}
    assert len(opener.opened) == 1


def test_a_model_that_fails_leaves_the_others_stored(store: Store, family: Family) -> None:
    opener = Opener(Asked(), family)
    opener._engine._failing = {"npo": "the file is damaged"}
    ready(opener._engine, family)
    wanted = Wanted(family, DATA, "fp32", "cpu", resamples=50)
    events = run_all(store, opener, wanted, [])
    assert {model for model, _ in cells(events, Skipped)} == {"npo"}
    run_all(store, opener, wanted, [])
    assert opener.opened == [MODELS, ("npo",)]


def test_a_store_that_is_full_stops_no_run_and_is_told_once(
    store: Store, opener: Opener, family: Family
) -> None:
    pages = store._connection.execute("PRAGMA page_count").fetchone()[0]
    store._connection.execute(f"PRAGMA max_page_count = {pages + 3}")
    wanted = Wanted(family, long_data(60), "fp32", "cpu", resamples=50)
    events = run_all(store, opener, wanted, told := [])
    assert cells(events, Measured) == EVERY
    assert not cells(events, Skipped)
    assert len(told) == 1
    assert told[0].startswith("From here on the results of this run are not kept. The disk is full")
    assert len(results(events).records) == len(MODELS)


def test_a_store_that_is_damaged_stops_no_run(store: Store, opener: Opener, wanted: Wanted) -> None:
    run_all(store, opener, wanted, [])
    store._connection.execute("UPDATE numbers SET samples = x'00'")
    events = run_all(store, opener, wanted, told := [])
    assert cells(events, Measured) == EVERY
    assert len(told) == 1


def test_a_store_that_may_only_be_read_gives_and_keeps_nothing(
    store: Store, opener: Opener, wanted: Wanted, tmp_path: Path
) -> None:
    run_all(store, opener, replace(wanted, metrics=["verbmem_f"]), [])
    store.close()
    reader = open_file(tmp_path / "results.sqlite", read_only=True)
    events = run_all(reader, opener, wanted, told := [])
    assert cells(events, Recalled) == {(model, "verbmem_f") for model in MODELS}
    assert cells(events, Measured) == EVERY
    assert "may only be read" in told[0]


def test_progress_still_runs_to_its_end(store: Store, opener: Opener, wanted: Wanted) -> None:
    run_all(store, opener, replace(wanted, metrics=["verbmem_f"]), [])
    events = run_all(store, opener, wanted, [])
    fractions = [event.fraction for event in events if isinstance(event, Progress)]
    assert fractions == sorted(fractions)
    assert fractions[-1] == pytest.approx(1)


def test_results_of_stored_numbers_are_results_like_any(
    store: Store, opener: Opener, wanted: Wanted
) -> None:
    run_all(store, opener, wanted, [])
    again = results([e for e in run_stored(store, unopened, wanted, print) if e is not None])
    assert from_json(to_json(again)) == again
    assert again.created == max(one.created for one in store.list())


def test_a_fault_of_the_engine_is_not_stored(store: Store, family: Family) -> None:
    class Stops(Asked):
        def generate(
            self,
            model: str,
            prompts: Sequence[str],
            max_new_tokens: int,
            stops: Sequence[str] = (),
        ) -> Iterator[Completion | None]:
            yield from list(super().generate(model, prompts[:1], max_new_tokens, stops))
            raise Fault("out of memory")

    wanted = Wanted(family, DATA, "fp32", "cpu", ["npo"], ["verbmem_f"], resamples=50)
    broken = run_all(store, Opener(Stops(), family), wanted, [])
    assert cells(broken, Skipped) == {("npo", "verbmem_f")}
    engine = Asked()
    events = run_all(store, Opener(engine, family), wanted, [])
    assert len(engine.answered) == len(DATA.verbmem) - 1
    assert results(events).records[0].metrics["verbmem_f"].n == len(DATA.verbmem)
