"""The real app where GPUs are lent by the stand-in for `spaces`: visitors, workers, shares."""

import json
import re
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from gradio_client import Client
from gradio_client.exceptions import AppError
from playwright.sync_api import Browser, Page, expect

from tests.e2e.screen import open_metrics, pane, run_button
from tests.serving import ROOT, app_process, await_page

SPENT = "Your share of this Space's GPU is spent. You have exceeded your free ZeroGPU quota"
INSTEAD = "In its place the Demo family answers, without a GPU"
TOKENS = 24


@dataclass(frozen=True)
class Lending:
    """The running app, and what was lent to whom."""

    address: str
    process: int
    log: Path
    usage: Path

    def lent(self, visitor: str) -> list[dict[str, Any]]:
        lines = [json.loads(line) for line in self.log.read_text(encoding="utf-8").splitlines()]
        return [line for line in lines if line["visitor"] == visitor]

    def used(self) -> list[dict[str, Any]]:
        """The runs of the usage log; the stand-in's models may be loaded at any time."""
        lines = [json.loads(line) for line in self.usage.read_text(encoding="utf-8").splitlines()]
        return [line for line in lines if line["event"] == "compare"]

    def compare(self, visitor: str) -> Any:
        client = Client(self.address, headers={"x-ip-token": visitor}, verbose=False)
        return client.predict("Every evening at the hour", TOKENS, api_name="/compare")

    def spend(self, visitor: str) -> None:
        """Ask until the visitor's share does not last for one more."""
        for _ in range(7):
            self.compare(visitor)


def lent_family(folder: Path) -> Path:
    """The demo models under another name, which stands in for a family that needs a GPU."""
    text = (ROOT / "loaders" / "families" / "demo.toml").read_text(encoding="utf-8")
    text = text.replace("../../assets", str(ROOT / "assets"))
    text = text.replace('"demo"', '"lent"').replace("Demo family", "Lent family")
    file = folder / "lent.toml"
    file.write_text(text, encoding="utf-8")
    return file


@pytest.fixture(scope="module")
def lending(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lending]:
    folder = tmp_path_factory.mktemp("lending")
    log, usage = folder / "lent.jsonl", folder / "usage.jsonl"
    log.touch()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SPACES_ZERO_GPU", "true")
        patch.setenv("PYTHONPATH", str(ROOT / "tests" / "integration" / "zerogpu"))
        patch.setenv("STAND_IN_LOG", str(log))
        patch.setenv("STAND_IN_QUOTA", "70")
        flags = ("--family", str(lent_family(folder)), "--usage-log", str(usage))
        with app_process(*flags) as (process, address):
            await_page(address, process)
            yield Lending(address, process.pid, log, usage)


@pytest.fixture
def spender(browser: Browser, lending: Lending) -> Iterator[Page]:
    """A visitor whose share is spent."""
    page = browser.new_page(
        viewport={"width": 1440, "height": 1000}, extra_http_headers={"x-ip-token": "spender"}
    )
    with pytest.raises(AppError, match=re.escape(SPENT)):
        lending.spend("spender")
    yield page
    page.close()


def test_the_models_are_loaded_before_the_page_answers(lending: Lending) -> None:
    health = httpx.get(f"{lending.address}/health")
    assert (health.status_code, health.json()["family"]) == (200, "lent")


def test_a_visitor_is_answered_in_a_process_that_is_lent_to_them(lending: Lending) -> None:
    answers = lending.compare("ada")
    assert [one["tokens"] for one in answers] == [TOKENS] * 4
    (line,) = lending.lent("ada")
    assert line["worker"] != lending.process
    assert 12 < line["seconds"] < 20
    assert lending.used()[-1]["tokens"] == 4 * TOKENS
    assert "evening" not in lending.usage.read_text(encoding="utf-8")


def test_stop_is_heard_where_the_gpu_is(lending: Lending) -> None:
    client = Client(lending.address, headers={"x-ip-token": "bob"}, verbose=False)
    job = client.submit("Every evening at the hour", 400, api_name="/compare")
    next(iter(job))
    job.cancel()
    for _ in range(500):
        if lending.used()[-1]["outcome"] == "stopped":
            break
        threading.Event().wait(0.02)
    assert len(lending.compare("bob")) == 4
    assert [line["outcome"] for line in lending.used()][-2:] == ["stopped", "finished"]
    assert len({line["worker"] for line in lending.lent("bob")}) == 1


def test_where_the_share_is_spent_the_demo_family_answers(lending: Lending, spender: Page) -> None:
    spender.goto(lending.address)
    run_button(spender).click()
    notice = spender.locator("#notice")
    expect(notice).to_contain_text(SPENT)
    expect(notice).to_contain_text(INSTEAD)
    expect(pane(spender, "Original")).to_have_attribute("data-phase", "finished", timeout=20_000)
    expect(notice).to_contain_text(INSTEAD)
    expect(spender.locator("#truth")).to_contain_text("The book goes on")


def test_where_the_share_is_spent_the_demo_family_is_measured(
    lending: Lending, spender: Page
) -> None:
    spender.goto(lending.address)
    open_metrics(spender)
    spender.get_by_role("button", name="Run the metrics").click()
    expect(spender.get_by_text(INSTEAD).first).to_be_visible()
    measured = re.compile("running|testing|finished")  # at once, where its numbers are stored
    expect(spender.locator(".progress")).to_have_attribute("data-phase", measured)
