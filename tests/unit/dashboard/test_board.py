"""A board grows by the events of a run."""

from dashboard.board import Board, CellKey, updated
from metrics import Finished, Measured, Progress, Results, Skipped
from metrics.events import Recalled
from tests.unit.dashboard.sight import measured

KEY = CellKey("npo", "verbmem_f")


def test_a_number_is_unfinished_until_its_final_one_comes() -> None:
    board = updated(Board(), Measured("npo", "verbmem_f", measured(5.0), final=False))
    assert board.unfinished == {KEY}
    board = updated(board, Measured("npo", "verbmem_f", measured(6.0), final=True))
    assert (board.unfinished, board.measurements[KEY].value) == (frozenset(), 6.0)


def test_metrics_that_read_the_same_rows_are_named_by_the_first() -> None:
    board = updated(Board(), Progress("npo", "verbmem_f", 5, 60, 0.1))
    board = updated(board, Progress("npo", "fluency", 5, 60, 0.1))
    assert board.progress == Progress("npo", "verbmem_f", 5, 60, 0.1)
    board = updated(board, Progress("npo", "knowmem_f", 0, 60, 0.2))
    assert board.progress == Progress("npo", "knowmem_f", 0, 60, 0.2)


def test_what_is_stored_has_its_date_and_what_is_missing_its_reason() -> None:
    board = updated(Board(), Recalled("npo", "verbmem_f", "2026-11-24T14:03:00+00:00"))
    board = updated(board, Skipped("npo", "fluency", "no passages"))
    assert board.stored == {KEY: "2026-11-24T14:03:00+00:00"}
    assert board.reason("npo", "fluency") == "no passages"


def test_when_all_numbers_are_there_the_tests_are_still_to_come() -> None:
    board = updated(Board("running"), Finished(Results("staged", "cpu", "", {}, ())))
    assert board.phase == "testing"
    assert not board.is_running


def test_models_that_are_asked_at_once_are_known_until_they_are_done() -> None:
    told = [("npo", "verbmem_f", 5), ("npo", "fluency", 5), ("simnpo", "verbmem_f", 3)]
    board = Board()
    for model, metric, done in told:
        board = updated(board, Progress(model, metric, done, 60, 0.1))
    assert [(p.model, p.metric, p.done) for p in board.doing] == [told[0], told[2]]
    board = updated(board, Progress("npo", "verbmem_f", 60, 60, 0.2))
    board = updated(board, Progress("simnpo", "verbmem_f", 9, 60, 0.2))
    assert [(p.model, p.done) for p in board.doing] == [("simnpo", 9)]
    board = updated(board, Progress("npo", "knowmem_f", 0, 60, 0.3))
    assert [p.metric for p in board.doing] == ["knowmem_f"]
