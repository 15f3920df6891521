"""Whether two runs of the suite say the same."""

import pytest

from benchmarks.agreement import Outcome, compare


def run(text: str = "a", number: float = 50.0) -> dict[str, Outcome]:
    """Two models of 200 texts each; `text` and `number` are the second model's last ones."""
    texts = {str(i): "a" for i in range(200)}
    return {
        "original": Outcome(texts, {"verbmem_f": 90.0}),
        "npo": Outcome({**texts, "199": text}, {"verbmem_f": number}),
    }


def test_equal_runs_agree() -> None:
    agreement = compare(run(), run())
    assert (agreement.texts, agreement.identical, agreement.difference) == (400, 400, 0)
    assert agreement.misses() == ()
    assert agreement.words() == "texts identical 100.0% of 400, scores within 0.000 points"


def test_one_text_of_400_is_few_enough_and_a_point_is_not() -> None:
    agreement = compare(run(), run("b", 51.0))
    assert agreement.identical == 399
    assert agreement.difference == 1
    assert agreement.misses() == ("scores more than 0.1 points apart",)
    assert agreement.as_json() == {
        "texts": 400,
        "identical": 399,
        "identical_share": 0.9975,
        "largest_difference_points": 1,
    }


def test_too_many_texts_are_named() -> None:
    ours = {"npo": Outcome({"0": "a", "1": "b"}, {"verbmem_f": 1.0})}
    theirs = {"npo": Outcome({"0": "a", "1": "c"}, {"verbmem_f": 1.0})}
    assert compare(ours, theirs).misses() == ("fewer than 99.5% of texts identical",)


def test_a_number_that_one_run_lacks_is_no_agreement() -> None:
    theirs = {key: Outcome(outcome.texts, {}) for key, outcome in run().items()}
    with pytest.raises(RuntimeError, match="npo verbmem_f"):
        compare(run(), theirs)
