"""Text of models, data, visitors and errors never becomes code in the page."""

from dataclasses import replace

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


def echo(model: str, prompt: str) -> str:
    return f"said {prompt}"


def test_payloads_are_shown_as_text_everywhere(page: Page) -> None:
    every = " ".join(PAYLOADS)
    rows = tuple(
        Passage(f"verbmem-{i}", f"before {payload}", f"truth {payload} one two three four")
        for i, payload in enumerate((every, *PAYLOADS))
    )
    data, failing = replace(staged_data(), verbmem=rows), {"npo": f"why {every}"}
    with staged_page(echo, data=data, failing=failing) as address:
        ready(page, address, "Original")
        expect(pane(page, "NPO")).to_contain_text(f"why {every}")
        run_button(page).click()
        finished(page, "Original", "Retrained", "SimNPO")
        expect(pane(page, "Original")).to_contain_text(f"said before {every}")
        expect(page.locator("#truth")).to_contain_text(every)
        choose_scenario(page, "Your own prompt")
        for payload in PAYLOADS:
            prompt(page).fill(payload)
            run_button(page).click()
            expect(pane(page, "Original")).to_contain_text(f"said {payload}")
            finished(page, "Original", "Retrained", "SimNPO")
        measured(page)
        cell(page, "Original, VerbMem").click()
        for payload in (every, *PAYLOADS):
            expect(page.locator("#samples")).to_contain_text(f"said before {payload}")
        assert page.evaluate("document.body.dataset.broken") is None
