"""Where things are on the Trajectory page; it connects nothing and computes nothing."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import gradio as gr

from dashboard.chart import make_chart
from dashboard.markup import html
from dashboard.metrics_page import TELL_CELL, TELL_CLOSE
from dashboard.trajectory.course import Course
from dashboard.trajectory.figure import over_steps
from dashboard.trajectory.reading import Reading
from dashboard.trajectory.tables import (
    course_line,
    curves_head,
    key_line,
    other_about,
    panel_title,
    pick_from,
    question_card,
    steps_table,
)
from loaders.family import Family
from metrics.metric import Metric
from metrics.registry import HEADLINE, METRICS

# The table is long: what opens below it would not be seen.
COME_INTO_SIGHT = """
watch('value', () => requestAnimationFrame(() => {
  if (props.value) element.scrollIntoView({block: 'start'});
}));
"""


@dataclass(frozen=True)
class TrajectoryView:
    """The components of the Trajectory page; `panels` by the metric's key.

    `other` names one more metric, `about` says what it is, `another` is its chart, and `reading`
    keeps what has come.
    """

    question: Any
    run: Any
    cancel: Any
    progress: Any
    notice: Any
    head: Any
    panels: Mapping[str, Any]
    other: Any
    about: Any
    another: Any
    table: Any
    samples: Any
    announce: Any
    reading: Any


def lay_out_trajectory(family: Family) -> TrajectoryView:
    """Put the page where it is called; what answers the question comes first."""
    reading, course = Reading(family), Course()
    question = html(question_card(reading), "trajectory-question")
    with gr.Row(elem_id="following", elem_classes="card"):
        line = html(course_line(course, reading), "trajectory-progress")
        run = gr.Button("Measure every checkpoint", variant="primary", elem_id="run-trajectory")
        cancel = gr.Button("Cancel", interactive=False, elem_id="cancel-trajectory")
    why = html("", "trajectory-notice")
    with gr.Column(elem_id="over-steps", elem_classes="card figure"):
        head = html(curves_head(reading), "curves-head")
        html(key_line(reading), "trajectory-key")
        with gr.Row(elem_classes="facets"):
            panels = {metric.key: _panel(reading, metric) for metric in HEADLINE}
            other, about, another = _other(reading)
    with gr.Column(elem_classes="card"):
        table = gr.HTML(
            steps_table(reading), elem_id="steps", apply_default_css=False, js_on_load=TELL_CELL
        )
    samples = gr.HTML(
        "", elem_id="step-samples", apply_default_css=False, js_on_load=TELL_CLOSE + COME_INTO_SIGHT
    )
    announce = html('<p class="sr" aria-live="polite"></p>', "announce-trajectory", "sr")
    return TrajectoryView(
        question=question,
        run=run,
        cancel=cancel,
        progress=line,
        notice=why,
        head=head,
        panels=panels,
        other=other,
        about=about,
        another=another,
        table=table,
        samples=samples,
        announce=announce,
        reading=gr.State(reading),
    )


def _panel(reading: Reading, metric: Metric) -> Any:
    with gr.Column(elem_classes="facet", min_width=0):
        html(panel_title(metric), f"step-title-{metric.key}")
        return make_chart(over_steps(reading, metric), f"step-{metric.key}")


def _other(reading: Reading) -> list[Any]:
    with gr.Column(elem_classes="facet", min_width=0):
        other = gr.Dropdown(
            [("One more metric …", ""), *pick_from(METRICS)],
            value="",
            label="One more metric",
            container=False,
            elem_id="other-metric",
        )
        about = html(other_about(None), "step-title-another")
        return [other, about, make_chart(over_steps(reading, None), "step-another")]
