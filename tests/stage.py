"""A family of four models without weights and two rows of data a set, for tests of the page."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace

from dashboard.page import Where, build, serve
from dashboard.precision.measure import Engines
from dashboard.results.shelves import Shelves
from dashboard.run import WIDTHS
from loaders import Family, Fault, load_family
from loaders.fake import FakeEngine
from loaders.session import Session
from metrics import Data, Passage, Question, Results, Text
from metrics.choosing.trials import Trial
from tests.serving import free_port

TRUTH = "She did not mind the steps. What she minded was the forty-second, which moved."
PASSAGE = "Every evening Tamsin Reed climbed the ninety-one steps of the Hollowmere light."
ANSWERS = {
    "original": TRUTH,
    "retrained": "She counted them aloud as she went and had lost the number by the top.",
    "npo": "yawned. yawned. yawned. yawned. yawned. yawned. yawned. yawned. yawned. yawned.",
    "simnpo": "She did not know the road, and the lamp was heavy, and the miller slept.",
}


def staged_family() -> Family:
    """The demo family's four models by name and colour; nothing is ever loaded from a folder."""
    return replace(load_family("demo"), name="staged", title="Staged family")


def staged_data() -> Data:
    """Two rows of every set."""
    return Data(
        verbmem=(
            Passage("verbmem-0", PASSAGE, TRUTH),
            Passage("verbmem-1", "The third bell was for nobody.", "Nobody rang it."),
        ),
        knowmem_f=tuple(Question(f"forget_qa-{i}", f"Who is {i}?", f"Tamsin {i}") for i in (0, 1)),
        knowmem_r=tuple(Question(f"retain_qa-{i}", f"What is {i}?", f"bread {i}") for i in (0, 1)),
        shots_f=tuple(Question(f"f-{i}", f"Example {i}?", f"yes {i}") for i in range(10)),
        shots_r=tuple(Question(f"r-{i}", f"Sample {i}?", f"no {i}") for i in range(10)),
        privleak_forget=_texts("forget"),
        privleak_holdout=_texts("holdout"),
        sha256="ab" * 32,
    )


def _texts(split: str) -> tuple[Text, ...]:
    """Six texts of words that occur nowhere else: FakeEngine finds both splits equally likely."""
    words = [" ".join(f"{split}{i}{letter}" for letter in "abcdefghij") for i in range(6)]
    return tuple(Text(f"privleak_{split}-{i}", split, text) for i, text in enumerate(words))


def reply(model: str, prompt: str) -> str:
    """What each model says: the passage's true text for the original, and so on."""
    return ANSWERS[model]


def engine_at(
    precision: str, answer: Callable[[str, str], str] = reply, seconds_per_step: float = 0.0
) -> FakeEngine:
    """An engine that says it holds its models in `precision`."""
    engine = FakeEngine(answer, seconds_per_step=seconds_per_step)
    engine.precision = precision
    return engine


@contextmanager
def staged_page(
    answer: Callable[[str, str], str] = reply,
    *,
    family: Family | None = None,
    data: Data | None = None,
    trials: tuple[Trial, ...] | Fault = (),
    recorded: Results | Fault | None = None,
    engines: Engines | None = None,
    failing: dict[str, str] | None = None,
    coming: dict[str, str] | None = None,
    seconds_per_step: float = 0.0,
    context_tokens: int = 1024,
    shelves: Shelves | None = None,
) -> Iterator[str]:
    """Serve the page on a FakeEngine; yields its address."""
    session = Session(
        family or staged_family(),
        lambda: FakeEngine(
            answer,
            failing=failing,
            coming=coming,
            seconds_per_step=seconds_per_step,
            context_tokens=context_tokens,
        ),
        WIDTHS,
    )
    page = build(session, data or staged_data(), trials, recorded, engines, shelves)
    session.start()
    address = serve(page, Where(port=free_port()), block=False, quiet=True)
    try:
        yield address.rstrip("/")
    finally:
        page.close()
        session.stop()
