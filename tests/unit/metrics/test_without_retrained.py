"""The demo family without its retrained model: all but what needs it is there, and that says so."""

from dataclasses import replace
from functools import cache

import torch

from loaders import Family, load_family
from loaders.engine.local import LocalEngine
from loaders.family import ReferenceAuc
from metrics import Finished, Results, Skipped, load_data, run
from metrics.tables import csv, table

KEYS = {"verbmem_f", "knowmem_f", "privleak", "knowmem_r", "fluency"}
AUC = 0.5


def alone() -> Family:
    """NPO and nothing beside it."""
    demo = load_family("demo")
    return replace(demo, models=(demo.model("npo"),))


@cache
def engine() -> LocalEngine:
    torch.set_num_threads(1)
    loaded = LocalEngine(alone(), "fp32", "cpu")
    list(loaded.load("npo"))
    return loaded


def measured(family: Family) -> tuple[Results, list[Skipped]]:
    """The headline on two rows a set, and the dashes."""
    found = list(run(engine(), family, load_data(family, limit=2), resamples=20))
    assert isinstance(found[-1], Finished)
    return found[-1].results, [event for event in found if isinstance(event, Skipped)]


def test_all_but_privleak_is_measured_and_the_dash_says_why() -> None:
    results, dashes = measured(alone())
    (record,) = results.records
    assert set(record.metrics) == KEYS - {"privleak"}
    assert {m.n for m in record.metrics.values()} == {2}
    (dash,) = dashes
    assert (dash.model, dash.metric) == ("npo", "privleak")
    assert "set against a retrained model, and the family demo has none" in dash.reason
    assert "[reference_auc] in its file can declare an AUC to use" in dash.reason


def test_a_declared_auc_is_used_and_named() -> None:
    declared = replace(alone(), reference_auc=ReferenceAuc("a paper", {"privleak": AUC}))
    results, dashes = measured(declared)
    assert dashes == []
    privleak = results.records[0].metrics["privleak"]
    assert privleak.reference == "declared: a paper"
    assert privleak.auc is not None
    assert privleak.value == 100 * (privleak.auc - AUC) / AUC


def test_tables_have_no_distance_to_what_is_not_there() -> None:
    results, _ = measured(alone())
    assert "distance" not in table(results, None)
    lines = csv(results, None).splitlines()
    place = lines[0].split(",").index("distance_to_retrained")
    assert {line.split(",")[place] for line in lines[1:]} == {""}
