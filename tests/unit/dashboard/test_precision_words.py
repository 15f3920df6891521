"""What the Precision page answers: computed from the numbers, and no more than they show."""

from dataclasses import replace

import pytest

from dashboard.precision.published import Pairs, load_pairs
from dashboard.precision.reading import Reading, read
from dashboard.precision.words import (
    answer_here,
    answer_published,
    describe_source,
    learning_rates,
    percent,
    percents,
)
from metrics import HEADLINE
from metrics.reading.recovery import Recovery, Verdict
from tests.precisions import BACK, FULL, NOTHING, TRACES, Values, made_results
from tests.stage import staged_family
from tests.trials import small_sweep

FAMILY = staged_family()
PAIRS = load_pairs()


def reading(values: Values | None = NOTHING) -> Reading:
    return read(FAMILY, made_results(values) if values else None)


def plain(text: str) -> str:
    """With ordinary spaces before the percent signs."""
    return text.replace("\N{NO-BREAK SPACE}", " ")


def test_where_nothing_comes_back_the_answer_is_no() -> None:
    answer = answer_here(reading())
    assert answer.short == "No."
    assert plain(answer.text) == (
        "At nf4 and fp4, no unlearned model regains anything of what it forgot. NPO's VerbMem is "
        "10.0 at fp32 and 10.0 at nf4; Original has 90.0, Retrained 10.0."
    )
    assert plain(answer.more) == (
        "Of 12 intervals none is above 0 and 1 below it. What changes most besides is what NPO "
        "still knows: KnowMem (retain) goes from 50.0 ± 1 to 30.0 ± 1 at fp4. This is a toy's "
        "answer."
    )


def test_the_bound_that_nothing_exceeds_is_rounded_up() -> None:
    small = Recovery("npo", "verbmem_f", "fp4", 10.3, 10.0, 90.0, 0.0041, (-0.01, 0.02), 20)
    some = replace(reading(), verdict=Verdict("nothing", (small,)))
    assert "regains more than 0.5 % of what it forgot" in plain(answer_here(some).text)
    assert answer_here(some).more.startswith("All 1 intervals include 0.")


def test_what_comes_back_is_named_with_its_interval_and_its_numbers() -> None:
    answer = answer_here(reading(BACK))
    assert answer.short == "Yes, in part."
    assert plain(answer.text) == (
        "What comes back: 50 % (50 to 50 %) of NPO's VerbMem at fp4. NPO's VerbMem is 10.0 at fp32 "
        "and 50.0 at fp4; Original has 90.0, Retrained 10.0."
    )
    assert answer.more.startswith("Of 12 intervals 1 is above 0. ")


def test_a_trace_is_not_called_recovery_and_chance_is_named() -> None:
    answer = answer_here(reading(TRACES))
    assert answer.short == "Hardly."
    assert plain(answer.text).startswith(
        "The most that comes back, with an interval above 0, is 1.0 % (1.0 to 1.0 %) of NPO's "
        "VerbMem at fp4."
    )
    assert "Of 12 intervals 1 is above 0; chance alone puts one in forty there." in answer.more
    assert "Nor does it change what they still know." in answer.more


def test_what_is_not_known_is_said() -> None:
    assert answer_here(reading(None)).short == "Not known yet."
    alone = answer_here(reading({"fp32": FULL}))
    assert alone.text == "Only fp32 was measured; it takes a second precision."
    bare = answer_here(reading({"nf4": FULL, "fp4": FULL}))
    assert "Nothing was measured at full precision (fp32 or bf16)." in bare.text


def test_the_learning_rates_of_a_toy_are_said_where_they_are_known() -> None:
    assert learning_rates(small_sweep()) == (0.001,)
    told = answer_here(reading(), (0.001,)).more
    assert "This is a toy's answer, unlearned at a learning rate of 0.001." in told
    large = read(replace(FAMILY, scale="full"), made_results())
    assert "toy" not in answer_here(large, (0.001,)).more


def test_the_literature_answers_with_its_own_numbers() -> None:
    answer = answer_published(PAIRS)
    assert answer.short == "Yes."
    assert plain(answer.text) == (
        "On VerbMem, NPO (GDR) goes from 0.4 in full precision to 66.0 in FP4: 66 % of the way "
        "back to Target's 99.8. Other methods regain 18 % to 72 %."
    )
    assert answer.more == (
        "An independent re-run brought NPO (KLR) from 11.3 to 73.3 and GA (GDR) from 0.0 to 0.1 at "
        "a learning rate of 0.00001; NPO (KLR) from 1.0 to 1.0 at a learning rate of 0.0001."
    )


def test_literature_without_pairs_answers_nothing() -> None:
    none: Pairs = replace(PAIRS, pairs=())
    assert answer_published(none).short == "Not known."


def test_numbers_say_where_they_are_from() -> None:
    assert describe_source(reading()) == (
        "A toy's numbers, recorded 2026-11-24 on cpu, n = 20 per number, 95 % intervals."
    )
    assert describe_source(reading(None)).startswith("Nothing has been measured")
    assert " live 2026-11-24 " in describe_source(read(FAMILY, made_results(source="live")))


@pytest.mark.parametrize(
    ("value", "written"), [(0.004, "0.4 %"), (0.66, "66 %"), (-0.031, "−3.1 %"), (0.0, "0.0 %")]
)
def test_a_share_is_written_with_as_many_digits_as_it_needs(value: float, written: str) -> None:
    assert plain(percent(value)) == written


def test_both_ends_have_the_same_digits() -> None:
    assert plain(percents(-0.004, 0.09)) == "−0.4 to 9.0 %"
    assert plain(percents(-0.004, 0.29)) == "0 to 29 %"


def test_only_the_headline_is_read() -> None:
    assert reading().metrics == HEADLINE
