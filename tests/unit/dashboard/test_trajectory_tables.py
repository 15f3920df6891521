"""The HTML of the Trajectory page, by what it says and what it never lets through."""

import re
from dataclasses import replace

from dashboard.board import CellKey
from dashboard.trajectory.course import Course
from dashboard.trajectory.measure import Stage
from dashboard.trajectory.reading import Reading
from dashboard.trajectory.tables import (
    course_line,
    curves_head,
    key_line,
    other_about,
    pick_from,
    question_card,
    steps_table,
)
from metrics import METRICS
from metrics.events import Progress
from metrics.registry import HEADLINE, find_metric
from tests.steps import made_reading, stepped_family

READING = made_reading()
NONE = Reading(stepped_family())


def plain(html: str) -> str:
    """What is read, tags and their attributes left out."""
    return " ".join(re.sub(r"<[^>]+>", " ", html).split())


def row(html: str, name: str) -> str:
    """One row of the table as it is read."""
    (found,) = [part for part in html.split("<tr")[1:] if f"{name}<" in part.split("<td")[0]]
    return plain(f"<tr{found}")


def test_two_answers_stand_below_the_question_with_where_they_are_from() -> None:
    said = plain(question_card(READING))
    assert said.startswith("When has it forgotten, and what did that cost? What was forgotten")
    assert "NF4 · LIVE · TOY By step 30." in said
    assert "What it cost NF4 · LIVE · TOY 38 points of KnowMem (retain)." in said


def test_every_card_with_numbers_says_precision_source_and_scale() -> None:
    for html in (question_card(READING), curves_head(READING), steps_table(READING)):
        assert "NF4 · LIVE · TOY" in html
    stored = replace(READING, stored=dict.fromkeys(READING.numbers, "2026-11-24T10:00:00+00:00"))
    for html in (question_card(stored), curves_head(stored), steps_table(stored)):
        assert "NF4 · STORED · TOY" in html
        assert "LIVE" not in html


def test_the_table_has_the_references_first_and_then_every_step() -> None:
    table = steps_table(READING)
    names = [found.split("<")[0] for found in table.split('aria-hidden="true">')[1:]]
    assert names == ["O", "R", "1", "2", "3"]
    assert row(table, "step 20") == (
        "2 step 20 22222222 17.0 ± 2.0 level 1.0 ± 2.0 level −50.0 ± 2.0 40.0 ± 2.0 0.94 ± 0.02"
    )
    assert row(table, "Retrained").startswith("R Retrained RRRRRRRR 14.0 ± 2.0 0.0 ± 0.0")


def test_a_number_is_a_button_that_says_all_of_it() -> None:
    spoken = (
        'data-model="step-20" data-metric="verbmem_f" aria-label="step 20, VerbMem: 17.0, 95 % '
        'interval 15.0 to 19.0, 20 samples, level. Read the samples."'
    )
    assert spoken in steps_table(READING)


def test_utility_is_not_called_level_with_retrained_or_beyond_it() -> None:
    perplexity = find_metric("perplexity_r")
    reading = replace(made_reading({"perplexity_r": (2, 2, 2, 2, 50)}), metrics=(perplexity,))
    assert "level" not in row(steps_table(reading), "step 20")


def test_a_row_says_what_of_it_was_stored_and_the_note_when() -> None:
    first = CellKey("step-10", "verbmem_f")
    table = steps_table(replace(READING, stored={first: "2026-11-24T10:00:00+00:00"}))
    assert "11111111 · 1 of 5 stored" in row(table, "step 10")
    assert "stored" not in row(table, "step 20")
    assert "Stored: measured 2026-11-24 10:00 UTC." in plain(table)


def test_a_dash_has_its_reason_and_a_collapse_its_sign() -> None:
    reading = made_reading(done=2)
    reading = replace(
        reading,
        reasons={CellKey("step-30", "privleak"): "step 30 could not be loaded: <disk>"},
        signs={"step-20": 'it says "x" & loops'},
    )
    table = steps_table(reading)
    assert "— step 30 could not be loaded: &lt;disk&gt;" in row(table, "step 30")
    assert "⚠ collapsed" in row(table, "step 20")
    assert 'title="it says &quot;x&quot; &amp; loops"' in table
    assert "⚠" not in row(table, "step 10")


def test_without_numbers_the_page_says_so_everywhere() -> None:
    assert plain(question_card(NONE)).count("Not known yet.") == 2
    assert plain(steps_table(NONE)).count("—") == 25
    assert "Nothing has been measured yet." in plain(steps_table(NONE))
    assert "Nothing has been measured yet." in plain(curves_head(NONE))


def test_the_line_says_where_the_run_is() -> None:
    course = Course()
    assert "No run yet 3 checkpoints" in plain(course_line(course, NONE))
    assert "2 runs before yours" in course_line(Course("waiting", ahead=2), NONE)
    stage = Stage(1, 4, ("retrained", "step-20"))
    running = Course("running", stage=stage, seconds=10)
    half = replace(running, progress=Progress("step-20", "verbmem_f", 1, 2, 0.5))
    reading = made_reading(done=1)
    assert plain(course_line(half, reading)) == "step 20 1 of 3 checkpoints done 17 s left"
    other = Progress("retrained", "verbmem_f", 1, 2, 0.5)
    both = replace(half, doing=(other, replace(other, model="step-20")))
    assert "2 checkpoints 1 of 3 checkpoints done" in plain(course_line(both, reading))
    assert 'aria-valuenow="38"' in course_line(half, reading)
    cancelled = replace(half, phase="cancelled")
    assert "Cancelled at step 20" in plain(course_line(cancelled, reading))
    assert "Finished in 10 s" in plain(course_line(replace(half, phase="finished"), READING))


def test_the_key_names_levels_line_and_signs() -> None:
    said = plain(key_line(READING))
    assert said.startswith("Original Retrained dashed, the line to reach checkpoints areas: 95 %")


def test_one_more_metric_is_any_that_is_not_in_the_headline() -> None:
    choices = pick_from(METRICS)
    assert len(choices) == len(METRICS) - len(HEADLINE)
    assert ("Perplexity, holdout (utility)", "perplexity_holdout") in choices
    assert "best: less" in other_about(find_metric("perplexity_holdout"))
    assert "any of the others" in other_about(None)


def test_names_of_a_family_are_never_run() -> None:
    family = stepped_family()
    evil = replace(family.models[2], label="<img src=x>", letter="<b>")
    models = (*family.models[:2], evil, *family.models[3:])
    reading = replace(READING, family=replace(family, title="<i>", models=models))
    for html in (question_card(reading), steps_table(reading), key_line(reading)):
        assert "<img" not in html
        assert "<b><" not in html
