"""The main path of a newcomer, on the real app with the real demo models in 4-bit."""

import re

from playwright.sync_api import Page, expect

from tests.e2e.screen import (
    LABELS,
    cell,
    choose_scenario,
    finished,
    measured,
    pane,
    ready,
    run_button,
    stop_button,
)


def score(page: Page, label: str) -> int:
    return int(pane(page, label).locator(".score").inner_text())


def test_recite_stop_ask_measure_and_read_the_samples(page: Page, demo: str) -> None:
    ready(page, demo)
    expect(page.locator("#badges")).to_contain_text("NF4 · CPU")
    run_button(page).click()
    finished(page)
    assert score(page, "Original") >= 90
    assert all(score(page, label) <= 40 for label in LABELS[1:])
    expect(pane(page, "Original").locator("mark").first).to_be_visible()

    page.get_by_role("button", name=re.compile("greedy · 96 tokens")).click()
    page.get_by_label("Max new tokens").fill("512")
    page.keyboard.press("Escape")
    run_button(page).click()
    expect(pane(page, "Original")).to_have_attribute("data-phase", "streaming")
    stop_button(page).click()
    expect(pane(page, "Original")).to_have_attribute("data-phase", "stopped")

    choose_scenario(page, "Ask about the kept books")
    run_button(page).click()
    finished(page)
    assert score(page, "Original") == 100
    assert score(page, "Retrained") == 100

    measured(page)
    expect(cell(page, "Original, VerbMem")).to_contain_text(re.compile(r"9\d\.\d|100\.0"))
    expect(page.locator("#table")).to_contain_text("Toy numbers, NF4")
    cell(page, "SimNPO, KnowMem, forget").click()
    samples = page.get_by_role("region", name="Samples of KnowMem, forget")
    expect(samples.locator("li")).to_have_count(100)
