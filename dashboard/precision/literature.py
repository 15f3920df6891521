"""The HTML of the Precision page about the literature: published pairs, never set as a target."""

from collections.abc import Sequence

from dashboard.escape import esc
from dashboard.precision.published import Pair, Pairs, Source
from dashboard.precision.words import percent
from dashboard.provenance import badge
from dashboard.sweep.methods import plain
from metrics.metric import Metric
from metrics.reading.numerals import number


def paper_badge(pairs: Pairs) -> str:
    """Printed by others, at which precision and scale."""
    text = f"published · {pairs.quantized} · {pairs.scale}".upper()
    return badge(text, "beside", "Measured and printed by others; not by this page.")


def published_head(pairs: Pairs) -> str:
    """What the slopes show, and who printed them."""
    paper = pairs.sources[0]
    return (
        f"<h2>{esc(pairs.title)}: from {esc(pairs.full)} to {esc(pairs.quantized)} "
        f"{paper_badge(pairs)}</h2><p class='sub'>{esc(paper.label)}, {esc(paper.where)}. Dashed: "
        "Retrained. These are other weights in another 4-bit format: not what a 4-bit run here "
        f"should come to. {esc(pairs.explains)}</p>"
    )


def published_card(pairs: Pairs, metrics: Sequence[Metric]) -> str:
    """Every published pair, with where it stands and what of the way back it is."""
    shown = [m for m in metrics if any(m.key in pair.full for pair in pairs.pairs)]
    names = "".join(f'<th scope="col">{esc(metric.label)}</th>' for metric in shown)
    bodies = "".join(_source_rows(pairs, source, shown) for source in pairs.sources)
    notes = " ".join([pairs.held, *pairs.caveats])
    return (
        f'<section class="card"><h2>All published pairs {paper_badge(pairs)}</h2>'
        f'<p class="sub">{esc(pairs.full.capitalize())} → {esc(pairs.quantized)}; below it the '
        "recovery, computed here from the printed numbers by the same formula.</p>"
        '<div class="scroller" tabindex="0" role="region" aria-label="Published pairs">'
        f'<table class="plain recovery"><thead><tr><th scope="col">Model</th>'
        f'<th scope="col">Where</th>{names}</tr></thead>{bodies}</table></div>'
        f'<p class="footnote">{esc(notes)}</p></section>'
    )


def _source_rows(pairs: Pairs, source: Source, metrics: Sequence[Metric]) -> str:
    rows = "".join(_pair_row(pairs, pair, metrics) for pair in pairs.of(source))
    return (
        f'<tbody><tr><th colspan="{len(metrics) + 2}" scope="rowgroup" class="source">'
        f"{esc(source.label)}<small>{esc(source.where)}</small></th></tr>{rows}</tbody>"
    )


def _pair_row(pairs: Pairs, pair: Pair, metrics: Sequence[Metric]) -> str:
    rate = f"<small>learning rate {plain(pair.learning_rate)}</small>" if pair.learning_rate else ""
    cells = "".join(f"<td>{_pair(pairs, pair, metric)}</td>" for metric in metrics)
    return (
        f'<tr><th scope="row">{esc(pairs.model(pair).label)}{rate}</th>'
        f"<td>{esc(pair.where)}</td>{cells}</tr>"
    )


def _pair(pairs: Pairs, pair: Pair, metric: Metric) -> str:
    if metric.key not in pair.full:
        return "—"
    if metric.key not in pair.quantized:
        return f"{number(pair.full[metric.key], 1)} → —"
    told = f"{number(pair.full[metric.key], 1)} → <b>{number(pair.quantized[metric.key], 1)}</b>"
    if pairs.model(pair).role != "unlearned":
        return told
    share = pairs.regained(pair, metric.key)
    back = f"recovery {percent(share)}" if share is not None else "— under 5 points were lost"
    return f"{told}<small>{back}</small>"
