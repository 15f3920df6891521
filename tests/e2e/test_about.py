"""A model's card: opened from its pane, read while the models write, and harmless."""

from collections.abc import Iterator
from dataclasses import replace

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from loaders.cards import Card, Setting, Source
from tests.e2e.screen import pane, ready, run_button, stop_button
from tests.e2e.test_safety import PAYLOADS
from tests.stage import ANSWERS, staged_family, staged_page


@pytest.fixture(scope="module")
def slow() -> Iterator[str]:
    long = {model: f"{text} " * 40 for model, text in ANSWERS.items()}
    with staged_page(lambda model, _: long[model], seconds_per_step=0.1) as address:
        yield address


@pytest.fixture(scope="module")
def writing(shared: Page, slow: str) -> Page:
    """The page of models that take their time."""
    ready(shared, slow)
    return shared


def button(page: Page, label: str) -> Locator:
    return pane(page, label).get_by_role("button", name=f"About {label}")


def card(page: Page, label: str) -> Locator:
    return page.get_by_role("dialog", name=f"About {label}")


def test_a_card_opens_by_key_and_stays_open_while_its_model_writes(writing: Page) -> None:
    run_button(writing).click()
    expect(pane(writing, "NPO")).to_have_attribute("data-phase", "streaming")
    button(writing, "NPO").focus()
    writing.keyboard.press("Enter")
    expect(card(writing, "NPO")).to_contain_text("4.94 MB")
    expect(card(writing, "NPO").get_by_role("button", name="Close")).to_be_focused()
    words = pane(writing, "NPO").locator("p.text").inner_text()
    expect(pane(writing, "NPO").locator("p.text")).not_to_have_text(words)
    writing.keyboard.press("Escape")
    expect(card(writing, "NPO")).to_be_hidden()
    expect(button(writing, "NPO")).to_be_focused()
    expect(pane(writing, "NPO")).to_have_attribute("data-phase", "streaming")
    stop_button(writing).click()


def test_a_card_that_is_drawn_anew_stays_open(writing: Page) -> None:
    button(writing, "Retrained").click()
    expect(card(writing, "Retrained")).to_be_visible()
    writing.evaluate(
        "(card) => { card.outerHTML = card.outerHTML }", card(writing, "Retrained").element_handle()
    )
    expect(card(writing, "Retrained")).to_be_visible()
    card(writing, "Retrained").get_by_role("button", name="Close").click()
    expect(card(writing, "Retrained")).to_be_hidden()


def test_a_card_fits_a_phone(browser: Browser, slow: str) -> None:
    page = browser.new_page(viewport={"width": 390, "height": 844}, has_touch=True)
    ready(page, slow)
    button(page, "SimNPO").tap()
    shown = card(page, "SimNPO")
    expect(shown.get_by_role("button", name="Close")).to_be_in_viewport()
    assert shown.evaluate("(card) => card.scrollWidth <= card.clientWidth")
    page.close()


def test_payloads_on_a_card_are_shown_as_text(page: Page) -> None:
    nasty = " ".join(PAYLOADS)
    card_of_theirs = Card(
        *(nasty,) * 5,
        settings=(Setting(nasty, nasty, "a"), Setting(nasty, "b", nasty)),
        sources=(Source("a", "javascript:document.body.dataset.broken=1"),),
    )
    family = staged_family()
    models = tuple(
        replace(spec, label=f"{spec.key} {nasty}", note=nasty, repo=nasty, card=card_of_theirs)
        for spec in family.models
    )
    with staged_page(family=replace(family, models=models)) as address:
        page.goto(address)
        for spec in models[:2]:
            button(page, spec.label).click()
            expect(card(page, spec.label)).to_contain_text("4.94 MB")
            expect(card(page, spec.label).locator(".remark")).to_have_text(nasty)
            expect(card(page, spec.label).locator("a")).to_have_count(0)
            page.keyboard.press("Escape")
        assert page.evaluate("document.body.dataset.broken") is None
