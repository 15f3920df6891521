"""Panes, tables and samples: what they say, and that no text of others becomes markup."""

from dataclasses import replace

from dashboard.asking import Asking, find_scenario
from dashboard.board import Board, CellKey
from dashboard.panes import in_words, notice, pane, truth_block
from dashboard.results.verdicts import sure_card
from dashboard.samples import drill_down
from dashboard.tables import further_tables, metrics_table, progress, published_block
from loaders import load_family
from metrics import HEADLINE, METRICS, Measurement, Progress, Sample
from metrics.formulas.fluency import collapsed
from metrics.results import Against
from tests.unit.dashboard.sight import FAMILY, PROVENANCE, board, leaked, measured, said

NASTY = "<img src=x onerror=alert(1)> ${alert(1)} {{x}}"
SPEC = FAMILY.model("npo")
RECITE = Asking(find_scenario("recite"), "p", "p", "it had moved in her grandfather's time")
BY_KEY = {metric.key: metric for metric in HEADLINE}


def test_a_pane_marks_the_true_words_and_says_how_it_came_about() -> None:
    answer = said("npo", 0.5, "so it had moved in a cart")
    html = pane(PROVENANCE, SPEC, answer, RECITE, said("retrained", 0.14))
    assert "<mark>it had moved in</mark>" in html
    assert "2 tokens · 10 tok/s · first after 100 ms" in html
    assert "NF4 · LIVE · TOY" in html
    assert "left:14.0%" in html


def test_a_looping_answer_is_called_collapsed_beside_its_score() -> None:
    html = pane(PROVENANCE, SPEC, said("npo", 0.0, "that that that that that that"), RECITE)
    assert "Text has collapsed: a low score here is not forgetting." in html
    assert "collapsed" not in pane(PROVENANCE, SPEC, said("npo", 0.0, "the fog came in"), RECITE)


def test_an_own_prompt_has_no_score() -> None:
    asking = Asking(find_scenario("own"), "p", "p", None)
    answer = replace(said("npo", 0.0), curve=())
    assert "no true text, no score" in pane(PROVENANCE, SPEC, answer, asking)


def test_a_number_stands_with_interval_and_distance_to_retrained() -> None:
    html = metrics_table(PROVENANCE, HEADLINE, board(original=98.0, retrained=14.0, npo=5.0))
    assert "+84" in html
    assert "−9" in html
    assert "best: zero" in html
    assert "Toy numbers, NF4, n = 2, live, 95 % intervals." in html


def test_auc_stands_beside_privleak() -> None:
    found = {CellKey("npo", "privleak"): leaked(-96.8, 0.02)}
    html = metrics_table(PROVENANCE, HEADLINE, Board("finished", found))
    assert "−96.8" in html
    assert "AUC .02" in html
    assert "PrivLeak is set against retrained @ nf4, this run." in html


def test_a_dash_has_its_reason() -> None:
    reasons = {CellKey("npo", "privleak"): "there is no retrained model"}
    html = metrics_table(PROVENANCE, HEADLINE, Board("finished", reasons=reasons))
    assert '<b class="value">—</b><small class="why">there is no retrained model</small>' in html


def test_an_unfinished_number_says_of_how_many_it_is() -> None:
    key = CellKey("npo", "verbmem_f")
    some = Board("running", {key: measured(15.0)}, unfinished=frozenset({key}))
    assert "n = 2 so far" in metrics_table(PROVENANCE, HEADLINE, some)


def test_after_a_cancelled_run_nothing_is_said_of_a_difference() -> None:
    some = replace(board(original=98.0, npo=5.0), phase="cancelled")
    html = metrics_table(PROVENANCE, HEADLINE, some)
    assert "The run did not come to its end, so no difference is tested." in html
    assert "tested when the run has ended" not in html
    assert html.count('<small class="verdict"></small>') == html.count('class="verdict"') == 2
    assert "no Retrained yet" in html
    assert sure_card(FAMILY, METRICS, some) == ""


def test_a_model_that_loops_is_flagged_at_its_fluency_and_in_a_sentence() -> None:
    writes = {"retrained": "it had moved in the wind, once", "npo": "that that that that that that"}
    found = {
        CellKey(model, metric): measured(20.0, text=text)
        for model, text in writes.items()
        for metric in ("verbmem_f", "fluency")
    }
    html = metrics_table(PROVENANCE, HEADLINE, Board("finished", found))
    assert html.count("⚠ collapsed") == 1
    flagged = "<b>NPO</b> VerbMem is 20.0, but 2 of 2 outputs are empty or loop: this is collapse"
    assert flagged in html


def test_a_table_that_is_drawn_again_reads_no_text_again() -> None:
    texts = {"retrained": "a text of its own for this test", "npo": "and one more, more, more"}
    found = {
        CellKey(model, metric): measured(20.0, text=text)
        for model, text in texts.items()
        for metric in ("verbmem_f", "fluency")
    }
    metrics_table(PROVENANCE, HEADLINE, Board("running", found))
    before = collapsed.cache_info()
    metrics_table(PROVENANCE, HEADLINE, Board("finished", found))
    after = collapsed.cache_info()
    assert (after.misses, after.hits > before.hits) == (before.misses, True)


