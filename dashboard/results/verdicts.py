"""What a tested difference means: in a word for the table, in sentences for the card below it.

Whoever compares says only what `metrics.reading.comparison` has tested; a difference that no test
has shown is called that, and never "the same".
"""

from collections.abc import Sequence
from itertools import groupby

from dashboard.board import Board
from dashboard.escape import esc
from dashboard.panes import letter, model_style
from loaders.family import Family, ModelSpec
from metrics.metric import Metric
from metrics.reading.comparison import (
    Comparison,
    Comparisons,
    Missing,
    Role,
    compare,
)
from metrics.reading.meaning import describe, describe_power, interpret
from metrics.results import Results

NONE = "no difference shown"
# The original model has forgotten nothing and lost nothing: it is only different.
OF_ORIGINAL = {
    "over-forgot": "remembers less",
    "under-forgot": "remembers more",
    "utility lost": "does less well",
    "nothing lost": "does better",
}


def compare_all(
    family: Family, results: Results, metrics: Sequence[Metric], seed: int = 0
) -> Comparisons:
    """Every model against Retrained and Original. Each group of metrics is a table of its own, and
    its p-values are corrected together; takes seconds."""
    retrained = family.retrained.key if family.retrained else None
    original = next((spec.key for spec in family.models if spec.role == "original"), None)
    found = [
        compare(results, tuple(some), retrained, original, seed=seed)
        for _, some in groupby(metrics, key=lambda metric: metric.group)
    ]
    made = tuple(row for part in found for row in part.made)
    return Comparisons(made, tuple(row for part in found for row in part.missing))


def verdict(spec: ModelSpec, comparison: Comparison, metric: Metric) -> str:
    """What a difference to Retrained means, in a word or three."""
    meaning: str = interpret(comparison, metric)
    if meaning == NONE:
        return meaning
    return OF_ORIGINAL.get(meaning, meaning) if spec.role == "original" else meaning


def cell_verdict(spec: ModelSpec, metric: Metric, board: Board) -> str:
    """The verdict on one number of the table; empty where nothing has been tested."""
    found = _find(board, spec.key, metric, "retrained")
    return verdict(spec, found, metric) if isinstance(found, Comparison) else ""


def _find(board: Board, model: str, metric: Metric, role: Role) -> Comparison | Missing | None:
    if board.comparisons is None or board.results is None:
        return None
    record = next((one for one in board.results.records if one.model == model), None)
    precision = record.precision if record else ""
    return board.comparisons.find(model, precision, metric.key, role)


def sure_card(family: Family, metrics: Sequence[Metric], board: Board) -> str:
    """The card "How sure is this?"; empty until the differences have been tested."""
    if board.comparisons is None:
        return ""
    headline = [metric for metric in metrics if metric.group == "headline"]
    rest = [metric for metric in metrics if metric.group != "headline"]
    groups = (list(some) for _, some in groupby(rest, key=lambda metric: metric.group))
    before = _blocks(family, headline, board, "original")
    folded = [_folded("Against Original: what was forgotten, and what was lost with it", before)]
    folded += [
        _folded(f"The other metrics: {some[0].group}", _blocks(family, some, board, "retrained"))
        for some in groups
    ]
    return (
        '<section class="card sure" aria-label="How sure is this?"><h2>How sure is this?</h2>'
        f'<p class="sub">{esc(_how(board.comparisons, headline))}</p>'
        f'<p class="text">{esc(_least(family, board.comparisons, headline))}</p>'
        f"{_blocks(family, headline, board, 'retrained')}{''.join(folded)}</section>"
    )


def _how(comparisons: Comparisons, metrics: Sequence[Metric]) -> str:
    keys = {metric.key for metric in metrics}
    tests = max((row.tests for row in comparisons.made if row.metric in keys), default=0)
    over = f", p-values after Holm's procedure over the {tests} comparisons of the table"
    return (
        f"Paired permutation tests on the samples that two models share{over if tests else ''}. "
        "What is not shown is not shown to be equal: the second sentence says what so many samples "
        "can tell."
    )


def _least(family: Family, comparisons: Comparisons, metrics: Sequence[Metric]) -> str:
    """The least difference to Retrained that each metric could show of every unlearned model."""
    models = {spec.key for spec in family.models if spec.role == "unlearned"}
    against = [
        row
        for row in comparisons.made
        if row.role == "retrained" and row.model in models and row.detectable is not None
    ]
    said = []
    for metric in metrics:
        rows = [row for row in against if row.metric == metric.key]
        if rows:
            least = max(row.detectable or 0.0 for row in rows)
            unit = " points" if rows[0].points else ""
            said.append(f"{metric.label} {least:.{1 if rows[0].points else 2}f}{unit}")
    if not said:
        return "These samples do not tell how small a difference they could show."
    return f"The least difference to Retrained that would be seen 4 times in 5: {'; '.join(said)}."


def _blocks(family: Family, metrics: Sequence[Metric], board: Board, role: Role) -> str:
    blocks = "".join(_block(family, metric, board, role) for metric in metrics)
    return f'<div class="parts">{blocks}</div>' if blocks else ""


def _block(family: Family, metric: Metric, board: Board, role: Role) -> str:
    specs = [spec for spec in family.models if spec.role == "unlearned"]
    found = [(spec, _find(board, spec.key, metric, role)) for spec in specs]
    rows = [(spec, row) for spec, row in found if row is not None]
    if not rows:
        return ""
    said = "".join(
        _tested(family, spec, metric, row) for spec, row in rows if isinstance(row, Comparison)
    )
    reasons = dict.fromkeys(row.reason for _, row in rows if isinstance(row, Missing))
    why = "".join(f'<li class="soft">Not tested: {esc(reason)}</li>' for reason in reasons)
    return f"<div><h3>{esc(metric.label)}</h3><ul>{said}{why}</ul></div>"


def _tested(family: Family, spec: ModelSpec, metric: Metric, row: Comparison) -> str:
    said = describe(row, metric, family).removeprefix(f"{metric.label}: ")
    return (
        f'<li class="model" style="{model_style(spec)}">{letter(spec)}<p>{esc(said)}'
        f"<small>{esc(describe_power(row))}</small></p></li>"
    )


def _folded(title: str, body: str) -> str:
    return f"<details><summary>{esc(title)}</summary>{body}</details>" if body else ""
