"""The Compare page on an engine whose timing and words are known."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import APIResponse, Browser, Page, Route, expect

from tests.e2e.screen import (
    LABELS,
    choose_scenario,
    finished,
    pane,
    prompt,
    ready,
    run_button,
    stop_button,
)
from tests.stage import ANSWERS, PASSAGE, TRUTH, staged_page

FIRST_WORDS = """
window.firstWords = {};
new MutationObserver(() => {
  for (const pane of document.querySelectorAll('article.pane'))
    if (pane.querySelector('p.text')?.textContent && !(pane.dataset.model in window.firstWords))
      window.firstWords[pane.dataset.model] = performance.now();
}).observe(document, {childList: true, subtree: true, characterData: true});
"""


@pytest.fixture(scope="module")
def quick() -> Iterator[str]:
    with staged_page() as address:
        yield address


@pytest.fixture(scope="module")
def slow() -> Iterator[str]:
    long = {model: f"{text} " * 40 for model, text in ANSWERS.items()}
    with staged_page(lambda model, _: long[model], seconds_per_step=0.1) as address:
        yield address


@pytest.fixture(scope="module")
def writing(shared: Page, slow: str) -> Page:
    """The page of models that take their time; whoever runs them stops them."""
    ready(shared, slow)
    return shared


def test_the_same_prompt_runs_through_all_four(page: Page, quick: str) -> None:
    ready(page, quick)
    tabs = [tab.inner_text() for tab in page.get_by_role("tab").all()]
    assert tabs == ["Compare", "Metrics", "Precision", "Results"]  # neither sweep nor checkpoints
    expect(prompt(page)).to_have_value(PASSAGE)
    run_button(page).click()
    finished(page)
    for label, answer in zip(LABELS, ANSWERS.values(), strict=True):
        expect(pane(page, label)).to_contain_text(answer)
    original = pane(page, "Original")
    expect(original.locator("mark").first).to_be_visible()
    expect(original.locator(".score")).to_have_text("100")
    expect(original).to_contain_text(re.compile(r"\d+ tokens · .* · first after \d+ ms"))
    expect(original).to_contain_text("FP32 · LIVE · TOY")
    expect(pane(page, "NPO")).to_contain_text("Text has collapsed")
    expect(page.locator("#truth")).to_contain_text(TRUTH)
    expect(page.locator("#words")).to_contain_text("15 of its 15 words")


def test_first_words_come_at_the_same_moment(page: Page, slow: str) -> None:
    ready(page, slow)
    page.evaluate(FIRST_WORDS)
    run_button(page).click()
    page.wait_for_function("Object.keys(window.firstWords).length === 4")
    moments = page.evaluate("Object.values(window.firstWords)")
    assert max(moments) - min(moments) < 250
    stop_button(page).click()


def test_stop_keeps_what_has_come_and_run_works_again(writing: Page) -> None:
    for _ in range(2):
        run_button(writing).click()
        expect(pane(writing, "Original")).to_have_attribute("data-phase", "streaming")
        expect(pane(writing, "Original").locator("p.text")).to_contain_text("She did not mind")
        stop_button(writing).click()
        expect(pane(writing, "Original")).to_have_attribute("data-phase", "stopped")
        expect(pane(writing, "Original")).to_contain_text("She did not mind")
        expect(run_button(writing)).to_be_enabled()


def test_keys_run_and_stop(writing: Page) -> None:
    prompt(writing).press("Control+Enter")
    expect(pane(writing, "NPO").locator("p.text")).to_contain_text("yawned")
    expect(stop_button(writing)).to_be_enabled()
    writing.keyboard.press("Escape")
    expect(pane(writing, "NPO")).to_have_attribute("data-phase", "stopped")


def test_nothing_moves_while_text_streams(writing: Page) -> None:
    run_button(writing).click()
    expect(pane(writing, "SimNPO").locator("p.text")).to_contain_text("She")
    before = pane(writing, "SimNPO").bounding_box()
    expect(pane(writing, "SimNPO").locator("p.text")).to_contain_text("miller slept.")
    assert pane(writing, "SimNPO").bounding_box() == before
    stop_button(writing).click()
    expect(pane(writing, "SimNPO")).to_have_attribute("data-phase", "stopped")


def test_prompt_and_run_stay_reachable_on_a_phone(browser: Browser, quick: str) -> None:
    phone = browser.new_page(viewport={"width": 390, "height": 844})
    ready(phone, quick)
    pane(phone, "SimNPO").scroll_into_view_if_needed()
    expect(run_button(phone)).to_be_in_viewport()
    expect(prompt(phone)).to_be_in_viewport()
    phone.close()


def test_two_visitors_run_at_once_and_each_gets_its_own_text(browser: Browser) -> None:
    def echo(model: str, prompt: str) -> str:
        return f"{model} heard {prompt} " * 40

    with staged_page(echo, seconds_per_step=0.04) as address:
        first, second = browser.new_page(), browser.new_page()
        for visitor, words in ((first, "apples"), (second, "pears")):
            ready(visitor, address)
            choose_scenario(visitor, "Your own prompt")
            prompt(visitor).fill(words)
        run_button(first).click()
        expect(pane(first, "Original")).to_contain_text("original heard apples")
        run_button(second).click()
        expect(pane(second, "Original")).to_contain_text("original heard pears")
        expect(run_button(first)).to_be_disabled()  # it still runs
        finished(first)
        finished(second)
        assert "pears" not in pane(first, "Original").inner_text()
        assert "apples" not in pane(second, "Original").inner_text()
        first.close()
        second.close()


def test_a_closed_tab_ends_its_run_within_a_second(browser: Browser, page: Page) -> None:
    with staged_page(lambda model, _: "word " * 400, seconds_per_step=0.05) as address:
        leaver = browser.new_page()
        ready(leaver, address)
        run_button(leaver).click()
        expect(pane(leaver, "Original").locator("p.text")).to_contain_text("word")
        ready(page, address)
        leaver.close()
        run_button(page).click()
        expect(pane(page, "Original").locator("p.text")).to_contain_text("word", timeout=1500)
        stop_button(page).click()


def test_run_is_not_lost_while_the_rows_of_a_scenario_are_on_their_way(
    page: Page, quick: str
) -> None:
    ready(page, quick)
    held: list[tuple[Route, APIResponse]] = []
    page.route("**/run/predict*", lambda route: held.append((route, route.fetch())), times=1)
    choose_scenario(page, "Ask about the kept books")
    while not held:  # the server has sent them, and the browser shows those of before
        page.wait_for_timeout(20)
    run_button(page).click()
    finished(page)
    expect(page.locator("#words")).to_contain_text("Retrained, which read these books as well")
    route, answer = held[0]
    route.fulfill(response=answer)
    expect(prompt(page)).to_have_value("What is 0?")


def test_the_page_waits_for_no_chart_and_a_script_that_fails_is_asked_for_again(
    page: Page, quick: str
) -> None:
    held: list[Route] = []
    page.route("**/plotly-*", lambda route: held.append(route))
    ready(page, quick)
    run_button(page).click()
    finished(page)
    chart = page.locator("#curves .main-svg").first
    expect(chart).to_have_count(0)
    held.pop().abort()
    page.unroute("**/plotly-*")
    run_button(page).click()
    expect(chart).to_be_visible()


def test_what_cannot_be_run_is_answered_and_kept(page: Page, quick: str) -> None:
    ready(page, quick)
    choose_scenario(page, "Your own prompt")
    expect(page.locator("#truth")).to_contain_text("No true text")
    for words, says in (
        ("", "The prompt is empty"),
        ("word " * 1200, "The prompt has 1201 tokens; it may have 928"),
    ):
        prompt(page).fill(words)
        run_button(page).click()
        expect(page.get_by_role("alert")).to_contain_text(says)
        expect(prompt(page)).to_have_value(words)
        expect(pane(page, "Original")).to_contain_text("ready in")
        expect(run_button(page)).to_be_enabled()
    prompt(page).fill("word")
    page.get_by_role("button", name="greedy · 96 tokens · seed 0").click()
    page.get_by_label("Max new tokens").fill("9999")
    page.keyboard.press("Escape")
    run_button(page).click()
    expect(page.get_by_role("alert")).to_contain_text("Max new tokens is 9999; choose 1 to 512.")


def test_a_question_is_sent_as_muse_sends_it(page: Page, quick: str) -> None:
    ready(page, quick)
    choose_scenario(page, "Ask about the forgotten book")
    expect(prompt(page)).to_have_value("Who is 0?")
    expect(page.locator("#truth")).to_contain_text("Tamsin 0")
    page.get_by_text("Sent as MUSE's 10-shot prompt").click()
    expect(page.locator("#truth pre")).to_contain_text("Question: Example 9?")
    run_button(page).click()
    finished(page)


def test_a_model_that_failed_is_tried_again_while_the_others_keep_their_answers(page: Page) -> None:
    failing = {"npo": "the Hub is busy", "simnpo": "the disk is full"}
    with staged_page(failing=failing) as address:
        ready(page, address, "Original", "Retrained")
        expect(pane(page, "NPO")).to_contain_text("failed: the Hub is busy")
        run_button(page).click()
        finished(page, "Original", "Retrained")
        expect(pane(page, "NPO")).to_contain_text("failed: the Hub is busy")
        again = page.get_by_role("button", name="Try again: NPO and SimNPO")
        del failing["npo"]
        again.click()
        expect(pane(page, "NPO")).to_contain_text(re.compile(r"ready in \d+\.\d s"))
        expect(pane(page, "SimNPO")).to_contain_text("failed: the disk is full")
        expect(pane(page, "Original")).to_contain_text(ANSWERS["original"])
        failing.clear()
        page.get_by_role("button", name="Try again: SimNPO").click()
        expect(pane(page, "SimNPO")).to_contain_text(re.compile(r"ready in \d+\.\d s"))
        expect(page.get_by_role("button", name=re.compile("Try again"))).to_have_count(0)
        card = page.get_by_role("dialog", name="About SimNPO", include_hidden=True)
        expect(card).not_to_contain_text("could not be loaded")  # before anybody opens it
        run_button(page).click()
        finished(page)


def test_what_is_ready_answers_while_another_model_is_downloaded(page: Page) -> None:
    coming = {"simnpo": "downloading: 2 of 6 files, 1.20 of 13.5 GB, 85.0 MB/s, about 2 min left"}
    with staged_page(coming=coming) as address:
        ready(page, address, "Original", "Retrained", "NPO")
        expect(pane(page, "SimNPO")).to_contain_text(coming["simnpo"])
        run_button(page).click()
        finished(page, "Original", "Retrained", "NPO")
        coming["simnpo"] = "downloading: 3 of 6 files, 7.60 of 13.5 GB"
        expect(pane(page, "SimNPO")).to_contain_text("7.60 of 13.5 GB")
        coming.clear()
        expect(pane(page, "SimNPO")).to_contain_text(re.compile(r"ready in \d+\.\d s"))
        expect(pane(page, "Original")).to_contain_text(ANSWERS["original"])


def test_an_own_file_is_refused_or_its_rows_are_scored(
    page: Page, quick: str, tmp_path: Path
) -> None:
    def give(name: str, text: str) -> None:
        file = tmp_path / name
        file.write_text(text, "utf-8")
        page.locator("#asking input[type=file]").set_input_files(file)

    def pick(option: str) -> None:
        page.get_by_label("Row of the data").click()
        page.get_by_role("option", name=option).click()

    ready(page, quick)
    choose_scenario(page, "Your own prompt")
    prompt(page).fill("typed by hand")
    give("mine.csv", 'prompt\nfine\n"  "\n')
    expect(page.get_by_role("alert")).to_contain_text("mine.csv, row 2, column 'prompt' is empty")
    expect(prompt(page)).to_have_value("typed by hand")
    give("mine.txt", "fine")
    expect(page.get_by_role("alert")).to_contain_text("neither .csv nor .jsonl")
    give("mine.csv", "prompt,reference\nWho minds?,She did not mind the steps.\nWho else?,\n")
    expect(page.get_by_role("status").filter(has_text="mine.csv: 2 prompts")).to_be_visible()
    expect(prompt(page)).to_have_value("typed by hand")
    pick("Your file · prompt 1 of 2")
    expect(prompt(page)).to_have_value("Who minds?")
    expect(page.locator("#truth")).to_contain_text("Your reference")
    run_button(page).click()
    finished(page)
    expect(pane(page, "Original").locator(".score")).not_to_have_text("—")
    pick("Your file · prompt 2 of 2")
    expect(page.locator("#truth")).to_contain_text("No true text")
