"""The Metrics page on an engine whose answers are known: live charts, cancel, samples."""

import re
import time
from collections.abc import Iterator
from dataclasses import replace

import pytest
from playwright.sync_api import Browser, Page, expect

from dashboard.results.shelves import Shelves
from loaders import Fault
from loaders.checkpoint import revision
from metrics import Passage, Results
from metrics.store import Store
from tests.e2e.screen import cell, measured, open_metrics, ready, resize
from tests.precisions import made_results
from tests.stage import PASSAGE, TRUTH, staged_data, staged_family, staged_page

STORED = re.compile(r"stored, \d{4}-\d\d-\d\d \d\d:\d\d UTC")
MANY = tuple(Passage(f"verbmem-{i}", f"{PASSAGE} {i}", TRUTH) for i in range(60))


@pytest.fixture(scope="module")
def quick() -> Iterator[str]:
    with staged_page() as address:
        yield address


@pytest.fixture(scope="module")
def slow() -> Iterator[str]:
    data = replace(staged_data(), verbmem=MANY)
    with staged_page(data=data, seconds_per_step=0.15) as address:
        yield address


@pytest.fixture(scope="module")
def asked() -> list[str]:
    """Every address that `numbers` asked for."""
    return []


@pytest.fixture(scope="module")
def numbers(shared: Page, quick: str, asked: list[str]) -> Page:
    """The page with all its numbers."""
    shared.on("request", lambda request: asked.append(request.url))
    ready(shared, quick)
    measured(shared)
    return shared


def start(page: Page, address: str) -> None:
    ready(page, address)
    open_metrics(page)
    page.get_by_role("checkbox", name="Measure anew").check()
    page.get_by_role("button", name="Run the metrics").click()


def test_every_number_comes_with_its_interval_and_its_distance(numbers: Page) -> None:
    original = cell(numbers, "Original, VerbMem")
    expect(original).to_contain_text("±")
    expect(original).to_contain_text("+")
    expect(cell(numbers, "Retrained, VerbMem")).to_contain_text("reference")
    expect(cell(numbers, "Retrained, PrivLeak")).to_contain_text("AUC")
    expect(cell(numbers, "NPO, Fluency")).to_contain_text("⚠ collapsed")
    expect(numbers.get_by_text("95 % intervals", exact=False)).to_be_visible()


def test_a_number_opens_to_the_samples_behind_it(numbers: Page) -> None:
    cell(numbers, "NPO, VerbMem").click()
    samples = numbers.get_by_role("region", name="Samples of VerbMem")
    expect(samples.locator("li")).to_have_count(2)
    expect(samples).to_contain_text("yawned. yawned.")
    expect(samples).to_contain_text("She did not mind the steps.")
    numbers.get_by_role("button", name="Close").click()
    expect(samples).to_have_count(0)
    cell(numbers, "Original, PrivLeak").click()
    expect(numbers.get_by_role("region", name="Samples of PrivLeak")).to_contain_text(
        "privleak_holdout-5"
    )


def test_a_cancelled_run_keeps_its_numbers_and_says_of_how_many(page: Page, slow: str) -> None:
    start(page, slow)
    expect(cell(page, "Original, VerbMem")).to_contain_text("so far")
    page.get_by_role("button", name="Cancel").click()
    expect(page.locator(".progress")).to_have_attribute("data-phase", "cancelled")
    expect(page.locator(".progress")).to_contain_text("Cancelled at VerbMem")
    expect(cell(page, "Original, VerbMem")).to_contain_text("so far")
    # Nothing is said of models that were not measured, nor of a difference to them.
    assert {said.inner_text() for said in page.locator("#table .verdict").all()} == {""}
    expect(page.get_by_role("region", name="How sure is this?")).to_have_count(0)
    expect(page.get_by_role("list", name="Collapsed models")).to_have_count(0)
    expect(cell(page, "SimNPO, [^:]+")).to_have_count(0)
    expect(page.get_by_role("row", name="SimNPO").locator(".cell.empty")).to_have_count(5)
    expect(page.locator("#table .footnote")).to_contain_text("no difference is tested")
    expect(page.get_by_role("button", name="Run the metrics")).to_be_enabled()


def test_zoom_and_the_chart_itself_survive_live_updates(page: Page, slow: str) -> None:
    start(page, slow)
    # A second model's number is a second point, so updates are on their way while we zoom.
    expect(cell(page, "Original, VerbMem")).to_be_visible()
    plot = page.locator("#bars .plot")
    plot.scroll_into_view_if_needed()
    plot.evaluate("node => { node.dataset.same = 'yes'; }")
    whole = plot.evaluate("node => node.layout.yaxis.range.slice()")
    drag(page, "#bars .plot .nsewdrag")
    zoomed = plot.evaluate("node => node.layout.yaxis.range.slice()")
    assert zoomed != whole
    expect(cell(page, "Retrained, VerbMem")).to_be_visible()
    assert plot.evaluate("node => node.layout.yaxis.range.slice()") == zoomed
    expect(plot).to_have_attribute("data-same", "yes")
    page.get_by_role("button", name="Cancel").click()


