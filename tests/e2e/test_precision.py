"""The Precision page: its question is answered, drawn and measured live; it is never too wide."""

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Locator, Page, expect

from dashboard.precision.measure import Engines
from metrics.reading.recovery import BITS
from tests.e2e.screen import open_precision, resize
from tests.precisions import BACK, NOTHING, made_results
from tests.stage import TRUTH, engine_at, reply, staged_page

NO_AVX2 = "bitsandbytes needs AVX2 on a CPU of this kind"
OFFERS = dict.fromkeys(BITS) | {"int8": NO_AVX2}


def recites_at_fp4(model: str, prompt: str) -> str:
    """NPO gives the true text back."""
    return TRUTH if model == "npo" else reply(model, prompt)


def engines(seconds_per_step: float = 0.0) -> Engines:
    """Of the five precisions int8 does not run, and at fp4 NPO remembers."""
    return Engines(
        lambda device: OFFERS,
        lambda precision: engine_at(
            precision, recites_at_fp4 if precision == "fp4" else reply, seconds_per_step
        ),
    )


@pytest.fixture(scope="module")
def nothing() -> Iterator[str]:
    with staged_page(recorded=made_results(NOTHING), engines=engines()) as address:
        yield address


@pytest.fixture(scope="module")
def shown(shared: Page, nothing: str) -> Page:
    """The page of those who only look."""
    open_precision(shared, nothing)
    return shared


def heading(page: Page, name: str) -> Locator:
    return page.get_by_role("heading", name=name)


def top(page: Page, name: str) -> float:
    """How far down a heading stands."""
    box = heading(page, name).bounding_box()
    assert box is not None
    return box["y"]


def test_the_question_has_two_answers_and_the_published_leads_where_nothing_returns(
    shown: Page,
) -> None:
    expect(heading(shown, "Does quantizing bring back what was unlearned?")).to_be_visible()
    expect(
        shown.get_by_text("no unlearned model regains anything of what it forgot")
    ).to_be_visible()
    expect(shown.get_by_text("NPO (GDR) goes from 0.4 in full precision to 66.0")).to_be_visible()
    assert top(shown, "MUSE-Books, 7B: from full precision") < top(shown, "Every metric over")
    expect(shown.get_by_text("PUBLISHED · FP4 · FULL").first).to_be_visible()
    expect(shown.get_by_text("FP32 · NF4 · FP4 · RECORDED · TOY").first).to_be_visible()


def test_a_family_that_shows_recovery_comes_first(page: Page) -> None:
    with staged_page(recorded=made_results(BACK)) as address:
        open_precision(page, address)
        expect(page.get_by_text("Yes, in part.")).to_be_visible()
        assert top(page, "Every metric over") < top(page, "MUSE-Books, 7B: from full precision")
        expect(page.get_by_role("button", name="Measure every precision")).to_have_count(0)


def test_every_metric_is_a_chart_with_a_line_per_model(shown: Page) -> None:
    charts = shown.get_by_role("img", name=re.compile("over precision"))
    expect(charts).to_have_count(5)
    for chart in charts.all():
        assert chart.evaluate("plot => plot.data.length") == 4
        assert chart.evaluate("plot => plot.data[0].x.length") == 3
    slopes = shown.get_by_role("img", name=re.compile("^Published"))
    expect(slopes).to_have_count(4)


def test_recoveries_and_dashes_stand_in_the_table(shown: Page) -> None:
    table = shown.get_by_role("region", name="Recovery")
    expect(table.get_by_role("row", name="fp4").first).to_contain_text("−50 %")
    expect(table).to_contain_text("Original is 2.0 away; to less than 5 points a ratio says")
    pairs = shown.get_by_role("region", name="Published pairs")
    row = pairs.get_by_role("row", name="NPO (GDR) Table 3")
    expect(row).to_contain_text("3.2 → 66.0")
    expect(row).to_contain_text("recovery 65 %")


