"""Where things are on the Metrics page; it connects nothing and computes nothing."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import gradio as gr

from dashboard.board import Board
from dashboard.chart import make_chart
from dashboard.escape import esc
from dashboard.figures import bars, scatter
from dashboard.markup import html
from dashboard.panes import status_line
from dashboard.provenance import Provenance
from dashboard.results.roc import ATTACKS, roc_figure
from dashboard.tables import metrics_table, progress, published_block
from metrics.registry import HEADLINE, find_metric

EXTENTS = (("Headline", "headline"), ("Everything", "all"))
PRIVATE = (
    "This page is public. Your results are kept in its memory while you have it open, nobody else "
    "sees them, and they are gone when you leave."
)


@dataclass(frozen=True)
class MetricsView:
    """The components of the Metrics page; `curves` by the attack's key.

    `extent` says which metrics are run, `fresh` that nothing is taken from the store; `more` is
    what is shown of a run of everything.
    """

    extent: Any
    fresh: Any
    run: Any
    cancel: Any
    progress: Any
    notice: Any
    table: Any
    samples: Any
    bars: Any
    scatter: Any
    sure: Any
    more: Any
    further: Any
    curves: Mapping[str, Any]
    announce: Any
    board: Any


def lay_out_metrics(provenance: Provenance, is_public: bool) -> MetricsView:
    """Put the page where it is called."""
    family, board = provenance.family, Board()
    html(status_line(PRIVATE) if is_public else "", "private")
    with gr.Row(elem_id="measuring", elem_classes="card"):
        line = html(progress(family, HEADLINE, board), "progress")
        extent, fresh = _choices()
        run = gr.Button("Run the metrics", variant="primary", elem_id="run-metrics")
        cancel = gr.Button("Cancel", interactive=False, elem_id="cancel-metrics")
    why = html("", "metrics-notice")
    with gr.Column(elem_classes="card"):
        table = _table(metrics_table(provenance, HEADLINE, board), "table")
    samples = gr.HTML("", elem_id="samples", apply_default_css=False, js_on_load=TELL_CLOSE)
    sure = html("", "sure")
    plane, columns = _figures(provenance, board)
    with gr.Column(visible=False, elem_id="more") as more:
        further = _table("", "further")
        curves = _curves(provenance, board)
    if family.published is not None:
        html(published_block(family.published, HEADLINE), "published")
    announce = html('<p class="sr" aria-live="polite"></p>', "announce-metrics", "sr")
    return MetricsView(
        extent=extent,
        fresh=fresh,
        run=run,
        cancel=cancel,
        progress=line,
        notice=why,
        table=table,
        samples=samples,
        bars=columns,
        scatter=plane,
        sure=sure,
        more=more,
        further=further,
        curves=curves,
        announce=announce,
        board=gr.State(board),
    )


def _choices() -> tuple[Any, Any]:
    extent = gr.Radio(
        EXTENTS,
        value="headline",
        label="Which metrics",
        container=False,
        elem_id="extent",
        elem_classes="segments",
    )
    fresh = gr.Checkbox(False, label="Measure anew", container=False, elem_id="fresh")
    return extent, fresh


def _table(value: str, elem_id: str) -> gr.HTML:
    return gr.HTML(value, elem_id=elem_id, apply_default_css=False, js_on_load=TELL_CELL)


def _figures(provenance: Provenance, board: Board) -> tuple[Any, Any]:
    family = provenance.family
    with gr.Row(elem_id="figures"):
        with gr.Column(elem_classes="card figure", min_width=0):
            html(
                "<h2>Forgetting against utility</h2><p class='sub'>The star is where unlearning "
                "should land: what never having read the book looks like.</p>",
                "scatter-title",
            )
            forget, utility = find_metric("verbmem_f"), find_metric("knowmem_r")
            plane = make_chart(scatter(family, board, forget, utility), "scatter")
        with gr.Column(elem_classes="card figure", min_width=0):
            html(
                "<h2>Each metric, with intervals</h2><p class='sub'>Dashed: Retrained. PrivLeak "
                "has its own axis, around zero.</p>",
                "bars-title",
            )
            columns = make_chart(bars(family, board, HEADLINE), "bars")
    return plane, columns


def _curves(provenance: Provenance, board: Board) -> dict[str, Any]:
    family = provenance.family
    with gr.Column(elem_id="roc", elem_classes="card figure"):
        html(
            "<h2>Who can be told to have read it: every attack's ROC curve</h2><p class='sub'>How "
            "many of the forget texts an attack finds by how many of the holdout texts it takes "
            "for them. Dotted: chance. Dashed: Retrained, where the others should lie. Numbers: "
            "the area under each curve, ½ for chance.</p>",
            "roc-title",
        )
        with gr.Row(elem_classes="facets"):
            return {
                metric.key: _curve(metric.label, roc_figure(family, board, metric), metric.key)
                for metric in ATTACKS
            }


def _curve(name: str, figure: dict[str, Any], key: str) -> Any:
    title = "PrivLeak, Min-K%" if name == "PrivLeak" else name
    with gr.Column(elem_classes="facet", min_width=0):
        html(f"<h3>{esc(title)}</h3>", f"roc-title-{key}")
        return make_chart(figure, f"roc-{key}")


TELL_CELL = """
element.addEventListener('click', (event) => {
  const cell = event.target.closest('button.cell');
  if (cell) trigger('click', {model: cell.dataset.model, metric: cell.dataset.metric});
});
"""
TELL_CLOSE = """
element.addEventListener('click', (event) => {
  if (event.target.closest('button.close')) trigger('click', {});
});
"""
