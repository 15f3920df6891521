"""Stored records as files for other programs and for paper; never reads or writes the store."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from loaders.faults import Fault
from metrics.export.latex import write_latex
from metrics.export.parquet import write_parquet
from metrics.export.report import write_report
from metrics.export.rows import Rows, write_csv
from metrics.peer_out import to_eval, to_summary
from metrics.results import to_json
from metrics.store.records import Stored, as_results

Write = Callable[[Sequence[Stored], Rows], bytes]


@dataclass(frozen=True)
class Format:
    """One way out. `write` takes records with their samples and says whether a row is a number or
    a sample; `is_text` ones can be printed."""

    name: str
    suffix: str
    write: Write
    is_text: bool = True


def _json(stored: Sequence[Stored], rows: Rows) -> bytes:
    """The project's own JSON, samples included: what `--out` of a run writes."""
    return to_json(as_results(stored)).encode("utf-8")


def _peer(stored: Sequence[Stored], rows: Rows) -> bytes:
    """open-unlearning's MUSE_EVAL.json with samples, else its MUSE_SUMMARY.json; one record."""
    if len(stored) != 1:
        raise Fault(f"An open-unlearning file holds one model, and {len(stored)} were chosen.")
    write = to_eval if rows == "samples" else to_summary
    return (json.dumps(write(stored[0].record), indent=4) + "\n").encode("utf-8")


FORMATS = (
    Format("csv", ".csv", write_csv),
    Format("json", ".json", _json),
    Format("parquet", ".parquet", write_parquet, is_text=False),
    Format("latex", ".tex", write_latex),
    Format("html", ".html", write_report),
    Format("open-unlearning", ".json", _peer),
)


def find_format(name: str) -> Format:
    """The format called `name`; a Fault lists those there are."""
    for form in FORMATS:
        if form.name == name:
            return form
    names = ", ".join(form.name for form in FORMATS)
    raise Fault(f"There is no format {name!r}; choose from {names}.")
