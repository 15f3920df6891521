"""What a figure claims, and the file that figures are kept in."""

import json
from pathlib import Path

import pytest

from benchmarks.figure import Bound, as_json, named, save
from loaders import Fault
from tests.unit.benchmarks.hand import figure


def test_the_value_is_the_median() -> None:
    assert figure(runs=(3.0, 100.0, 1.0)).value == 3.0


@pytest.mark.parametrize(
    ("bound", "target", "met"),
    [
        ("at least", 12.0, True),
        ("at least", 12.1, False),
        ("at most", 12.0, True),
        ("at most", 11.9, False),
    ],
)
def test_a_target_is_met_from_its_own_side(bound: Bound, target: float, met: bool) -> None:
    assert figure(bound=bound, target=target).met is met


def test_a_fast_run_that_says_something_else_is_not_met() -> None:
    assert not figure(misses=("scores more than 0.1 points apart",)).met


def test_fp32_has_the_plain_name() -> None:
    assert named("visitors_8", "fp32") == "visitors_8"
    assert named("visitors_8", "nf4") == "visitors_8_nf4"


def test_json_says_where_a_figure_comes_from() -> None:
    kept = as_json(figure())
    promised = ("ratio", "target", "met", "runs", "baseline", "device", "versions", "created")
    assert set(promised) <= kept.keys()
    assert kept["ratio"] == 12.0
    assert kept["runs"] == [11.0, 12.5, 12.0]
    assert kept["met"] is True
    assert "torch" in kept["versions"]
    assert kept["details"] == {"rows": 16}
    assert next(iter(as_json(figure(unit="seconds")))) == "seconds"


def test_saving_leaves_other_figures_in_the_file(tmp_path: Path) -> None:
    path = tmp_path / "results" / "latest.json"
    save(path, [figure("a"), figure("b")])
    save(path, [figure("b", (1.0,)), figure("c")])
    kept = json.loads(path.read_text(encoding="utf-8"))
    assert list(kept) == ["a", "b", "c"]
    assert (kept["a"]["ratio"], kept["b"]["ratio"]) == (12.0, 1.0)


@pytest.mark.parametrize(("text", "said"), [("{", "is not JSON"), ("[1]", "holds no figures")])
def test_a_file_of_something_else_is_not_overwritten(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "latest.json"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(Fault, match=said):
        save(path, [figure()])
    assert path.read_text(encoding="utf-8") == text
