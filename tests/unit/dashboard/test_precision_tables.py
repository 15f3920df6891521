"""The HTML of the Precision page, by what it says and what it never lets through."""

import re
from dataclasses import replace

from dashboard.board import CellKey
from dashboard.precision.course import Course
from dashboard.precision.literature import paper_badge, published_card, published_head
from dashboard.precision.published import load_pairs
from dashboard.precision.reading import read
from dashboard.precision.tables import (
    course_line,
    key_card,
    our_badge,
    panels_head,
    precision_list,
    published_leads,
    question_card,
    recovery_card,
)
from metrics import HEADLINE
from metrics.events import Progress
from tests.precisions import BACK, TRACES, made_results
from tests.stage import staged_family

FAMILY = staged_family()
PAIRS = load_pairs()
NOTHING = read(FAMILY, made_results())
NONE = read(FAMILY, None)


def plain(html: str) -> str:
    """What is read, tags and their attributes left out."""
    return " ".join(re.sub(r"<[^>]+>", " ", html.replace("\N{NO-BREAK SPACE}", " ")).split())


def test_both_answers_stand_below_the_question_with_where_they_are_from() -> None:
    said = plain(question_card(NOTHING, PAIRS))
    assert said.startswith("Does quantizing bring back what was unlearned? MUSE-Books, 7B")
    assert "PUBLISHED · FP4 · FULL Yes." in said
    assert "Staged family FP32 · NF4 · FP4 · RECORDED · TOY No." in said
    ours_first = plain(question_card(NOTHING, PAIRS, leads=False))
    assert ours_first.index("Staged family") < ours_first.index("MUSE-Books")


def test_the_published_leads_unless_this_family_shows_recovery() -> None:
    assert published_leads(NOTHING)
    assert published_leads(NONE)
    assert published_leads(read(FAMILY, made_results(TRACES)))
    assert not published_leads(read(FAMILY, made_results(BACK)))


def test_live_numbers_are_called_live() -> None:
    live = our_badge(read(FAMILY, made_results(source="live")))
    assert "FP32 · NF4 · FP4 · LIVE · TOY" in live
    assert "live" in live.split('"')[1].split()
    assert "live" not in our_badge(NOTHING).split('"')[1].split()


def test_stored_numbers_are_not_called_live() -> None:
    cells = [CellKey(spec.key, metric.key) for spec in FAMILY.models for metric in HEADLINE]
    dates = dict.fromkeys(cells, "2026-11-23T09:30:00+00:00")
    live, results = {"fp32": {}, "nf4": {}, "fp4": {}}, made_results(source="live")
    one = read(FAMILY, results, stored=live | {"fp32": dates})
    assert "FP32 · NF4 · FP4 · LIVE AND STORED · TOY" in our_badge(one)
    some = dict(list(dates.items())[:3])
    said = plain(precision_list(read(FAMILY, results, stored=live | {"fp32": some}), None))
    assert "fp32 32-bit floats measured, live; 3 of 20 stored, 2026-11-23 09:30 UTC" in said
    assert "nf4 4 bits, normal quantiles measured, live" in said
    every = read(FAMILY, results, stored=dict.fromkeys(live, dates))
    assert "FP32 · NF4 · FP4 · STORED · TOY" in our_badge(every)
    assert "live" not in our_badge(every).split('"')[1].split()
    assert "fp32 32-bit floats stored, 2026-11-23 09:30 UTC" in plain(precision_list(every, None))
    assert "live" not in recovery_card(every)


def test_every_card_with_numbers_says_precision_source_and_scale() -> None:
    for html in (panels_head(NOTHING), recovery_card(NOTHING), question_card(NOTHING, PAIRS)):
        assert "FP32 · NF4 · FP4 · RECORDED · TOY" in html
    for html in (published_head(PAIRS), published_card(PAIRS, HEADLINE)):
        assert paper_badge(PAIRS) in html
    assert "n = 20" in recovery_card(NOTHING)


