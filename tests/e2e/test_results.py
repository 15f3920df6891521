"""The Results page: what is stored and shipped, compared, taken away, brought and deleted."""

import csv
import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from dashboard.results.shelves import Shelves
from metrics.store import open_private
from tests.e2e.screen import measured, open_results, ready, resize
from tests.stage import staged_page


@pytest.fixture(scope="module")
def filled(browser: Browser) -> Iterator[str]:
    """A page on which the metrics have been run once."""
    shelves = Shelves(is_public=False, opened=open_private)
    with staged_page(shelves=shelves) as address:
        page = browser.new_page()
        ready(page, address)
        measured(page)
        page.close()
        yield address


def record(page: Page, label: str) -> Locator:
    """The box of a record that was measured here."""
    here = page.locator("tbody", has_text="MEASURED HERE")
    return here.get_by_role("checkbox", name=re.compile(rf"^Select {label} @ fp32 \("))


@pytest.fixture(scope="module")
def compared(shared: Page, filled: str) -> Page:
    """Two records ticked and compared, in the list without what comes with the project."""
    open_results(shared, filled)
    choose(shared, "Family", "staged")
    table = shared.get_by_role("region", name="Records", exact=True)
    expect(table).not_to_contain_text("RECORDED")  # a list that comes later unticks what is ticked
    compare = shared.get_by_role("button", name="Compare", exact=True)
    record(shared, "Original").check()
    expect(shared.get_by_text("1 selected")).to_be_visible()
    expect(compare).to_be_disabled()
    record(shared, "NPO").check()
    expect(shared.get_by_text("2 selected")).to_be_visible()
    compare.click()
    expect(shared.get_by_role("region", name="Comparison of two records")).to_be_visible()
    return shared


def choose(page: Page, name: str, value: str) -> None:
    """Pick a value of a filter."""
    page.locator("#results").get_by_label(name, exact=True).click()
    page.get_by_role("option", name=value, exact=True).click()


def test_stored_and_shipped_records_stand_in_one_list(page: Page, filled: str) -> None:
    open_results(page, filled)
    table = page.get_by_role("region", name="Records", exact=True)
    expect(table).to_contain_text("MEASURED HERE")
    expect(table).to_contain_text("RECORDED")
    choose(page, "Family", "staged")
    expect(table).not_to_contain_text("RECORDED")
    expect(table.get_by_role("checkbox")).to_have_count(4)
    table.get_by_text("All that its numbers depend on").first.click()
    expect(table).to_contain_text("seed 0")
    page.get_by_label("Since").fill("3000")
    page.get_by_label("Since").press("Enter")
    expect(page.get_by_role("alert")).to_contain_text("Since is '3000'")


def test_two_records_are_compared_with_their_words(compared: Page) -> None:
    card = compared.get_by_role("region", name="Comparison of two records")
    expect(card.get_by_role("row", name="VerbMem")).to_contain_text("no difference shown")
    expect(card.locator("mark").first).to_be_visible()
    expect(card).to_contain_text("yawned. yawned.")


@pytest.mark.parametrize(
    ("button", "suffix"),
    [
        ("CSV", "csv"),
        ("JSON", "json"),
        ("Parquet", "parquet"),
        ("LaTeX", "tex"),
        ("HTML report", "html"),
    ],
)
def test_what_is_ticked_can_be_taken_away(
    compared: Page, tmp_path: Path, button: str, suffix: str
) -> None:
    with compared.expect_download() as taken:
        compared.get_by_role("button", name=button, exact=True).click()
    path = tmp_path / taken.value.suggested_filename
    taken.value.save_as(path)
    assert path.name == f"results-2-records.{suffix}"
    if suffix == "csv":
        rows = list(csv.DictReader(path.read_text(encoding="utf-8").splitlines()))
        assert {row["model"] for row in rows} == {"original", "npo"}
    assert path.stat().st_size > 500


@pytest.mark.parametrize("width", [390, 1100, 1440])
def test_the_list_scrolls_in_its_card_and_never_the_page(compared: Page, width: int) -> None:
    resize(compared, width)
    box = compared.get_by_role("region", name="Comparison of two records").bounding_box()
    assert box is not None
    assert box["x"] + box["width"] <= width


def test_own_records_are_deleted_when_it_is_confirmed_and_recorded_ones_never(page: Page) -> None:
    with staged_page(shelves=Shelves(is_public=False, opened=open_private)) as address:
        ready(page, address)
        measured(page)
        page.get_by_role("tab", name="Results").click()
        record(page, "NPO").check()
        delete = page.get_by_role("button", name="Delete", exact=True)
        delete.click()
        page.get_by_role("button", name="Keep").click()
        expect(record(page, "NPO")).to_be_checked()
        delete.click()
        page.get_by_role("button", name="Delete for good").click()
        expect(page.get_by_role("status").filter(has_text="Deleted: NPO @ fp32")).to_be_visible()
        expect(record(page, "NPO")).to_have_count(0)
        expect(record(page, "SimNPO")).to_have_count(1)
        page.get_by_role("checkbox", name=re.compile("^Select Original @ nf4")).check()
        expect(page.get_by_text("1 selected")).to_be_visible()
        expect(delete).to_be_disabled()


def test_a_file_of_open_unlearning_becomes_a_record(page: Page, tmp_path: Path) -> None:
    file = tmp_path / "MUSE_SUMMARY.json"
    file.write_text(json.dumps({"forget_verbmem_ROUGE": 0.14, "privleak": -57.3}), "utf-8")
    nasty = tmp_path / "nasty.json"
    nasty.write_text('{"<img src=x onerror=document.body.dataset.broken=1>": 1}', "utf-8")
    with staged_page() as address:
        open_results(page, address)
        page.locator("#import-file input[type=file], input[type=file]").first.set_input_files(file)
        table = page.get_by_role("region", name="Records", exact=True)
        expect(table).to_contain_text("IMPORTED")
        expect(table).to_contain_text("14.0")
        expect(page.get_by_text("1 selected")).to_be_visible()
        page.locator("#import-file input[type=file], input[type=file]").first.set_input_files(nasty)
        expect(page.get_by_role("alert")).to_contain_text("no MUSE metric that can be taken")
        assert page.evaluate("document.body.dataset.broken") is None


def test_on_a_public_page_a_visitor_lists_only_their_own(browser: Browser) -> None:
    with staged_page(shelves=Shelves(is_public=True)) as address:
        first, second = browser.new_page(), browser.new_page()
        ready(first, address)
        measured(first)
        first.get_by_role("tab", name="Results").click()
        expect(record(first, "NPO")).to_have_count(1)
        open_results(second, address)
        expect(second.get_by_role("region", name="Records", exact=True)).to_contain_text("RECORDED")
        expect(record(second, "NPO")).to_have_count(0)
        first.close()
        second.close()
