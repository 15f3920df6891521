from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from math import nan
from pathlib import Path

import pytest

from loaders import Completion, Family, Fault, Score
from loaders.checkpoint import revision
from loaders.fake import FakeEngine
from metrics import (
    HEADLINE,
    METRICS,
    AnySample,
    Event,
    Finished,
    Measured,
    Measurement,
    Progress,
    Results,
    Sample,
    Sampled,
    Skipped,
    run,
)
from metrics.formulas.verbmem import VERBMEM
from metrics.passes import Output, Task
from metrics.profile import OPEN_UNLEARNING
from tests.unit.metrics.library import DATA, make_family, ready, right


@pytest.fixture
def family(tmp_path: Path) -> Family:
    return make_family(tmp_path)


@pytest.fixture
def engine(family: Family) -> FakeEngine:
    return ready(FakeEngine(right), family)


def events(engine: FakeEngine, family: Family, **options: Sequence[str]) -> list[Event]:
    found = run(engine, family, DATA, resamples=50, **options)  # type: ignore[arg-type]
    return [event for event in found if event is not None]


def results(found: Sequence[Event]) -> Results:
    assert isinstance(found[-1], Finished)
    return found[-1].results


def finals(found: Sequence[Event]) -> list[tuple[str, str]]:
    return [(e.metric, e.model) for e in found if isinstance(e, Measured) and e.final]


def reasons(found: Sequence[Event]) -> dict[tuple[str, str], str]:
    return {(e.metric, e.model): e.reason for e in found if isinstance(e, Skipped)}


def outputs(measurement: Measurement) -> list[str]:
    return [sample.output for sample in measurement.samples if isinstance(sample, Sample)]


class Counting(FakeEngine):
    """Counts the prompts it was given and remembers whether a run was closed."""

    prompts = 0
    closed = False

    def generate(
        self, model: str, prompts: Sequence[str], max_new_tokens: int, stops: Sequence[str] = ()
    ) -> Iterator[Completion | None]:
        self.prompts += len(prompts)
        try:
            yield from super().generate(model, prompts, max_new_tokens, stops)
        finally:
            self.closed = True


class Backwards(FakeEngine):
    """Completes the last prompt first."""

    def generate(
        self, model: str, prompts: Sequence[str], max_new_tokens: int, stops: Sequence[str] = ()
    ) -> Iterator[Completion | None]:
        found = [
            c for c in super().generate(model, prompts, max_new_tokens, stops) if c is not None
        ]
        yield from reversed(found)
        yield None


class BreaksOff(FakeEngine):
    """Runs out of memory after its first answer."""

    def generate(
        self, model: str, prompts: Sequence[str], max_new_tokens: int, stops: Sequence[str] = ()
    ) -> Iterator[Completion | None]:
        for done in super().generate(model, prompts, max_new_tokens, stops):
            yield done
            if done is None:
                raise Fault("out of memory")


class Broken(FakeEngine):
    """Its `npo` has no numbers for log-probs; counts the texts that it scored."""

    def __init__(self) -> None:
        super().__init__(right)
        self.scored: Counter[str] = Counter()

    def score(
        self,
        model: str,
        texts: Sequence[str],
        prompts: Sequence[str] | None = None,
        moments: bool = False,
    ) -> Iterator[Score | None]:
        for score in super().score(model, texts, prompts, moments):
            self.scored[model] += score is not None
            bad = model == "npo" and score is not None
            yield replace(score, logprobs=(nan,) * 5) if bad and score else score


def test_pass_by_pass_and_the_retrained_first_where_it_is_the_reference(
    engine: FakeEngine, family: Family
) -> None:
    usual = ["original", "retrained", "npo"]
    expected = [(m, key) for key in usual for m in ("verbmem_f", "fluency")]
    expected += [("knowmem_f", key) for key in usual]
    expected += [("privleak", key) for key in ("retrained", "original", "npo")]
    expected += [("knowmem_r", key) for key in usual]
    assert finals(events(engine, family)) == expected


