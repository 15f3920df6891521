"""The Trajectory page in a real browser: measured live, stored, cancelled, on a phone."""

import re
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from playwright.sync_api import Browser, Page, expect

from dashboard.page import Where, build, serve
from dashboard.run import WIDTHS
from dashboard.trajectory.measure import Trajectory
from loaders.fake import FakeEngine
from loaders.session import Session
from loaders.trajectory import without_earlier
from tests.serving import free_port
from tests.stage import ANSWERS, TRUTH, staged_data
from tests.steps import stepped_family


def forgets(model: str, prompt: str) -> str:
    """The first checkpoint still recites."""
    return ANSWERS.get(model, TRUTH if model == "step-10" else ANSWERS["simnpo"])


@contextmanager
def stepped_page(seconds_per_step: float = 0.0) -> Iterator[str]:
    """Serve the page of a family with three checkpoints; yields its address."""
    family = stepped_family()

    def engine() -> FakeEngine:
        return FakeEngine(forgets, seconds_per_step=seconds_per_step)

    session = Session(without_earlier(family), engine, WIDTHS)
    trajectory = Trajectory(family, lambda some: engine())
    page = build(session, staged_data(), trajectory=trajectory)
    session.start()
    address = serve(page, Where(port=free_port()), block=False, quiet=True)
    try:
        yield address.rstrip("/")
    finally:
        page.close()
        session.stop()


@pytest.fixture(scope="module")
def stepped() -> Iterator[str]:
    with pytest.MonkeyPatch.context() as patch:
        for module in ("metrics.store.keys", "metrics.suite"):
            patch.setattr(f"{module}.revision", lambda spec: f"sha256:{spec.key}")
        with stepped_page() as address:
            yield address


def open_trajectory(page: Page, address: str) -> None:
    page.goto(address)
    page.get_by_role("tab", name="Trajectory").click()
    expect(page.locator("#step-verbmem_f .main-svg").first).to_be_visible()


def run_button(page: Page) -> None:
    page.get_by_role("button", name="Measure every checkpoint").click()


def test_the_curves_come_live_and_the_second_time_from_the_store(page: Page, stepped: str) -> None:
    page.goto(stepped)
    expect(page.get_by_role("article")).to_have_count(3)  # of the checkpoints only the last
    expect(page.get_by_role("article", name="step 30")).to_be_visible()
    open_trajectory(page, stepped)
    expect(page.get_by_text("Not known yet.").first).to_be_visible()
    line = page.locator("#trajectory-progress .progress")
    run_button(page)
    expect(line).to_have_attribute("data-phase", "finished", timeout=30_000)
    expect(page.locator("#steps").get_by_text("FP32 · LIVE · TOY")).to_be_visible()
    chart = page.get_by_role("img", name=re.compile("^VerbMem over steps"))
    assert chart.evaluate("plot => plot.data.map(trace => trace.name)") == [
        *("Original", "Retrained", "95 % intervals", "checkpoints"),
    ]
    assert chart.evaluate("plot => plot.data[3].x") == [10, 20, 30]
    assert chart.evaluate("plot => plot.data[3].y[0]") == 50  # recites one of the two passages
    run_button(page)
    expect(page.locator("#steps").get_by_text("FP32 · STORED · TOY")).to_be_visible()
    expect(page.get_by_role("row", name="step 20")).to_contain_text("stored")


def test_one_more_metric_is_picked_and_measured_and_a_number_opens(
    page: Page, stepped: str
) -> None:
    open_trajectory(page, stepped)
    page.get_by_label("One more metric").click()
    page.get_by_role("option", name="Longest run, tokens").click()
    expect(page.get_by_role("img", name="Longest run, tokens over steps. Nothing")).to_be_visible()
    run_button(page)
    expect(page.get_by_role("img", name="Longest run, tokens over steps. step 10")).to_be_visible(
        timeout=30_000
    )
    page.get_by_role("button", name="step 10, Longest run, tokens").click()
    samples = page.get_by_role("region", name="Samples of Longest run, tokens")
    expect(samples).to_be_in_viewport()
    expect(samples.get_by_text("step 10").first).to_be_visible()
    expect(samples.get_by_text("step 20")).to_have_count(0)


def test_a_run_can_be_cancelled_and_what_was_measured_stays(page: Page) -> None:
    with stepped_page(seconds_per_step=0.03) as address:
        open_trajectory(page, address)
        run_button(page)
        table = page.get_by_role("region", name="Numbers by step")
        expect(table.get_by_role("button", name="Original, VerbMem")).to_be_visible(timeout=30_000)
        page.locator("#cancel-trajectory").click()
        line = page.locator("#trajectory-progress .progress")
        expect(line).to_have_attribute("data-phase", "cancelled")
        expect(table.get_by_role("button", name="Original, VerbMem")).to_be_visible()
        expect(page.get_by_role("button", name="Measure every checkpoint")).to_be_enabled()


def test_on_a_phone_all_tabs_are_in_one_row_that_scrolls_and_the_page_does_not(
    browser: Browser, stepped: str
) -> None:
    page = browser.new_page(viewport={"width": 390, "height": 900})
    open_trajectory(page, stepped)
    expect(page.get_by_role("button", name="More tabs")).to_have_count(0)
    tabs = page.get_by_role("tab")
    heights = {box["y"] for tab in tabs.all() if (box := tab.bounding_box())}
    assert (tabs.count(), len(heights)) == (5, 1)
    run_button(page)
    line = page.locator("#trajectory-progress .progress")
    expect(line).to_have_attribute("data-phase", "finished", timeout=30_000)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    page.get_by_role("tab", name="Results").click()
    expect(page.get_by_role("region", name="Records", exact=True)).to_be_visible()
    page.close()
