"""What is said of the suite, from laps made by hand."""

from benchmarks.agreement import Outcome
from benchmarks.race import Lap
from benchmarks.suite import RIVALS, figure

REFERENCE, BATCHED = RIVALS


def laps(text: str = "a") -> dict[str, list[Lap[dict[str, Outcome]]]]:
    """Two laps of each contender; `text` is what ours makes of the only row."""

    def told(words: str) -> dict[str, Outcome]:
        return {"npo": Outcome({"0": words}, {"verbmem_f": 50.0})}

    return {
        "ours": [Lap(1.0, told(text)), Lap(2.0, told(text))],
        "reference": [Lap(11.0, told("a")), Lap(26.0, told("a"))],
        "batched": [Lap(3.0, told("a")), Lap(6.0, told("a"))],
    }


def test_ours_is_set_against_each_rival_lap_by_lap() -> None:
    reference = figure(REFERENCE, laps(), "fp32", 16)
    assert reference.name == "suite_vs_reference"
    assert reference.runs == (11.0, 13.0)
    assert reference.met
    assert reference.details["rows"] == 16
    batched = figure(BATCHED, laps(), "nf4", None)
    assert batched.name == "suite_vs_batched_nf4"
    assert batched.runs == (3.0, 3.0)
    assert batched.details["rows"] == "all"


def test_only_the_reference_has_to_agree() -> None:
    assert not figure(REFERENCE, laps("b"), "fp32", 16).met
    assert figure(BATCHED, laps("b"), "fp32", 16).met


def test_the_rivals_agreement_is_kept_beside_ours() -> None:
    made = laps()
    made["batched"] = [Lap(3.0, {"npo": Outcome({"0": "c"}, {"verbmem_f": 50.0})})] * 2
    details = figure(REFERENCE, made, "fp32", 16).details
    assert details["agreement"]["identical"] == 1
    assert details["agreement_of_the_rivals"]["identical"] == 0


def test_what_4_bit_computes_in_is_told() -> None:
    assert "fp32, " in figure(REFERENCE, laps(), "fp32", 16).device
    assert "nf4 computed in " in figure(REFERENCE, laps(), "nf4", 16).device
