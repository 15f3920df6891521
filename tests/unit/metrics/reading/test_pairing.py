from dataclasses import replace

import pytest

from loaders import Fault
from metrics.listing import describe_pair, describe_record, list_lines
from metrics.reading.comparison import Comparison
from metrics.reading.pairing import Pair, changed, compare_pair, find_retrained, shared_metrics
from metrics.registry import find_metric
from metrics.results import LikelihoodSample, Measurement, Sample
from metrics.store import Stored
from tests.unit.metrics.export.samples import ALL, NASTY, answers, made

ORIGINAL, RETRAINED, NPO, SIMNPO = ALL


def by_metric(pair: Pair) -> dict[str, Comparison]:
    return {row.metric: row for row in compare_pair(pair, permutations=2_000).made}


def other_data(stored: Stored) -> Stored:
    return replace(stored, id="abcdef012345", record=replace(stored.record, data_sha256="1" * 64))


def test_two_records_are_tested_metric_by_metric() -> None:
    found = compare_pair(Pair(ORIGINAL, NPO, RETRAINED), permutations=2_000)
    rows = {row.metric: row for row in found.made}
    assert list(rows) == ["verbmem_f", "privleak", "knowmem_r"]
    verbmem = rows["verbmem_f"]
    values = [one.record.metrics["verbmem_f"].value for one in (ORIGINAL, NPO)]
    assert (verbmem.ours, verbmem.theirs) == pytest.approx(tuple(values))
    assert verbmem.difference == pytest.approx(values[0] - values[1])
    assert verbmem.n == 12
    assert verbmem.p < 0.01
    assert {row.tests for row in found.made} == {3}
    assert all(row.p_holm >= row.p for row in found.made)
    assert found.missing == ()


def test_the_other_way_round_is_the_same_with_the_other_sign() -> None:
    one, other = by_metric(Pair(ORIGINAL, NPO)), by_metric(Pair(NPO, ORIGINAL))
    assert one["verbmem_f"].difference == pytest.approx(-other["verbmem_f"].difference)
    assert one["verbmem_f"].p == pytest.approx(other["verbmem_f"].p)


def test_the_retrained_model_itself_can_be_one_of_them() -> None:
    for pair in (Pair(NPO, RETRAINED, RETRAINED), Pair(RETRAINED, NPO, RETRAINED)):
        assert set(by_metric(pair)) == {"verbmem_f", "privleak", "knowmem_r"}


def test_without_a_retrained_model_in_common_privleak_is_not_tested() -> None:
    found = compare_pair(Pair(ORIGINAL, NPO), permutations=100)
    assert [row.metric for row in found.missing] == ["privleak"]
    assert "have no retrained model in common" in found.missing[0].reason


def test_one_model_at_two_precisions_is_tested_too() -> None:
    nf4 = made("npo", "nf4", verbmem_f=answers(0.4))
    row = by_metric(Pair(NPO, nf4))["verbmem_f"]
    assert row.difference < 0
    assert row.precision == "fp32 and nf4"


def test_what_shares_no_samples_is_not_tested() -> None:
    found = compare_pair(Pair(NPO, other_data(SIMNPO)), permutations=100)
    assert found.made == ()
    assert "were measured on different data" in found.missing[0].reason
    with pytest.raises(Fault, match="were measured on different data; there are no samples"):
        changed(Pair(NPO, other_data(SIMNPO)), find_metric("verbmem_f"))


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("key", ["perplexity_r", "perplexity_holdout"])
def test_perplexity_is_not_tested_and_says_why(key: str) -> None:
    def measured(loss: float) -> Measurement:
        split = "retain" if key == "perplexity_r" else "holdout"
        texts = [LikelihoodSample(f"t-{i}", split, loss + i, tokens=9) for i in range(3)]
        return find_metric(key).measure(texts, None, 0, 20)

    ours, theirs = (replace(one.record, metrics={key: measured(2.0)}) for one in (NPO, SIMNPO))
    pair = Pair(replace(NPO, record=ours), replace(SIMNPO, record=theirs))
    (missing,) = compare_pair(pair, permutations=100).missing
    assert "is neither a mean nor an AUC of its scores" in missing.reason
    assert "neither a mean nor an AUC" in "\n".join(describe_pair(pair, 1))