def drag(page: Page, selector: str) -> None:
    """Draw a box in the middle of a chart."""
    box = page.locator(selector).first.bounding_box()
    assert box is not None
    left, top = box["x"] + box["width"] / 3, box["y"] + box["height"] / 3
    page.mouse.move(left, top)
    page.mouse.down()
    page.mouse.move(left + 60, top + 60, steps=4)
    page.mouse.up()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_no_page_scrolls_sideways(browser: Browser, quick: str, scheme: str) -> None:
    page = browser.new_page(viewport={"width": 390, "height": 844})
    ready(page, f"{quick}/?__theme={scheme}")
    measured(page)
    for width in (390, 1100, 1440):
        for name in ("Metrics", "Compare"):
            page.get_by_role("tab", name=name).click()
            resize(page, width)
    page.close()


def test_nothing_is_fetched_from_elsewhere(numbers: Page, quick: str, asked: list[str]) -> None:
    assert numbers.url.startswith(quick)
    assert f"{quick}/" in asked
    assert {url for url in asked if not url.startswith((quick, "data:", "blob:"))} == set()


def test_a_second_run_comes_from_the_store_and_a_fresh_one_does_not(page: Page) -> None:
    with staged_page(seconds_per_step=0.05) as address:
        ready(page, address)
        measured(page)
        expect(page.locator("#table")).not_to_contain_text("stored,")
        value = cell(page, "NPO, VerbMem").inner_text()
        page.reload()
        ready(page, address)
        started = time.perf_counter()
        measured(page)
        assert time.perf_counter() - started < 5
        row = page.get_by_role("row", name="NPO", exact=False).filter(has_text="stored,")
        expect(row.filter(has_not_text="SimNPO")).to_contain_text(STORED)
        assert cell(page, "NPO, VerbMem").inner_text() == value
        page.get_by_role("checkbox", name="Measure anew").check()
        measured(page)
        expect(page.locator("#table")).not_to_contain_text("stored,")


def test_two_visitors_of_a_public_page_do_not_see_each_others_results(browser: Browser) -> None:
    with staged_page(shelves=Shelves(is_public=True)) as address:
        first, second = browser.new_page(), browser.new_page()
        for visitor in (first, second):
            ready(visitor, address)
        measured(first)
        expect(first.get_by_text("This page is public.")).to_be_visible()
        measured(second)
        expect(second.locator("#table")).not_to_contain_text("stored,")
        measured(first)
        expect(first.locator("#table")).to_contain_text("stored,")
        first.close()
        second.close()


def test_what_is_in_memory_of_a_visitor_goes_when_they_leave(browser: Browser) -> None:
    shelves = Shelves(is_public=True)
    with staged_page(shelves=shelves) as address:
        leaver = browser.new_page()
        ready(leaver, address)
        measured(leaver)
        assert shelves.visitors == 1
        leaver.close()
        deadline = time.monotonic() + 10
        while shelves.visitors and time.monotonic() < deadline:
            time.sleep(0.05)
        assert shelves.visitors == 0


def test_a_store_that_does_not_work_is_said_and_the_numbers_come(page: Page) -> None:
    def broken() -> Store:
        raise Fault("The store is damaged; move the file away.")

    with staged_page(shelves=Shelves(is_public=False, opened=broken)) as address:
        ready(page, address)
        measured(page)
        expect(page.get_by_role("alert")).to_contain_text("The store is damaged")
        expect(cell(page, "Original, VerbMem")).to_be_visible()


def test_everything_has_its_tables_its_curves_and_says_how_sure_it_is(page: Page) -> None:
    with staged_page() as address:
        ready(page, address)
        open_metrics(page)
        page.get_by_role("radio", name="Everything").check(force=True)
        measured(page)
        sure = page.get_by_role("region", name="How sure is this?")
        expect(sure).to_contain_text("2 answers")
        for group in ("memorization", "membership", "utility"):
            expect(page.get_by_role("region", name=f"Models and metrics · {group}")).to_be_visible()
        curve = page.get_by_role("img", name="PrivLeak, zlib, area under the curve: Original")
        expect(curve).to_be_visible()
        cell(page, "NPO, Repetition").click()
        expect(page.get_by_role("region", name="Samples of Repetition")).to_contain_text("yawned")


def recorded_here() -> Results:
    """Results of the staged models themselves, at the precision and on the data of the page; of
    what is not in the headline there is repetition alone."""
    results, family = made_results(), staged_family()
    records = [
        replace(
            record,
            revision=revision(family.model(record.model)),
            metrics=record.metrics | {"repetition": record.metrics["fluency"]},
        )
        for record in results.records
    ]
    return replace(results, records=tuple(records))


def test_recorded_numbers_stand_there_until_somebody_measures(page: Page) -> None:
    with staged_page(recorded=recorded_here()) as address:
        ready(page, address)
        open_metrics(page)
        table = page.locator("#table")
        expect(table).to_contain_text("recorded, 2026-11-24 10:00 UTC")
        expect(page.locator(".progress")).to_contain_text("not measured here yet")
        further = page.get_by_role("region", name="Models and metrics · utility")
        expect(further).to_have_count(0)
        page.get_by_role("radio", name="Everything").check(force=True)
        expect(further).to_contain_text("recorded, 2026-11-24 10:00 UTC")
        cell(page, "NPO, Repetition").click()
        expect(page.get_by_role("region", name="Samples of Repetition")).to_be_visible()
        page.get_by_role("radio", name="Headline").check(force=True)
        expect(further).to_have_count(0)
        measured(page)
        expect(table).not_to_contain_text("recorded")
        expect(page.locator("#table .footnote")).to_contain_text("FP32, n = 2–12, live")
        page.get_by_role("radio", name="Everything").check(force=True)
        expect(table).not_to_contain_text("recorded")