def side(family: Family, at_once: int) -> FakeEngine:
    engine = FakeEngine(right)
    engine.at_once = at_once
    return ready(engine, family)


def test_models_go_on_side_by_side_and_their_numbers_are_the_same(family: Family) -> None:
    one, three = (events(side(family, at_once), family) for at_once in (1, 3))
    met = [e.model for e in three if isinstance(e, Sampled) and e.metric == "verbmem_f"]
    assert met == ["original", "retrained", "npo"] * 2
    assert [e.model for e in one if isinstance(e, Sampled)][:2] == ["original"] * 2
    assert [r.metrics for r in results(three).records] == [r.metrics for r in results(one).records]
    fractions = [event.fraction for event in three if isinstance(event, Progress)]
    assert fractions == sorted(fractions)
    assert fractions[-1] == pytest.approx(1)


def test_what_is_set_against_the_retrained_model_waits_for_its_number(family: Family) -> None:
    class Late(FakeEngine):
        """Its retrained model takes a hundred steps more."""

        at_once = 3

        def score(
            self,
            model: str,
            texts: Sequence[str],
            prompts: Sequence[str] | None = None,
            moments: bool = False,
        ) -> Iterator[Score | None]:
            yield from [None] * 100 * (model == "retrained")
            yield from super().score(model, texts, prompts, moments)

    late = events(ready(Late(right), family), family, metrics=["privleak"])
    told = [event.model for event in late if isinstance(event, Measured)]
    assert told[0] == "retrained"
    assert [key for _, key in finals(late)] == ["retrained", "original", "npo"]
    usual = events(side(family, 1), family, metrics=["privleak"])
    assert [r.metrics for r in results(late).records] == [r.metrics for r in results(usual).records]


def test_what_goes_on_side_by_side_is_closed_with_the_run(family: Family) -> None:
    engine = Counting(right)
    engine.at_once = 3
    found = run(ready(engine, family), family, DATA, metrics=["verbmem_f"])
    while next(found) is not None:
        pass
    assert not engine.closed
    found.close()  # type: ignore[attr-defined]
    assert engine.closed


def test_the_metrics_stand_in_the_order_they_are_shown() -> None:
    assert [(m.key, m.best) for m in HEADLINE] == [
        ("verbmem_f", "low"),
        ("knowmem_f", "low"),
        ("privleak", "zero"),
        ("knowmem_r", "high"),
        ("fluency", "high"),
    ]


def test_each_step_brings_samples_then_a_partial_number_then_the_final_one(
    engine: FakeEngine, family: Family
) -> None:
    found = list(run(engine, family, DATA, models=["npo"], metrics=["knowmem_f"]))
    kinds = [type(event).__name__ for event in found]
    assert kinds == [
        *("Progress", "Sampled", "Progress", "Measured", "NoneType"),
        *("Sampled", "Progress", "NoneType", "Measured", "Finished"),
    ]
    partial, final = [event for event in found if isinstance(event, Measured)]
    assert (partial.final, partial.measurement.n) == (False, 1)
    assert (final.final, final.measurement.n, final.measurement.value) == (True, 2, 100)


def test_progress_runs_from_zero_to_one_and_never_back(engine: FakeEngine, family: Family) -> None:
    found = [e for e in events(engine, family) if isinstance(e, Progress)]
    fractions = [event.fraction for event in found]
    assert fractions[0] == 0
    assert fractions == sorted(fractions)
    assert fractions[-1] == pytest.approx(1)
    both = ("verbmem_f", "fluency")
    assert [(e.metric, e.done, e.total) for e in found[:6]] == [
        (metric, done, 2) for done in range(3) for metric in both
    ]


def test_fluency_asks_nothing_again(family: Family) -> None:
    engine = Counting(right)
    ready(engine, family)
    found = events(engine, family, metrics=["verbmem_f", "fluency"])
    assert engine.prompts == len(family.models) * len(DATA.verbmem)
    record = results(found).records[0]
    outputs = [
        [s.output for s in m.samples if isinstance(s, Sample)] for m in record.metrics.values()
    ]
    assert outputs[0] == outputs[1]


