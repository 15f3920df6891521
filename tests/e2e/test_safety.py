"""Text of models, data, visitors and errors never becomes code in the page."""

from dataclasses import replace

import pytest
from playwright.sync_api import Page, expect

from metrics import Passage
from tests.e2e.screen import (
    cell,
    choose_scenario,
    finished,
    measured,
    pane,
    prompt,
    ready,
    run_button,
)
from tests.stage import staged_data, staged_page

PAYLOADS = (
    "<img src=x onerror=document.body.dataset.broken=1>",
    "${document.body.setAttribute('data-broken','1')}",
    "\\x3cimg src\\x3dx onerror\\x3d\"document.body.setAttribute('data-broken','1')\"\\x3e",
    "{{constructor.constructor('document.body.dataset.broken=1')()}}",
    "</script><script>document.body.dataset.broken=1</script>",
)


@pytest.mark.parametrize("payload", PAYLOADS, ids=range(len(PAYLOADS)))
def test_a_payload_is_shown_as_text_everywhere(page: Page, payload: str) -> None:
    rows = (Passage("verbmem-0", f"before {payload}", f"truth {payload} one two three four"),) * 2
    data = replace(staged_data(), verbmem=rows)
    with staged_page(
        lambda model, _: f"said {payload}", data=data, failing={"npo": f"why {payload}"}
    ) as address:
        ready(page, address, "Original")
        expect(pane(page, "NPO")).to_contain_text(f"why {payload}")
        run_button(page).click()
        finished(page, "Original", "Retrained", "SimNPO")
        expect(pane(page, "Original")).to_contain_text(f"said {payload}")
        expect(page.locator("#truth")).to_contain_text(payload)
        choose_scenario(page, "Your own prompt")
        prompt(page).fill(payload)
        run_button(page).click()
        finished(page, "Original", "Retrained", "SimNPO")
        measured(page)
        cell(page, "Original, VerbMem").click()
        expect(page.locator("#samples")).to_contain_text(payload)
        assert page.evaluate("document.body.dataset.broken") is None
