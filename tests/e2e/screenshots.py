"""`python -m tests.e2e.screenshots`: the README's pictures, of the real app on the demo family."""

import os
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from playwright.sync_api import Browser, Page, expect, sync_playwright

from tests.chromium import FLAGS, find_chromium
from tests.e2e.screen import (
    finished,
    measured,
    open_precision,
    open_results,
    open_sweep,
    ready,
    run_button,
)
from tests.serving import ROOT, running_app

FOLDER = ROOT / "assets" / "screenshots"
WIDTH, HEIGHT = 1440, 1000


def main(folder: Path = FOLDER) -> None:
    """Take all pages in light and dark, with a store of their own."""
    folder.mkdir(parents=True, exist_ok=True)
    expect.set_options(timeout=60_000)
    with TemporaryDirectory() as data:
        os.environ["UNLEARNING_DATA"] = data
        _take(folder)


def _take(folder: Path) -> None:
    with running_app() as address, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=find_chromium(), args=list(FLAGS))
        for scheme in ("light", "dark"):
            page = opened(browser, f"{address}/?__theme={scheme}", WIDTH)
            run_button(page).click()
            finished(page)
            page.screenshot(path=folder / f"compare-{scheme}.png", full_page=True)
            measured(page)
            page.screenshot(path=folder / f"metrics-{scheme}.png", full_page=True)
            open_sweep(page, page.url)
            page.screenshot(path=folder / f"sweep-{scheme}.png", full_page=True)
            open_precision(page, page.url)
            page.screenshot(path=folder / f"precision-{scheme}.png", full_page=True)
            open_results(page, page.url)
            page.screenshot(path=folder / f"results-{scheme}.png", full_page=True)
            page.close()


def opened(browser: Browser, address: str, width: int) -> Page:
    """A fresh page with the models ready."""
    page = browser.new_page(viewport={"width": width, "height": HEIGHT})
    ready(page, address)
    return page


if __name__ == "__main__":
    main(*(Path(folder) for folder in sys.argv[1:]))
