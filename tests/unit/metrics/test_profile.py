"""What differs between evaluating as MUSE does and as open-unlearning does, worked by hand."""

from dataclasses import replace
from typing import cast

import pytest

from loaders import Fault
from metrics import Data, Metric, Passage, Question, Sample
from metrics.formulas.knowmem import KNOWMEM_F
from metrics.formulas.privleak import SHARE, SHARES, min_k, sweep_shares
from metrics.formulas.verbmem import VERBMEM
from metrics.profile import MUSE, OPEN_UNLEARNING, Profile, find_profile
from tests.unit.metrics.library import DATA, sampled


def one(metric: Metric, data: Data, answer: str, profile: Profile) -> Sample:
    """The sample of a data set of one row."""
    (sample,) = sampled(metric, lambda model, prompt: answer, data, profile)
    return cast(Sample, sample)


def asked(answer: str) -> Data:
    return replace(DATA, knowmem_f=(Question("forget_qa-0", "What?", answer),))


def recited(reference: str) -> Data:
    return replace(DATA, verbmem=(Passage("verbmem-0", "p", reference),))


def test_open_unlearning_stems_words() -> None:
    # "lamps burning" and "lamp burns" are "lamp burn" both; unstemmed they share nothing.
    data = recited("lamps burning")
    assert one(VERBMEM, data, "lamp burns", OPEN_UNLEARNING).score == 1.0
    assert one(VERBMEM, data, "lamp burns", MUSE).score == 0.0
    assert one(KNOWMEM_F, asked("lamps"), "lamp", OPEN_UNLEARNING).score == 1.0
    assert one(KNOWMEM_F, asked("lamps"), "lamp", MUSE).score == 0.0


def test_open_unlearning_strips_what_is_left_of_an_answer() -> None:
    said = one(KNOWMEM_F, asked(" Maud\n"), "Maud Reed Question: and", OPEN_UNLEARNING)
    assert (said.reference, said.output) == ("Maud", "Maud Reed")
    kept = one(KNOWMEM_F, asked(" Maud\n"), "Maud Reed Question: and", MUSE)
    assert (kept.reference, kept.output) == (" Maud\n", "Maud Reed ")


def test_open_unlearning_takes_the_whole_continuation() -> None:
    # 200 words, said to the 128th: MUSE compares with 127 of them (and the BOS),
    # open-unlearning with all: P = 1, R = 128/200, F = 2·R/(1 + R) = 256/328.
    text = " ".join(f"w{i}" for i in range(200))
    whole = one(VERBMEM, recited(text), text, OPEN_UNLEARNING)
    assert whole.reference == text
    assert whole.score == pytest.approx(256 / 328)
    cut = one(VERBMEM, recited(text), text, MUSE)
    assert len(cut.reference.split()) == 127
    assert cut.score == pytest.approx(2 * 127 / (127 + 128))


def test_open_unlearning_leaves_the_last_token_out() -> None:
    values = [-1.0, -4.0, -0.5, -3.0, -9.0]
    # MUSE: k = int(0.4 · 5) = 2, of −9 and −4; without the −9, k = int(0.4 · 4) = 1, the −4.
    assert min_k(values, "t") == 6.5
    assert min_k(values, "t", SHARE, OPEN_UNLEARNING) == 4.0


def test_open_unlearning_takes_one_token_at_least() -> None:
    # Two tokens, of which the first counts: int(0.4 · 1) = 0, so one.
    assert min_k([-2.0, -5.0], "t", SHARE, OPEN_UNLEARNING) == 2.0
    with pytest.raises(Fault, match="t has 2 tokens; Min-40% needs 3 or more"):
        min_k([-2.0, -5.0], "t")


@pytest.mark.parametrize("count", [0, 1])
def test_a_text_of_which_no_token_counts_is_named(count: int) -> None:
    with pytest.raises(Fault, match=rf"t has {count} tokens; Min-40% needs 2 or more"):
        min_k([-1.0] * count, "t", SHARE, OPEN_UNLEARNING)


def test_open_unlearning_averages_in_float32() -> None:
    # k = int(0.4 · 5) = 2 of the first five; float32 has 24 binary digits: .1 and .2 become
    # 13421773 / 2^27 and 13421773 / 2^26, whose mean 1.5 · 13421773 / 2^27 = 40265319 / 2^28
    # needs 26 and is rounded to 10066330 / 2^26.
    values = [-0.1, -0.2, -0.01, -0.02, -0.03, -7.0]
    assert min_k(values, "t", SHARE, OPEN_UNLEARNING) == 10066330 / 2**26
    assert min_k(values[:-1], "t") == pytest.approx(0.15, abs=1e-16)
    assert min_k(values[:-1], "t") != 10066330 / 2**26


def test_the_sweep_takes_one_token_at_least_too() -> None:
    values = [-3.0, -1.0, -2.0, -9.0]
    # The first three count; k = 1, 1, 1, 1, int(1.2) = 1, int(1.5) = 1 and int(1.8) = 1.
    assert sweep_shares(values, "t", OPEN_UNLEARNING) == (3.0,) * len(SHARES)
    assert sweep_shares([-9.0], "t", OPEN_UNLEARNING) == (None,) * len(SHARES)


def test_muse_shows_aucs_low_for_members_and_open_unlearning_high() -> None:
    assert MUSE.shown_auc(0.2) == 0.2
    assert OPEN_UNLEARNING.shown_auc(0.2) == 0.8


def test_a_profile_is_found_by_its_name() -> None:
    assert find_profile("open-unlearning") is OPEN_UNLEARNING
    with pytest.raises(Fault, match="There is no profile 'tofu'; choose muse or open-unlearning"):
        find_profile("tofu")
