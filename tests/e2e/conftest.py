"""A real Chromium, and the real app with the demo family, once for all browser tests."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from tests.chromium import FLAGS, find_chromium
from tests.serving import running_app

expect.set_options(timeout=20_000)


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        yield playwright.chromium.launch(executable_path=find_chromium(), args=list(FLAGS))


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    page = browser.new_page(viewport={"width": 1440, "height": 1000})
    page.set_default_timeout(20_000)
    yield page
    page.close()


@pytest.fixture(scope="session")
def demo() -> Iterator[str]:
    with running_app() as address:
        yield address