def test_a_stored_number_says_when_it_was_measured() -> None:
    date = "2026-11-24T14:03:22+00:00"
    keys = [CellKey("npo", metric.key) for metric in HEADLINE]
    all_of_them = replace(board(npo=5.0), stored=dict.fromkeys(keys, date))
    assert "stored, 2026-11-24 14:03 UTC" in metrics_table(PROVENANCE, HEADLINE, all_of_them)
    assert "live or, where the row says so, stored" in metrics_table(
        PROVENANCE, HEADLINE, all_of_them
    )
    assert "where the row says so" not in metrics_table(PROVENANCE, HEADLINE, board(npo=5.0))
    one = replace(all_of_them, stored={keys[0]: date})
    assert "1 of 5 stored, 2026-11-24 14:03 UTC" in metrics_table(PROVENANCE, HEADLINE, one)
    assert "stored," not in metrics_table(PROVENANCE, HEADLINE, board(npo=5.0))


def test_privleak_against_full_precision_stands_beside_it() -> None:
    full = Against(-90.1, (-95.0, -80.0), "retrained @ fp32, 2026-11-01")
    found = {CellKey("npo", "privleak"): replace(leaked(-96.8, 0.02), full=full)}
    html = metrics_table(PROVENANCE, HEADLINE, Board("finished", found))
    assert "−90.1 (−95.0 to −80.0) against retrained @ fp32, 2026-11-01" in html


def test_every_group_beyond_the_headline_has_a_table_of_its_own() -> None:
    html = further_tables(PROVENANCE, METRICS, board(npo=5.0))
    assert html.count('<section class="card">') == 3
    assert "Models and metrics · membership" in html
    assert "VerbMem<" not in html
    assert further_tables(PROVENANCE, HEADLINE, board(npo=5.0)) == ""


def test_the_progress_line_names_metric_model_count_and_time_left() -> None:
    now = Progress("simnpo", "verbmem_f", 63, 100, 0.5)
    html = progress(FAMILY, HEADLINE, Board("running", progress=now, seconds=14.0))
    assert "<b>VerbMem</b> SimNPO · 63 of 100" in html
    assert "14 s left" in html
    both = (now, Progress("npo", "verbmem_f", 20, 100, 0.6))
    html = progress(FAMILY, HEADLINE, Board("running", progress=both[1], doing=both))
    assert "<b>VerbMem</b> 2 models · 83 of 200" in html
    assert "4 models, 5 metrics" in progress(FAMILY, HEADLINE, Board())


def test_samples_stand_side_by_side_with_the_pressed_model_first() -> None:
    html = drill_down(
        FAMILY,
        BY_KEY["verbmem_f"],
        board(original=98.0, npo=5.0),
        CellKey("npo", "verbmem_f"),
    )
    assert html.index(">NPO<") < html.index(">Original<")
    assert html.count('class="text"') == 4


def test_published_numbers_are_marked_and_keep_their_own_names() -> None:
    published = load_family("muse-books").published
    assert published is not None
    html = published_block(published, HEADLINE)
    assert "PUBLISHED · bf16" in html
    assert "NPO (plain)" in html
    assert "not what a 4-bit run should come to" in html


def test_no_text_of_others_becomes_markup() -> None:
    asking = replace(RECITE, truth=NASTY)
    spec = replace(SPEC, label=NASTY, note=NASTY, letter="<b>")
    family = replace(FAMILY, models=(spec, *FAMILY.models[:2]))
    provenance = replace(PROVENANCE, family=family)
    key = CellKey("npo", "verbmem_f")
    nasty = Board("finished", {key: measured(5.0, text=NASTY)}, reasons={key: NASTY})
    pages = (
        pane(provenance, spec, said("npo", 0.1, NASTY), asking),
        pane(provenance, spec, replace(said("npo", 0.1), phase="failed", message=NASTY), asking),
        truth_block(find_scenario("forget"), NASTY, NASTY),
        notice(NASTY),
        metrics_table(provenance, HEADLINE, nasty),
        drill_down(family, BY_KEY["verbmem_f"], nasty, key),
        in_words(family, []),
    )
    for html in pages:
        assert "<img" not in html
        assert "${" not in html
        assert "{{" not in html


def test_privleak_texts_stand_on_one_axis_forget_above_holdout() -> None:
    found = {CellKey("npo", "privleak"): leaked(-96.8, 0.02)}
    html = drill_down(
        FAMILY, BY_KEY["privleak"], Board("finished", found), CellKey("npo", "privleak")
    )
    assert '<circle class="forget" cx="1.00%" cy="30%"' in html
    assert '<circle class="holdout" cx="99.00%" cy="70%"' in html
    assert "Axis: 1.50 to 2.50." in html


def test_exact_match_stands_beside_knowmem_and_the_floor_below() -> None:
    samples = tuple(Sample(f"q-{i}", "", truth, "", 0.0) for i, truth in enumerate(("a", "a b")))
    asked = Measurement(40.0, (30.0, 50.0), 2, samples, exact=50.0)
    html = metrics_table(
        PROVENANCE, HEADLINE, Board("finished", {CellKey("npo", "knowmem_f"): asked})
    )
    assert "EM 50" in html
    assert "EM: exact match; answers shuffled among the questions would give 66.7." in html


def test_a_saturated_privleak_says_so() -> None:
    ended = {CellKey("original", "privleak"): leaked(-100.0, 0.0)}
    assert "PrivLeak of Original is saturated" in metrics_table(
        PROVENANCE, HEADLINE, Board("finished", ended)
    )
    near = {CellKey("original", "privleak"): leaked(-98.0, 0.01)}
    assert "saturated" not in metrics_table(PROVENANCE, HEADLINE, Board("finished", near))
