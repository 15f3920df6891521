"""Two records side by side as HTML: their numbers with a paired test, then sample by sample; pure.

Only samples of the same data are set beside each other, and no more is said than was tested.
"""

from collections.abc import Sequence

from dashboard.escape import esc
from dashboard.results.differences import Part, compare_words
from dashboard.results.records import call, face_letter, face_style, source_badge
from dashboard.samples import asked
from loaders.faults import Fault
from metrics.export.columns import Column, as_column
from metrics.metric import Metric
from metrics.reading.comparison import Comparison, Comparisons
from metrics.reading.meaning import ALPHA
from metrics.reading.numerals import probability
from metrics.reading.pairing import Change, Pair, changed, shared_metrics
from metrics.results import LikelihoodSample, Measurement, Sample
from metrics.store import Stored
from metrics.store.records import say_date

SHOWN = 8  # samples of a metric, those that changed most
HEADS = ("Metric", "A", "B", "A − B", "95 % interval", "p after Holm", "n", "Seen 4 times in 5")


def pair_card(pair: Pair, found: Comparisons) -> str:
    """The whole comparison of two records."""
    metrics = shared_metrics(pair)
    if not metrics:
        body = '<p class="text soft">They have no metric in common.</p>'
    else:
        body = f"{_numbers(pair, metrics, found)}{_samples(pair, metrics)}"
    return (
        '<section class="card pair" aria-label="Comparison of two records">'
        '<h2>Two records, side by side</h2><div class="whos">'
        f"{_who('A', pair.one)}{_who('B', pair.other)}</div>{body}</section>"
    )


def _who(name: str, one: Stored) -> str:
    record = one.record
    about = f"{one.family} ({record.scale}), profile {record.profile}, seed {record.seed}, "
    return (
        f'<p class="model" style="{face_style(one.face)}"><b>{name}</b> {face_letter(one.face)}'
        f"<b>{esc(call(one))}</b> {source_badge(one)}<small>{esc(about)}"
        f"{esc(say_date(one.created))}</small></p>"
    )


def _numbers(pair: Pair, metrics: Sequence[Metric], found: Comparisons) -> str:
    tested = {row.metric: row for row in found.made}
    reasons = {row.metric: row.reason for row in found.missing}
    heads = "".join(f'<th scope="col">{name}</th>' for name in HEADS)
    rows = "".join(_row(pair, m, tested.get(m.key), reasons.get(m.key, "")) for m in metrics)
    tests = found.made[0].tests if found.made else 0
    over = f" over these {tests} comparisons" if tests else ""
    return (
        '<div class="scroller" tabindex="0" role="region" aria-label="Numbers of two records">'
        f'<table class="plain"><thead><tr>{heads}</tr></thead><tbody>{rows}</tbody></table></div>'
        f'<p class="footnote">Paired permutation tests on the samples that both have, corrected '
        f"with Holm's procedure{over}. Bold: a difference that chance does not explain. The last "
        "column: the least difference that so many samples would show.</p>"
    )


def _row(pair: Pair, metric: Metric, row: Comparison | None, reason: str) -> str:
    column = as_column(metric)
    values = "".join(
        f"<td>{_value(column, side.record.metrics[metric.key])}</td>"
        for side in (pair.one, pair.other)
    )
    head = f'<tr><th scope="row">{esc(metric.label)}</th>{values}'
    if row is None:
        return f'{head}<td colspan="5" class="why">not tested: {esc(reason)}</td></tr>'
    low, high = (column.number(end) for end in row.ci95)
    size = column.number(row.difference)
    shown = f"<b>{size}</b>" if row.p_holm < ALPHA else f"{size}<small>no difference shown</small>"
    least = "not known" if row.detectable is None else column.number(row.detectable)
    return (
        f"{head}<td>{shown}</td><td>{low} to {high}</td><td>{esc(probability(row.p_holm))}</td>"
        f"<td>{row.n}</td><td>{least}</td></tr>"
    )


def _value(column: Column, measured: Measurement) -> str:
    interval = column.interval(measured) if measured.n else "interval not known"
    return f"{column.number(measured.value)}<small>{interval}</small>"


def _samples(pair: Pair, metrics: Sequence[Metric]) -> str:
    try:
        parts = [_changes(pair, metric) for metric in metrics]
    except Fault as fault:
        return f'<p class="sub">{esc(fault)}</p>'
    return "".join(parts).replace("<details>", "<details open>", 1)


def _changes(pair: Pair, metric: Metric) -> str:
    all_of_them = changed(pair, metric)
    found = [change for change in all_of_them if change.by][:SHOWN]
    if not found:
        return ""
    title = f"{metric.label}: the {metric.noun} that changed most, {len(found)} of "
    items = "".join(_change(pair, change) for change in found)
    return (
        f"<details><summary>{esc(title)}{len(all_of_them)}</summary>"
        f'<ol class="rows">{items}</ol></details>'
    )


def _change(pair: Pair, change: Change) -> str:
    one, other = change.one, change.other
    scores = f"A {one.score:.3f}, B {other.score:.3f}, A − B {change.by:+.3f}".replace("-", "−")
    head = f'<li><p class="id">{esc(one.id)} · {scores}</p>'
    if isinstance(one, LikelihoodSample) or isinstance(other, LikelihoodSample):
        return f"{head}</li>"
    return (
        f'{head}<p class="asked">{esc(asked(one.prompt))}</p>'
        f'<p class="true"><b>True</b> {esc(one.reference.strip())}</p>'
        f"{_outputs(pair, one, other)}</li>"
    )


def _outputs(pair: Pair, one: Sample, other: Sample) -> str:
    sides = compare_words(one.output.strip(), other.output.strip())
    both = (("A", pair.one, sides.one), ("B", pair.other, sides.other))
    return f'<div class="outputs">{"".join(_output(*side) for side in both)}</div>'


def _output(name: str, stored: Stored, parts: Sequence[Part]) -> str:
    text = "".join(_part(part) for part in parts)
    return (
        f'<div class="model output" style="{face_style(stored.face)}"><p><b>{name}</b> '
        f"{face_letter(stored.face)}{esc(stored.face.label)}</p>"
        f'<p class="text">{text or "<i>nothing</i>"}</p></div>'
    )


def _part(part: Part) -> str:
    """Own words marked, but not the white space before them."""
    if not part.own:
        return esc(part.text)
    bare = part.text.lstrip()
    return f"{esc(part.text[: len(part.text) - len(bare)])}<mark>{esc(bare)}</mark>"
