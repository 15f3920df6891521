"""Both ways of loading are timed, and the figure is of one against the other."""

from benchmarks.prequantized import measure
from benchmarks.setting import QUICK, Setting
from loaders import load_family


def test_the_figure_is_their_seconds_over_ours() -> None:
    (figure,) = measure(Setting(load_family("demo"), ("nf4",), QUICK))
    seconds = figure.details["seconds"]
    assert figure.name == "prequantized_load"
    assert (figure.bound, figure.target) == ("at least", 3.0)
    (slow,), (fast,) = seconds["quantized at load"], seconds["prequantized"]
    assert abs(figure.value - slow / fast) < 0.05
    assert figure.note.startswith("tiny, ")
