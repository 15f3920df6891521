"""The Results page's parts: records, pairs, word differences, files to take away."""

from dataclasses import replace
from pathlib import Path

import pytest

from dashboard.results.actions import read_filter, read_since
from dashboard.results.differences import Part, compare_words
from dashboard.results.downloads import Downloads
from dashboard.results.pair import pair_card
from dashboard.results.records import records_table
from loaders import Fault
from metrics.export import find_format
from metrics.reading.pairing import Pair, compare_pair
from metrics.store import Stored
from tests.unit.metrics.export.samples import NASTY, answers, made


def nasty() -> Stored:
    stored = made("npo", verbmem_f=answers(0.2, text=NASTY))
    record = replace(stored.record, repo=NASTY, revision=NASTY, notes=(NASTY,), profile=NASTY)
    face = replace(stored.face, label=NASTY, letter="<b>", colour="red;x:y")
    return replace(stored, id="a1", record=record, face=face, family=NASTY, device=NASTY)


def test_a_record_stands_with_all_that_its_numbers_depend_on() -> None:
    html = records_table([made("npo")], ())
    assert "<b>19.5</b><small>± 2.5 · n 12</small>" in html
    assert "2026-11-24 14:03 UTC" in html
    assert "MEASURED HERE" in html
    for fact in ("sha256:npo", "seed 0", "numpy 2.4.6", "toy, on cpu", "retrained @ fp32"):
        assert fact in html
    assert "—<small>not measured</small>" in html  # fluency


def test_a_recorded_one_is_marked_and_a_ticked_one_stays_ticked() -> None:
    stored = made("npo")
    recorded = replace(stored, record=replace(stored.record, source="recorded"), read_only=True)
    assert '<span class="badge recorded">RECORDED</span>' in records_table([recorded], ())
    assert " checked" in records_table([stored], {stored.id})
    assert " checked" not in records_table([stored], ())


def test_where_there_is_no_record_it_says_what_to_do() -> None:
    assert "No record is like this. Run the metrics" in records_table((), ())


def test_half_a_run_says_how_many_rows_are_kept() -> None:
    stored = made("npo")
    half = replace(stored, record=replace(stored.record, metrics={}), rows=40)
    assert "half-finished, 40 rows kept" in records_table([half], ())


def card(one: Stored, other: Stored) -> str:
    pair = Pair(one, other)
    return pair_card(pair, compare_pair(pair, resamples=200, permutations=200))


def test_a_pair_stands_with_its_test_and_the_samples_that_changed_most() -> None:
    one = made("original", verbmem_f=answers(0.9, text="the lamp was lit"))
    other = made("npo", verbmem_f=answers(0.2, text="the lamp went out"))
    html = card(one, other)
    assert "<td><b>70.0</b></td>" in html
    assert "VerbMem: the passages that changed most, 8 of 12" in html
    assert "the lamp <mark>was lit</mark>" in html
    assert "the lamp <mark>went out</mark>" in html


def test_a_difference_that_chance_explains_is_not_bold() -> None:
    html = card(made("npo", verbmem_f=answers(0.2)), made("simnpo", verbmem_f=answers(0.2)))
    assert "<td>0.0<small>no difference shown</small></td>" in html


def test_a_test_that_cannot_be_made_says_why() -> None:
    one = made("npo", verbmem_f=answers(0.2))
    theirs = replace(made("simnpo", verbmem_f=answers(0.2)), id="b2")
    other = replace(theirs, record=replace(theirs.record, data_sha256="other"))
    html = card(one, other)
    assert "not tested: " in html
    assert "no samples to set side by side" in html


def test_no_text_of_others_becomes_markup() -> None:
    for html in (records_table([nasty()], ()), card(nasty(), made("original"))):
        assert "<script" not in html
        assert "<b></span>" not in html
        assert "{a" not in html
        assert "$5" not in html


def test_words_that_differ_are_marked_and_the_texts_stay_whole() -> None:
    sides = compare_words("She lit  the lamp.", "She put out the lamp.")
    assert sides.one == (Part("She", False), Part(" lit", True), Part("  the lamp.", False))
    assert sides.other == (Part("She", False), Part(" put out", True), Part(" the lamp.", False))


@pytest.mark.parametrize(("one", "other"), [("", ""), ("", "a b"), ("a b", "")])
def test_an_empty_text_has_no_words(one: str, other: str) -> None:
    sides = compare_words(one, other)
    assert "".join(part.text for part in sides.one) == one
    assert all(part.own for part in (*sides.one, *sides.other))


def test_only_the_last_file_of_a_visitor_is_kept() -> None:
    downloads = Downloads()
    first = downloads.write("me", find_format("csv"), [made("npo")], "numbers")
    assert first.name == f"results-{made('npo').id}.csv"
    assert first.read_bytes().startswith(b"id,family")
    second = downloads.write("me", find_format("html"), [made("npo"), made("simnpo")], "numbers")
    assert second.name == "results-2-records.html"
    assert not first.exists()
    theirs = downloads.write("other", find_format("json"), [made("npo")], "numbers")
    downloads.leave("me")
    assert (second.exists(), theirs.exists()) == (False, True)
    downloads.close()
    assert not Path(theirs).exists()


def test_a_date_that_is_none_is_answered() -> None:
    assert read_since(" ") is None
    assert read_since("2026-11-24 14:00") == "2026-11-24T14:00"
    with pytest.raises(Fault, match="Since is 'yesterday'; write a date like 2026-11-24"):
        read_since("yesterday")
    assert read_filter(["", None, "nf4", "", ""]).precision == "nf4"
    assert read_filter(["", None, "nf4", "", ""]).model is None
