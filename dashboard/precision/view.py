"""Where things are on the Precision page; it connects nothing and computes nothing."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import gradio as gr

from dashboard.chart import make_chart
from dashboard.escape import esc
from dashboard.markup import html
from dashboard.panes import notice
from dashboard.precision.course import Course
from dashboard.precision.figure import over_precision
from dashboard.precision.literature import published_card, published_head
from dashboard.precision.measure import Engines
from dashboard.precision.published import Pairs, load_pairs
from dashboard.precision.reading import Reading, read
from dashboard.precision.slopes import slopes
from dashboard.precision.tables import (
    course_line,
    key_card,
    panels_head,
    precision_list,
    published_leads,
    question_card,
    recovery_card,
)
from dashboard.precision.words import learning_rates
from dashboard.tables import BEST
from loaders.family import Family
from loaders.faults import Fault
from metrics.choosing.trials import Trial
from metrics.inputs.data import Data
from metrics.metric import Metric
from metrics.results import Results


@dataclass(frozen=True)
class Precisions:
    """What the page is made from.

    `rates` are the learning rates of unlearning, `loaded_data` the hash of the data at hand and
    `fault` what is wrong with the recorded results; each may be empty. Without `engines` nothing
    can be measured.
    """

    reading: Reading
    pairs: Pairs
    rates: tuple[float, ...] = ()
    loaded_data: str = ""
    fault: str = ""
    engines: Engines | None = None

    @property
    def published_leads(self) -> bool:
        """What comes first; it stays so when something else is measured, as nothing may move."""
        return published_leads(self.reading)


@dataclass(frozen=True)
class PrecisionView:
    """The components of the Precision page; `panels` by the metric's key, `fresh` says that
    nothing is taken from the store."""

    question: Any
    fresh: Any
    run: Any
    cancel: Any
    progress: Any
    notice: Any
    head: Any
    precisions: Any
    panels: Mapping[str, Any]
    recovery: Any
    announce: Any


def gather(
    family: Family,
    data: Data | Fault,
    trials: tuple[Trial, ...] | Fault,
    recorded: Results | Fault | None,
    engines: Engines | None,
) -> Precisions:
    """Work out what the page shows before anybody measures."""
    is_fault = isinstance(recorded, Fault)
    return Precisions(
        reading=read(family, None if isinstance(recorded, Fault) else recorded),
        pairs=load_pairs(),
        rates=() if isinstance(trials, Fault) else learning_rates(trials),
        loaded_data="" if isinstance(data, Fault) else data.sha256,
        fault=str(recorded) if is_fault else "",
        engines=engines,
    )


def lay_out_precision(precisions: Precisions) -> PrecisionView:
    """Put the page where it is called; what answers the question comes first."""
    reading, pairs = precisions.reading, precisions.pairs
    leads = precisions.published_leads
    question = html(question_card(reading, pairs, precisions.rates, leads), "precision-question")
    if leads:
        _literature(pairs, reading.metrics)
    view = _measured(precisions, question)
    if not leads:
        _literature(pairs, reading.metrics)
    html(published_card(pairs, reading.metrics), "pairs")
    return view


def _measured(precisions: Precisions, question: Any) -> PrecisionView:
    reading = precisions.reading
    with gr.Row(elem_id="remeasuring", elem_classes="card", visible=precisions.engines is not None):
        line = html(course_line(Course(), reading), "precision-progress")
        fresh = gr.Checkbox(False, label="Measure anew", container=False, elem_id="fresh-precision")
        run = gr.Button("Measure every precision", variant="primary", elem_id="run-precision")
        cancel = gr.Button("Cancel", interactive=False, elem_id="cancel-precision")
    why = html(notice(precisions.fault), "precision-notice")
    with gr.Column(elem_id="over-precision", elem_classes="card figure"):
        head = html(panels_head(reading), "panels-title")
        listed = html(precision_list(reading, None), "precision-list")
        with gr.Row(elem_classes="facets"):
            panels = {
                metric.key: _panel(metric, over_precision(reading, metric), "panel")
                for metric in reading.metrics
            }
            html(key_card(reading), "precision-key")
    recovery = html(recovery_card(reading, precisions.loaded_data), "recovery")
    announce = html('<p class="sr" aria-live="polite"></p>', "announce-precision", "sr")
    return PrecisionView(
        question=question,
        fresh=fresh,
        run=run,
        cancel=cancel,
        progress=line,
        notice=why,
        head=head,
        precisions=listed,
        panels=panels,
        recovery=recovery,
        announce=announce,
    )


def _literature(pairs: Pairs, metrics: tuple[Metric, ...]) -> None:
    """Nothing in it ever changes, so it has no view."""
    shown = [m for m in metrics if any(m.key in pair.quantized for pair in pairs.pairs)]
    with gr.Column(elem_id="literature", elem_classes="card figure"):
        html(published_head(pairs), "literature-title")
        with gr.Row(elem_classes="facets four"):
            for metric in shown:
                _panel(metric, slopes(pairs, metric), "slope")


def _panel(metric: Metric, figure: dict[str, Any], kind: str) -> Any:
    with gr.Column(elem_classes="facet", min_width=0):
        html(
            f"<h3>{esc(metric.label)}</h3><p class='sub'>{esc(metric.explains)} · "
            f"best: {BEST[metric.best]}</p>",
            f"{kind}-title-{metric.key}",
        )
        return make_chart(figure, f"{kind}-{metric.key}")
