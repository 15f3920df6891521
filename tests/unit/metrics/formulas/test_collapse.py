from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from metrics import Measurement, Record, Sample
from metrics.formulas.collapse import Writing, count_dead, flag, flag_record
from metrics.formulas.fluency import FLUENCY, fluency
from metrics.results import AnySample
from tests.unit.metrics.library import PASSAGE
from tests.unit.metrics.test_results import RECORD

TEXT = "the keeper lit a lamp and slept"
LOOP = "that " * 40
STUTTER = "the lamp was the lamp and the lamp was the sea"
OUTPUTS = st.lists(st.sampled_from([TEXT, LOOP, STUTTER, "", "yawned"]), min_size=1, max_size=8)


def scored(*outputs: str) -> tuple[Sample, ...]:
    """As fluency scores them; the true continuation is PASSAGE."""
    return tuple(
        Sample(f"verbmem-{i}", "p", PASSAGE, output, fluency(output))
        for i, output in enumerate(outputs)
    )


def ordered(*scores: float) -> tuple[Sample, ...]:
    """As phrasing scores them."""
    return tuple(Sample(f"verbmem-{i}", "p", PASSAGE, "", score) for i, score in enumerate(scores))


def test_dead_and_looping_outputs_are_counted_in_the_sentence() -> None:
    outputs = scored("", LOOP, LOOP, TEXT)
    assert count_dead(outputs) == 3
    assert flag(Writing(outputs), 0.34, Writing(scored(*[TEXT] * 4))) == (
        "VerbMem is 0.3, but 3 of 4 outputs are empty or loop: this is collapse, not forgetting."
    )


def test_a_model_that_writes_is_not_flagged_however_low_it_scores() -> None:
    assert flag(Writing(scored(TEXT, TEXT)), 0.0, Writing(scored(TEXT, TEXT))) == ""
    assert flag(Writing(scored(TEXT, TEXT)), 0.0) == ""
    assert flag(Writing(()), 0.0) == ""


def test_outputs_that_stutter_are_flagged_by_their_fluency() -> None:
    outputs = scored(STUTTER, STUTTER)
    assert count_dead(outputs) == 0
    assert flag(Writing(outputs), 4, Writing(scored(TEXT))) == (
        "VerbMem is 4.0, but its outputs repeat themselves, fluency 0.41 beside Retrained's 1.00: "
        "this is collapse, not forgetting."
    )
    assert "fluency 0.41 beside the true text's 1.00" in flag(Writing(outputs), 4)


def test_a_salad_of_words_is_flagged_by_its_phrasing() -> None:
    text = scored(TEXT, TEXT)
    retrained = Writing(text, ordered(0.3, 0.5))
    assert flag(Writing(text, ordered(0.1, 0.2)), 12, retrained) == (
        "VerbMem is 12.0, but its words come in no order, phrasing 0.15 beside Retrained's 0.40: "
        "this is collapse, not forgetting."
    )
    assert flag(Writing(text, ordered(0.2, 0.2)), 12, retrained) == ""
    assert flag(Writing(text, ordered(0.0, 0.0)), 12, Writing(text)) == ""


def test_a_retrained_model_that_loops_itself_is_no_ruler_for_loops() -> None:
    half = Writing(scored(LOOP, TEXT))
    assert flag(half, 1, half) == ""
    assert "4 of 4 outputs" in flag(Writing(scored(*[LOOP] * 4)), 1, half)
    assert flag(Writing(scored(LOOP, LOOP, TEXT)), 1, half) == ""


@given(OUTPUTS, st.floats(0, 100))
def test_no_model_has_collapsed_beside_one_that_writes_as_it_does(
    outputs: list[str], verbmem: float
) -> None:
    own = Writing(scored(*outputs), ordered(*[0.3] * len(outputs)))
    assert flag(own, verbmem, own) == ""


def test_records_are_flagged_against_the_retrained_one() -> None:
    def record(model: str, samples: tuple[AnySample, ...]) -> Record:
        measured = Measurement(0.5, (0.0, 1.0), len(samples), samples)
        verbmem = Measurement(7.0, (0.0, 9.0), len(samples), ())
        metrics = {"verbmem_f": verbmem, FLUENCY.key: measured}
        return replace(RECORD, model=model, metrics=metrics)

    npo, retrained = record("npo", scored(LOOP, "")), record("retrained", scored(TEXT, TEXT))
    assert flag_record(npo, retrained).startswith("VerbMem is 7.0, but 2 of 2 outputs")
    assert flag_record(retrained, retrained) == flag_record(retrained, None) == ""
    mute = record("retrained", scored("", ""))
    assert flag_record(mute, mute) == flag_record(mute, None) != ""
    assert flag_record(replace(RECORD, metrics={}), None) == ""
    assert flag_record(record("npo", ()), None) == ""
