"""The results that ship with a family, read and marked as recorded; never measured here."""

from dataclasses import replace
from pathlib import Path

from loaders.family import Family
from loaders.faults import Fault
from metrics.files import read_text
from metrics.results import Results, from_json


def load_recorded(family: Family) -> Results | None:
    """The results of the family's own models; None where the family names no file.

    Raises Fault for a file that cannot be read or has none of the models.
    """
    if not family.results:
        return None
    results = from_json(read_text(Path(family.results)))
    keys = {spec.key for spec in family.models}
    own = tuple(replace(r, source="recorded") for r in results.records if r.model in keys)
    if not own:
        raise Fault(f"{family.results} has no results of the models of {family.name}.")
    return replace(results, records=own)
