"""What is said about a sweep: computed from its trials, and no more than they show."""

import re
from dataclasses import replace

from dashboard.sweep.words import describe_misses, describe_sweep
from metrics.choosing.rule import mark
from metrics.choosing.trials import Trial
from tests.trials import GOOD, RETRAINED, nothing_forgot, small_sweep, tried


def words(trials: tuple[Trial, ...]) -> dict[str, str]:
    return {said.about: said.text for said in describe_sweep(trials)}


SAID = words(small_sweep())


def test_budgets_and_the_line_to_reach_come_first() -> None:
    assert SAID["What was tried"] == (
        "Trials: NPO, SimNPO, NPO on token means, SimNPO on the token sum and Gradient ascent 2 "
        "each. What a model keeps is its KnowMem on the retain set: "
        "Retrained has 98.0, with VerbMem 14.0."
    )


def test_other_budgets_are_told_apart() -> None:
    trials = [tried(method, 1.0, 50.0) for method in ("npo", "simnpo", "graddiff")]
    more = [tried(method, 10.0, 50.0) for method in ("npo", "simnpo")]
    said = words(tuple(mark([RETRAINED, *trials, *more])))["What was tried"]
    assert said.startswith("Trials: NPO and SimNPO 2 each; GradDiff 1. What")


def test_an_unfair_budget_is_said() -> None:
    trials = [tried("npo", 1.0, 50.0), tried("npo", 10.0, 50.0), tried("simnpo", 1.0, 50.0)]
    said = words(tuple(mark([RETRAINED, *trials])))["What was tried"]
    assert "NPO and SimNPO were not given the same." in said


def test_at_the_published_weight_both_are_told_in_numbers_with_their_seeds() -> None:
    assert SAID["At the published λ = 1"] == (
        "NPO keeps 60.0 (50.0 to 64.0 over 3 seeds, of which 2 forgot), with VerbMem 15.0 and "
        "PrivLeak −20.0; "
        "verdict: forgot. "
        "SimNPO keeps 50.0, with VerbMem 15.0 and PrivLeak −28.0; "
        "verdict: not forgotten, out of bounds by 3.0 points on PrivLeak. "
        "So at λ 1, with NPO on the token sum and SimNPO on the token mean, only NPO forgot, and "
        "what the two keep is not compared."
    )


def test_over_all_weights_the_rule_s_choice_is_told() -> None:
    assert SAID["With λ free"] == (
        "No other λ is better for NPO. "
        "At λ 10, its best, SimNPO keeps 90.0, with VerbMem 15.0 and PrivLeak −20.0; "
        "verdict: forgot. "
        "So at λ 1 for NPO and 10 for SimNPO, with NPO on the token sum and SimNPO on the token "
        "mean, both forgot, and SimNPO keeps 30.0 points more."
    )


def test_the_normalisations_exchanged_are_told_at_one_and_over_all() -> None:
    assert SAID["With the normalisations exchanged"] == (
        "At λ 1, NPO on token means keeps 55.0, with VerbMem 15.0 and PrivLeak −20.0; "
        "verdict: forgot. "
        "At λ 10, its best, NPO on token means keeps 70.0, with VerbMem 15.0 and PrivLeak −20.0; "
        "verdict: forgot. "
        "At λ 1, SimNPO on the token sum keeps 40.0, with VerbMem 15.0 and PrivLeak −20.0; "
        "verdict: forgot; no other λ is better."
    )


def test_counts_by_weight_are_given_for_every_method() -> None:
    assert SAID["Where it forgot"] == (
        "Trials that forgot at λ 1 and 10, of 1 each: NPO 1 and 0; SimNPO 0 and 1; "
        "NPO on token means 1 and 1; SimNPO on the token sum 1 and 1. "
        "Trials that forgot at λ 0, of 2: Gradient ascent 0."
    )


def test_where_nothing_forgot_the_nearest_and_its_bound_are_named() -> None:
    said = words(nothing_forgot())
    assert said["Where it forgot"] == (
        "None of the 10 trials forgot. SimNPO (token mean, no reference) at λ 10 comes nearest: "
        "not forgotten, out of bounds by 65.0 points on PrivLeak. Bounds that were missed: "
        "PrivLeak by 10, fluency by 1 and VerbMem by 1."
    )
    assert "neither forgot, and what the two keep is not compared" in said["With λ free"]
    assert "At λ 10, where it comes nearest, SimNPO keeps 90.0" in said["With λ free"]
    assert "its best" not in " ".join(said.values())


def test_a_collapsed_one_is_called_so_with_every_bound_it_misses() -> None:
    worst = replace(GOOD, fluency=0.62, privleak=-26.0)
    assert describe_misses(worst, RETRAINED) == (
        "out of bounds by 10.0 points on fluency and 1.0 on PrivLeak"
    )
    said = words(tuple(mark([RETRAINED, worst])))
    assert "verdict: collapsed, out of bounds by 10.0 points" in said["At the published λ = 1"]


def test_seeds_that_overlap_are_said_with_the_difference() -> None:
    seeds = [
        tried(method, 1.0, kept, seed=seed)
        for method, values in (("npo", (60.0, 66.0)), ("simnpo", (65.0, 62.0)))
        for seed, kept in enumerate(values)
    ]
    others = [tried(method, 0.1, 9.0) for method in ("npo", "simnpo")]
    said = words(tuple(mark([RETRAINED, *seeds, *others])))
    at_one = said["At the published λ = 1"]
    assert "SimNPO keeps 5.0 points more, but their seeds overlap." in at_one
    assert said["With λ free"] == "No other λ is better for NPO and SimNPO."


def test_methods_are_never_compared_without_weight_and_normalisation() -> None:
    for trials in (small_sweep(), nothing_forgot()):
        for text in words(trials).values():
            assert "beats" not in text
            for sentence in re.split(r"(?<=\.) (?=[A-Z])", text):
                if "points more" in sentence or "forgot, and what" in sentence:
                    assert "λ" in sentence
                    assert "token sum" in sentence
                    assert "token mean" in sentence


def test_a_sweep_of_other_methods_is_told_without_a_comparison() -> None:
    said = words(tuple(mark([RETRAINED, tried("graddiff", 1.0, 50.0)])))
    assert list(said) == ["What was tried", "Where it forgot"]
    assert said["What was tried"].startswith("Trials: GradDiff 1.")


def test_a_setting_whose_other_seeds_did_not_forget_says_so() -> None:
    failed = replace(tried("npo", 1.0, 50.0, seed=1), privleak=-60.0)
    others = [tried("simnpo", 1.0, 65.0, seed=seed) for seed in (0, 1)]
    said = words(tuple(mark([RETRAINED, tried("npo", 1.0, 60.0), failed, *others])))
    at_one = said["At the published λ = 1"]
    assert "over 2 seeds, of which 1 forgot)" in at_one
    assert "and only 1 of NPO's seeds forgot." in at_one
    assert "SimNPO's seeds forgot" not in at_one