def test_the_five_precisions_are_listed_with_what_is_known_of_them() -> None:
    said = plain(precision_list(NOTHING, {"bf16": None, "int8": "bitsandbytes needs AVX2"}))
    assert "fp32 32-bit floats measured, recorded" in said
    assert "bf16 16-bit floats runs here, not measured" in said
    assert "int8 8-bit integers does not run here: bitsandbytes needs AVX2" in said
    assert precision_list(NOTHING, None).count('class="grey"') == 2
    assert "bf16 16-bit floats not measured" in plain(precision_list(NOTHING, None))


def test_a_recovery_has_its_interval_and_the_numbers_behind_it() -> None:
    said = plain(recovery_card(read(FAMILY, made_results(BACK))))
    assert "fp4 50 % 50 to 50 % 10.0 → 50.0, Original 90.0" in said
    assert "NPO 01234567 nf4" in said


def test_a_dash_has_its_reason() -> None:
    said = plain(recovery_card(NOTHING))
    assert "— Original is 2.0 away; to less than 5 points a ratio says nothing." in said
    assert "— not measured at two precisions" in plain(recovery_card(NONE))


def test_only_an_interval_above_zero_is_in_full_colour() -> None:
    html = recovery_card(read(FAMILY, made_results(BACK)))
    assert html.count('class="way shown"') == 2  # VerbMem, and the utility that came back
    assert 'class="way shown"' not in recovery_card(NOTHING)


def test_other_rows_than_those_loaded_are_told() -> None:
    assert "on other rows" not in recovery_card(NOTHING, "ab" * 32)
    assert "Measured on other rows (abababab) than are loaded here (cdcdcdcd)." in recovery_card(
        NOTHING, "cd" * 32
    )


def test_the_key_has_every_model_and_the_line_to_reach() -> None:
    said = plain(key_card(NOTHING))
    for spec in FAMILY.models:
        assert spec.label in said
    assert "Retrained dashed: the line to reach" in said


def test_published_pairs_say_where_they_stand_and_where_transcriptions_differ() -> None:
    said = plain(published_card(PAIRS, HEADLINE))
    assert "NPO (GDR) Table 1 0.4 → 66.0 recovery 66 %" in said
    assert "NPO (GDR) Table 3 3.2 → 66.0 recovery 65 %" in said
    assert "Retrained Table 1 14.3 → —" in said
    assert "NPO (KLR) learning rate 0.0001 bf16, bitsandbytes FP4 1.0 → 1.0 recovery 0.0 %" in said
    assert "Tables 1 and 3 print different full-precision values" in said
    assert "blocks of 64 weights, no double quantization" in said


def test_under_five_points_a_published_pair_has_a_dash_too() -> None:
    assert "−54.9 → −60.1 — under 5 points were lost" in plain(published_card(PAIRS, HEADLINE))


def test_published_numbers_are_never_called_a_target() -> None:
    assert "not what a 4-bit run here should come to" in plain(published_head(PAIRS))


def test_the_line_says_where_the_run_is() -> None:
    now = Progress("npo", "verbmem_f", 3, 20, 0.5)
    course = Course("running", ("fp32", "nf4"), "fp32", now, seconds=10.0)
    html = course_line(course, NONE)
    assert plain(html) == "fp32 1 of 2 · VerbMem, NPO 30 s left"
    both = replace(course, doing=(Progress("simnpo", "verbmem_f", 9, 20, 0.5), now))
    assert plain(course_line(both, NONE)) == "fp32 1 of 2 · VerbMem, 2 models 30 s left"
    assert 'aria-valuenow="25"' in html
    assert "loading" in plain(course_line(replace(course, progress=None), NONE))
    cancelled = replace(course, phase="cancelled")
    assert plain(course_line(cancelled, NONE)).startswith("Cancelled at fp32")
    assert "Recorded 2026-11-24" in plain(course_line(Course(), NOTHING))
    assert "2 runs before yours" in plain(course_line(Course("waiting", ahead=2), NONE))


def test_a_label_or_a_reason_is_never_run() -> None:
    models = tuple(replace(spec, label="<script>${1}") for spec in FAMILY.models)
    reading = read(replace(FAMILY, models=models, title="<i>${2}"), made_results(BACK))
    for html in (
        question_card(reading, PAIRS),
        recovery_card(reading),
        key_card(reading),
        precision_list(reading, {"int8": "<script>${3}"}),
    ):
        assert "<script>" not in html
        assert "<i>$" not in html
        assert "${" not in html
