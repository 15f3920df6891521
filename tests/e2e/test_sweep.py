"""The Sweep page: there for a family with a sweep, drawn, said, and never wider than the page."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from loaders import Fault
from metrics.choosing.sweep import load_sweep
from metrics.choosing.trials import write_trials
from tests.e2e.screen import open_sweep, resize
from tests.stage import staged_family, staged_page
from tests.trials import small_sweep


@pytest.fixture(scope="module")
def swept(tmp_path_factory: pytest.TempPathFactory, shared: Page) -> Iterator[Page]:
    """The page at its Sweep tab."""
    path: Path = tmp_path_factory.mktemp("family") / "sweep.csv"
    write_trials(small_sweep(), path)
    trials = load_sweep(replace(staged_family(), sweep=str(path)))
    with staged_page(trials=trials) as address:
        open_sweep(shared, address)
        yield shared


def test_every_trial_is_drawn_and_told(swept: Page) -> None:
    chart = swept.get_by_role("img", name="All trials of 5 methods")
    expect(chart).to_be_visible()
    drawn = chart.evaluate(
        "plot => plot.data.filter(t => t.name === 'trials').flatMap(t => t.y).length"
    )
    assert drawn == 10
    kept = "NPO keeps 60.0 (50.0 to 64.0 over 3 seeds, of which 2 forgot)"
    expect(swept.get_by_text(kept)).to_be_visible()
    counts = swept.get_by_role("region", name="Trials that forgot, by λ")
    expect(counts.get_by_role("row", name="NPO on token means")).to_contain_text("2 of 2")
    shipped = swept.get_by_role("region", name="Shipped settings")
    expect(shipped.get_by_role("row", name="SimNPO tuned")).to_contain_text("90.0")
    expect(swept.get_by_text("FP32 · RECORDED · TOY").first).to_be_visible()


def test_pointing_at_a_mark_tells_its_setting(swept: Page) -> None:
    chart = swept.get_by_role("img", name="All trials of 5 methods")
    chart.evaluate("plot => Plotly.Fx.hover(plot, [{curveNumber: 0, pointNumber: 1}], ['xy'])")
    label = chart.locator(".hoverlayer")
    expect(label).to_contain_text("lr 0.001 · β 0.01 · λ 10 · 20 steps · seed 0")
    expect(label).to_contain_text("PrivLeak −31.5 (AUC 0.400)")


@pytest.mark.parametrize("width", [390, 700, 1100, 1440])
def test_the_chart_scrolls_in_its_card_and_never_the_page(swept: Page, width: int) -> None:
    resize(swept, width)
    scroller = swept.get_by_role("region", name="Every setting that was tried")
    inside, across = scroller.evaluate("node => [node.scrollWidth, node.clientWidth]")
    assert (inside > across) == (width < 1100)


def test_a_sweep_and_results_that_cannot_be_read_say_why(page: Page) -> None:
    trials = Fault("The trials in sweep.csv could not be read.")
    recorded = Fault("The results in results.json are not JSON.")
    with staged_page(trials=trials, recorded=recorded) as address:
        page.goto(address)
        page.get_by_role("tab", name="Sweep").click()
        expect(page.get_by_role("alert")).to_contain_text("could not be read")
        page.get_by_role("tab", name="Precision").click()
        expect(page.get_by_role("alert")).to_contain_text("results.json are not JSON")