def test_what_does_not_run_here_is_grey_and_says_why(shown: Page) -> None:
    precisions = shown.get_by_role("list", name="Precisions")
    expect(precisions.get_by_role("listitem")).to_have_count(5)
    int8 = precisions.get_by_role("listitem").filter(has_text="int8")
    expect(int8).to_contain_text(f"does not run here: {NO_AVX2}")
    expect(int8).to_have_class("grey")
    bf16 = precisions.get_by_role("listitem").filter(has_text="bf16")
    expect(bf16).to_contain_text("runs here, not measured")


def test_every_precision_can_be_measured_live(page: Page, nothing: str) -> None:
    open_precision(page, nothing)
    page.get_by_role("button", name="Measure every precision").click()
    line = page.locator("#precision-progress .progress")
    expect(line).to_have_attribute("data-phase", "finished", timeout=30_000)
    expect(page.get_by_text("FP32 · BF16 · NF4 · FP4 · LIVE · TOY").first).to_be_visible()
    expect(page.get_by_text("Yes, in part.", exact=True)).to_be_visible()
    expect(page.get_by_text("100 % (100 to 100 %) of NPO's VerbMem at fp4").first).to_be_visible()
    expect(page.get_by_text("RECORDED")).to_have_count(0)
    expect(page.get_by_role("button", name="Measure every precision")).to_be_enabled()
    chart = page.get_by_role("img", name="VerbMem over precision")
    assert chart.evaluate("plot => plot.data[2].y.at(-1)") == 50  # one of two passages
    # What is stored now comes again at once, and is not called live.
    open_precision(page, nothing)
    page.get_by_role("button", name="Measure every precision").click()
    expect(line).to_have_attribute("data-phase", "finished")
    expect(page.get_by_text("FP32 · BF16 · NF4 · FP4 · STORED · TOY").first).to_be_visible()
    fp4 = page.get_by_role("list", name="Precisions").get_by_role("listitem").nth(4)
    expect(fp4).to_contain_text(re.compile(r"stored, \d{4}-\d\d-\d\d \d\d:\d\d UTC"))
    page.get_by_role("checkbox", name="Measure anew").last.check()
    page.get_by_role("button", name="Measure every precision").click()
    expect(page.get_by_text("FP32 · BF16 · NF4 · FP4 · LIVE · TOY").first).to_be_visible()


def test_a_run_can_be_cancelled_and_what_was_shown_stays(page: Page) -> None:
    slow = engines(seconds_per_step=0.3)
    with staged_page(recorded=made_results(), engines=slow, seconds_per_step=0.05) as address:
        open_precision(page, address)
        page.get_by_role("button", name="Measure every precision").click()
        line = page.locator("#precision-progress .progress")
        expect(line).to_have_attribute("data-phase", "running")
        expect(line).to_contain_text("fp32 1 of 4")
        page.locator("#cancel-precision").click()
        expect(line).to_have_attribute("data-phase", "cancelled")
        expect(line).to_contain_text("Cancelled at fp32")
        expect(page.get_by_text("FP32 · NF4 · FP4 · RECORDED · TOY").first).to_be_visible()
        expect(page.get_by_role("button", name="Measure every precision")).to_be_enabled()


def test_without_results_the_page_says_that_nothing_is_known(page: Page) -> None:
    with staged_page(engines=engines()) as address:
        open_precision(page, address)
        expect(page.get_by_text("Not known yet.")).to_be_visible()
        expect(page.get_by_text("not measured yet").first).to_be_visible()


@pytest.mark.parametrize("width", [390, 700, 1100, 1440])
def test_tables_scroll_in_their_card_and_never_the_page(shown: Page, width: int) -> None:
    resize(shown, width)
    for card in shown.locator("#precision .card").all():
        box = card.bounding_box()
        assert box is not None
        assert box["x"] + box["width"] <= width
    badges = shown.locator("#precision .badge").all()
    ends = [box["x"] + box["width"] for badge in badges if (box := badge.bounding_box())]
    assert max(ends) <= width