def test_fluency_alone_asks_for_itself(engine: FakeEngine, family: Family) -> None:
    found = events(engine, family, metrics=["fluency"], models=["npo"])
    assert results(found).records[0].metrics["fluency"].n == 2


def test_the_record_says_where_its_numbers_come_from(engine: FakeEngine, family: Family) -> None:
    made = results(events(engine, family))
    record = made.record("retrained", "fp32")
    assert record is not None
    assert (made.family, made.device, record.profile, record.source) == (
        "lamp",
        "cpu",
        "muse",
        "live",
    )
    assert (record.scale, record.seed, record.data_sha256) == ("toy", 0, "0" * 64)
    assert record.repo == family.model("retrained").repo
    assert record.revision == revision(family.model("retrained"))
    assert set(made.versions) >= {"python", "numpy", "rouge-score"}
    assert record.metrics["privleak"].reference == "retrained @ fp32, this run"
    assert record.metrics["privleak"].value == 0


def test_samples_are_in_data_order_whatever_order_they_came_in(family: Family) -> None:
    backwards = ready(Backwards(right), family)
    forwards = ready(FakeEngine(right), family)
    one = results(events(backwards, family, metrics=["verbmem_f"]))
    other = results(events(forwards, family, metrics=["verbmem_f"]))
    assert one.records == other.records


def test_the_same_seed_gives_the_same_numbers(engine: FakeEngine, family: Family) -> None:
    assert results(events(engine, family)).records == results(events(engine, family)).records


def test_closing_it_stops_the_engine(family: Family) -> None:
    engine = Counting(right)
    ready(engine, family)
    going = run(engine, family, DATA)
    assert next(event for event in going if isinstance(event, Sampled)).model == "original"
    going.close()  # type: ignore[attr-defined]
    assert engine.closed


def test_a_fault_of_one_model_is_a_dash_and_the_run_goes_on(family: Family) -> None:
    found = events(ready(Broken(), family), family)
    assert list(reasons(found)) == [("privleak", "npo")]
    assert (
        "privleak_forget-0: a log-prob is not a finite number" in reasons(found)["privleak", "npo"]
    )
    record = results(found).record("npo", "fp32")
    assert record is not None
    assert set(record.metrics) == {"verbmem_f", "knowmem_f", "knowmem_r", "fluency"}


def test_a_pass_that_no_metric_reads_any_more_is_left(family: Family) -> None:
    engine = Broken()
    ready(engine, family)
    events(engine, family, metrics=["privleak"])
    assert engine.scored == {"original": 4, "retrained": 4, "npo": 1}


def test_a_fault_in_one_metric_leaves_the_others_of_the_pass_alone(
    family: Family, monkeypatch: pytest.MonkeyPatch
) -> None:
    choosy = replace(VERBMEM, key="choosy", sample=refuse_the_morning)
    monkeypatch.setattr("metrics.registry.METRICS", (choosy, *METRICS))
    engine = Counting(right)
    ready(engine, family)
    found = events(engine, family, metrics=["choosy", "verbmem_f", "fluency"])
    assert reasons(found) == {("choosy", spec.key): "It is morning." for spec in family.models}
    assert engine.prompts == len(family.models) * len(DATA.verbmem)
    for record in results(found).records:
        assert {key: m.n for key, m in record.metrics.items()} == {"verbmem_f": 2, "fluency": 2}
    seen = [e.sample.id for e in found if isinstance(e, Sampled) and e.metric == "choosy"]
    assert seen == ["verbmem-0"] * len(family.models)


def refuse_the_morning(row: Output, task: Task) -> AnySample:
    """VerbMem of the evening's passage; of the morning's it is not defined."""
    if "morning" in row.prompt:
        raise Fault("It is morning.")
    return VERBMEM.sample(row, task)


