"""A real Chromium, and the real app with the demo family, once for all browser tests."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from tests.chromium import FLAGS, find_chromium
from tests.serving import running_app

expect.set_options(timeout=20_000)


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        yield playwright.chromium.launch(executable_path=find_chromium(), args=list(FLAGS))


@contextmanager
def tab(browser: Browser) -> Iterator[Page]:
    page = browser.new_page(viewport={"width": 1440, "height": 1000})
    page.set_default_timeout(20_000)
    yield page
    page.close()


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    with tab(browser) as page:
        yield page


@pytest.fixture(scope="module")
def shared(browser: Browser) -> Iterator[Page]:
    """One tab for the tests of a module that look at one page; most of a test is to load it."""
    with tab(browser) as page:
        yield page


@pytest.fixture(scope="session")
def demo() -> Iterator[str]:
    with running_app() as address:
        yield address
