"""What is recorded of the very models that a page runs, as its board; it measures nothing."""

from dashboard.board import Board, CellKey
from dashboard.provenance import Provenance
from loaders.faults import Fault
from metrics.inputs.data import Data
from metrics.results import Record, Results


def recorded_board(
    recorded: Results | Fault | None, provenance: Provenance, data: Data | Fault
) -> Board:
    """Every recorded number of these weights, at this precision, on this data; an idle board where
    there is none."""
    if not isinstance(recorded, Results) or isinstance(data, Fault):
        return Board()
    found = [r for r in recorded.records if _is_of(r, provenance, data)]
    measurements = {
        CellKey(record.model, key): measured
        for record in found
        for key, measured in record.metrics.items()
    }
    if not measurements:
        return Board()
    return Board(measurements=measurements, recorded=recorded.created)


def _is_of(record: Record, provenance: Provenance, data: Data) -> bool:
    theirs = (record.precision, record.data_sha256, record.revision)
    return theirs == (
        provenance.precision,
        data.sha256,
        provenance.revisions.get(record.model),
    )
