"""The header says where the models are held, as soon as the engine is open."""

from dashboard.facts import _look
from dashboard.provenance import Provenance, header_badges
from loaders.fake import FakeEngine
from loaders.together.residency import GIB, Need, Room, make_plan
from tests.stage import reply, staged_family

FAMILY = staged_family()
NEEDS = [Need(spec.key, spec.label, 1, 4 * GIB, 0, 1024) for spec in FAMILY.models]
SAID = "4 models on cpu, at most 3 at once, 12.0 of 15.0 GiB"


class Planned(FakeEngine):
    """An engine that keeps to a plan for a machine with so much memory."""

    def __init__(self, gib: int) -> None:
        super().__init__(reply)
        self.plan = make_plan(NEEDS, [Room("cpu", gib * GIB)])


def first(engine: FakeEngine) -> Provenance:
    known = next(_look(FAMILY, engine))
    assert known is not None
    return known


def test_models_that_take_turns_are_said_in_a_line_of_their_own() -> None:
    html = header_badges(first(Planned(15)))
    assert f'<p class="plan" title="{SAID}">{SAID}</p>' in html


def test_a_cpu_that_holds_all_says_so_behind_the_device() -> None:
    html = header_badges(first(Planned(64)))
    assert 'title="4 models on cpu, 16.0 of 64.0 GiB">FP32 · CPU</span>' in html
    assert 'class="plan"' not in html


def test_a_gpu_says_how_much_of_it_is_taken() -> None:
    known = Provenance(FAMILY, "nf4", "cuda", plan="4 models on cuda, 19.4 of 23.7 GiB")
    assert ">4 models on cuda, 19.4 of 23.7 GiB</p>" in header_badges(known)


def test_an_engine_without_a_plan_says_nothing() -> None:
    assert first(FakeEngine(reply)).plan == ""
    assert 'class="plan"' not in header_badges(first(FakeEngine(reply)))


def test_what_a_plan_says_is_escaped() -> None:
    html = header_badges(Provenance(FAMILY, "nf4", "cuda", plan='<b>"x"'))
    assert "<b>" not in html
