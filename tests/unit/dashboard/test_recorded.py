"""Recorded numbers stand on the Metrics page where they are of what runs there, and are named."""

from dataclasses import replace

import pytest

from dashboard.board import Board, CellKey
from dashboard.provenance import Provenance
from dashboard.recorded import recorded_board
from dashboard.tables import metrics_table, progress
from loaders import Fault
from metrics import HEADLINE
from tests.precisions import made_results
from tests.stage import staged_data, staged_family

FAMILY, DATA = staged_family(), staged_data()
HELD = "sha256:0123456789ab"
RUNS = Provenance(FAMILY, "nf4", "cpu", revisions={spec.key: HELD for spec in FAMILY.models})


def test_the_numbers_of_the_precision_that_runs_are_shown() -> None:
    board = recorded_board(made_results(), RUNS, DATA)
    assert set(board.measurements) == {
        CellKey(spec.key, metric.key) for spec in FAMILY.models for metric in HEADLINE
    }
    number = board.measurement("original", "verbmem_f")
    assert number is not None
    assert number.value == pytest.approx(80)  # 90 in fp32
    assert (board.phase, board.results, board.recorded[:10]) == ("idle", None, "2026-11-24")


def test_other_weights_other_data_and_another_precision_are_not() -> None:
    assert recorded_board(made_results(), replace(RUNS, precision="int8"), DATA) == Board()
    assert recorded_board(made_results(), RUNS, replace(DATA, sha256="cd" * 32)) == Board()
    other = dict(RUNS.revisions) | {"npo": "sha256:ffffffffffff"}
    board = recorded_board(made_results(), replace(RUNS, revisions=other), DATA)
    assert {key.model for key in board.measurements} == {"original", "retrained", "simnpo"}


@pytest.mark.parametrize("recorded", [None, Fault("The results are not JSON.")])
def test_without_recorded_results_the_page_is_as_it_was(recorded: Fault | None) -> None:
    assert recorded_board(recorded, RUNS, DATA) == Board()
    assert recorded_board(made_results(), RUNS, Fault("There is no data.")) == Board()


def test_recorded_numbers_are_called_recorded_and_not_live() -> None:
    board = recorded_board(made_results(), RUNS, DATA)
    html = metrics_table(RUNS, HEADLINE, board)
    assert html.count('<small class="stored">recorded, 2026-11-24 10:00 UTC</small>') == 4
    assert "Toy numbers, NF4, n = 20, recorded, 95 % intervals." in html
    assert "live" not in html
    assert "Differences are tested when the metrics are run." in html
    assert "<b>Recorded</b> 2026-11-24 10:00 UTC" in progress(FAMILY, HEADLINE, board)
