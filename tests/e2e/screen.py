"""What a visitor sees and does, by role and label."""

import re

from playwright.sync_api import Locator, Page, expect

LABELS = ("Original", "Retrained", "NPO", "SimNPO")


def pane(page: Page, label: str) -> Locator:
    return page.get_by_role("article", name=label, exact=True)


def prompt(page: Page) -> Locator:
    return page.get_by_role("textbox", name="Prompt")


def run_button(page: Page) -> Locator:
    return page.get_by_role("button", name=re.compile(r"^Run(?! the)"))


def stop_button(page: Page) -> Locator:
    return page.get_by_role("button", name=re.compile("^Stop"))


def ready(page: Page, address: str, *labels: str) -> None:
    """Open the page and wait until the models are loaded."""
    page.goto(address)
    for label in labels or LABELS:
        loaded = re.compile(r"ready in \d+\.\d s")
        expect(pane(page, label)).to_contain_text(loaded, timeout=60_000)


def finished(page: Page, *labels: str) -> None:
    for label in labels or LABELS:
        expect(pane(page, label)).to_have_attribute("data-phase", "finished")


def resize(page: Page, width: int) -> None:
    """Give the page another width, and hold it to scrolling down only."""
    page.set_viewport_size({"width": width, "height": 900})
    page.wait_for_function("width => innerWidth === width", arg=width)
    page.wait_for_function("document.documentElement.scrollWidth <= innerWidth")


def choose_scenario(page: Page, name: str) -> None:
    page.get_by_role("radio", name=name).check(force=True)


def open_metrics(page: Page) -> None:
    page.get_by_role("tab", name="Metrics").click()


def measured(page: Page) -> None:
    """Run the metrics to their end."""
    open_metrics(page)
    page.get_by_role("button", name="Run the metrics").click()
    expect(page.locator(".progress")).to_have_attribute("data-phase", "finished", timeout=120_000)


def open_sweep(page: Page, address: str) -> None:
    """Open the page at the Sweep tab and wait until its chart is drawn; no model is needed."""
    page.goto(address)
    page.get_by_role("tab", name="Sweep").click()
    expect(page.locator("#settings .main-svg").first).to_be_visible()


def open_precision(page: Page, address: str) -> None:
    """Open the page at the Precision tab and wait until a chart is drawn; no model is needed."""
    page.goto(address)
    page.get_by_role("tab", name="Precision").click()
    expect(page.locator("#panel-verbmem_f .main-svg").first).to_be_visible()


def open_results(page: Page, address: str) -> None:
    """Open the page at the Results tab and wait until its list is there; no model is needed."""
    page.goto(address)
    page.get_by_role("tab", name="Results").click()
    expect(page.get_by_role("region", name="Records", exact=True)).to_be_visible()


def cell(page: Page, words: str) -> Locator:
    """The number of one model and metric, by how it is read aloud."""
    return page.get_by_role("button", name=re.compile(f"^{words}: "))