def test_the_samples_that_changed_most_come_first() -> None:
    def measured(*scores: float) -> Measurement:
        samples = tuple(Sample(f"q-{i}", "", "", "", score) for i, score in enumerate(scores))
        return Measurement(0.0, (0.0, 0.0), len(scores), samples)

    pair = Pair(
        made("npo", verbmem_f=measured(0.5, 0.1, 0.9)),
        made("simnpo", verbmem_f=measured(0.5, 0.8, 0.6, 0.2)),
    )
    found = changed(pair, find_metric("verbmem_f"))
    assert [change.one.id for change in found] == ["q-1", "q-2", "q-0"]
    assert [change.by for change in found] == pytest.approx([-0.7, 0.3, 0])


def test_the_retrained_model_is_found_where_conditions_are_shared() -> None:
    assert find_retrained(NPO, SIMNPO, ALL) == RETRAINED
    assert find_retrained(RETRAINED, NPO, ()) == RETRAINED
    assert find_retrained(NPO, made("simnpo", "nf4"), ALL) is None
    assert find_retrained(NPO, SIMNPO, [other_data(RETRAINED)]) is None
    other = replace(SIMNPO, record=replace(SIMNPO.record, compute="bf16"))
    assert find_retrained(NPO, other, ALL) is None


def test_only_what_both_have_is_compared() -> None:
    alone = made("npo", knowmem_r=answers(0.4))
    assert [m.key for m in shared_metrics(Pair(ORIGINAL, alone))] == ["knowmem_r"]
    other = made("simnpo", verbmem_f=answers(0.4))
    assert describe_pair(Pair(alone, other), 3)[-1] == "They have no metric in common."


def test_a_pair_in_lines() -> None:
    text = "\n".join(describe_pair(Pair(ORIGINAL, NPO, RETRAINED), 1))
    assert text.startswith(f"A  original @ fp32 ({ORIGINAL.id}), lamp_1 (toy), sha256:original")
    assert "seed 0, live 2026-11-24 14:03 UTC" in text
    assert "VerbMem: the passages that changed most" in text
    assert text.count("A says") == text.count("B says") == 2
    assert text.count("PrivLeak: the texts that changed most") == 1


def test_a_text_cannot_move_the_cursor() -> None:
    nasty = made("npo", verbmem_f=answers(0.2, text=NASTY))
    for lines in (describe_record(nasty, 1), describe_pair(Pair(ORIGINAL, nasty), 1)):
        text = "\n".join(lines)
        assert "alert('x')" in text
        assert "\x1b" not in text


def test_a_record_in_lines() -> None:
    text = "\n".join(describe_record(NPO, 0))
    assert text.startswith(f"npo @ fp32 ({NPO.id}): stored, 2026-11-24 14:03 UTC")
    for said in ("models/npo @ sha256:npo", "seed 0", "numpy 2.4.6", "set against retrained"):
        assert said in text
    assert "says" not in text
    assert "says" in "\n".join(describe_record(NPO, 1))


def test_a_run_that_broke_off_is_called_half_finished() -> None:
    begun = replace(NPO, record=replace(NPO.record, metrics={}), rows=7)
    text = "\n".join(describe_record(begun, 0))
    assert "begun 2026-11-24 14:03 UTC, half-finished" in text
    assert "rows kept 7" in text
    (_, line) = list_lines([begun])
    assert line.split()[-1] == "7"


def test_the_list_says_value_n_and_origin_of_each() -> None:
    head, *lines = list_lines(ALL)
    assert "VerbMem" in head
    for one, line in zip(ALL, lines, strict=True):
        value = one.record.metrics["verbmem_f"].value
        for said in (one.id, one.record.precision, f"{value:.1f} (n 12)", "live", "toy", "–"):
            assert said in line
    likely = made("npo", privleak=ALL[0].record.metrics["privleak"])
    assert isinstance(likely.record.metrics["privleak"].samples[0], LikelihoodSample)
    assert "(n 16)" in list_lines([likely])[1]