def test_a_data_set_without_the_rows_of_a_metric_is_a_dash_that_says_so(
    engine: FakeEngine, family: Family
) -> None:
    found = events(engine, family, metrics=["knowmem_rehearsed", "knowmem_r"])
    why = "The data set has no questions for KnowMem, rehearsed."
    assert reasons(found) == {("knowmem_rehearsed", spec.key): why for spec in family.models}
    assert [list(record.metrics) for record in results(found).records] == [["knowmem_r"]] * 3
    alone = events(engine, family, metrics=["knowmem_rehearsed"])
    assert {e.fraction for e in alone if isinstance(e, Progress)} == {1.0}


def test_rehearsed_questions_are_asked_where_the_data_has_them(
    engine: FakeEngine, family: Family
) -> None:
    data = replace(DATA, knowmem_rehearsed=DATA.knowmem_r)
    found = [e for e in run(engine, family, data, metrics=["knowmem_rehearsed"]) if e is not None]
    measured = results(found).records[0].metrics["knowmem_rehearsed"]
    assert (measured.value, measured.exact, measured.n) == (100, 100, 2)


def test_the_record_names_its_profile(engine: FakeEngine, family: Family) -> None:
    found = [e for e in run(engine, family, DATA, profile=OPEN_UNLEARNING) if e is not None]
    assert {record.profile for record in results(found).records} == {"open-unlearning"}


def test_a_model_that_failed_to_load_is_a_row_of_dashes_with_the_reason(family: Family) -> None:
    engine = ready(FakeEngine(right, failing={"npo": "the file is damaged"}), family)
    found = events(engine, family)
    assert {model for _, model in reasons(found)} == {"npo"}
    assert len(reasons(found)) == len(HEADLINE)
    assert reasons(found)["verbmem_f", "npo"] == "Npo could not be loaded: the file is damaged"
    record = results(found).record("npo", "fp32")
    assert record is not None
    assert record.metrics == {}


def test_without_the_retrained_model_among_them_privleak_is_a_dash(
    engine: FakeEngine, family: Family
) -> None:
    found = events(engine, family, models=["original", "npo"])
    assert set(reasons(found)) == {("privleak", "original"), ("privleak", "npo")}
    assert "add 'retrained' to the models" in reasons(found)["privleak", "npo"]
    assert len(finals(found)) == 8


def test_a_family_without_a_retrained_model_says_so(tmp_path: Path) -> None:
    family = make_family(tmp_path, ("original", "npo"))
    found = events(ready(FakeEngine(right), family), family, metrics=["privleak"])
    assert "the family lamp has none" in reasons(found)["privleak", "original"]


def test_when_the_retrained_model_has_no_number_the_others_say_why(family: Family) -> None:
    engine = ready(FakeEngine(right, failing={"retrained": "no such file"}), family)
    found = events(engine, family, metrics=["privleak"])
    assert finals(found) == []
    assert reasons(found)["privleak", "npo"].endswith(
        "which has no number. Retrained could not be loaded: no such file"
    )


def test_a_pass_that_broke_off_is_a_dash_for_each_of_its_metrics(family: Family) -> None:
    engine = ready(BreaksOff(right), family)
    found = events(engine, family, metrics=["verbmem_f", "fluency"], models=["npo"])
    why = "out of memory"
    assert reasons(found) == {("verbmem_f", "npo"): why, ("fluency", "npo"): why}


def test_a_model_that_is_still_loading_is_told_from_one_that_failed(family: Family) -> None:
    found = events(FakeEngine(right), family, models=["npo"], metrics=["verbmem_f"])
    assert reasons(found)["verbmem_f", "npo"] == "Npo is waiting; measure it when it is ready."


def test_unknown_keys_are_faults_before_anything_runs(engine: FakeEngine, family: Family) -> None:
    with pytest.raises(Fault, match="has no model 'gpt'; it has original, retrained, npo"):
        events(engine, family, models=["gpt"])
    with pytest.raises(Fault, match="There is no metric 'rouge'; choose from verbmem_f, knowmem_f"):
        events(engine, family, metrics=["rouge"])
