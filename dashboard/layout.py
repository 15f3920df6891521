"""Where things are on the page; it connects nothing and computes nothing."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import gradio as gr

from dashboard.answers import Answer
from dashboard.asking import OWN, SCENARIOS, list_rows, row_choices, row_value
from dashboard.card import card_panel
from dashboard.chart import make_chart
from dashboard.figures import curves
from dashboard.labels import describe_sampling
from dashboard.markup import html
from dashboard.metrics_page import MetricsView, lay_out_metrics
from dashboard.panes import in_words, notice, pane, truth_block
from dashboard.precision.view import Precisions, PrecisionView, lay_out_precision
from dashboard.provenance import Provenance, header_badges
from dashboard.results.view import ResultsView, lay_out_results
from dashboard.sweep.figure import sweep_figure
from dashboard.sweep.tables import forgot_table, shipped_table, sweep_head, sweep_said
from dashboard.trajectory.view import TrajectoryView, lay_out_trajectory
from loaders.family import Family
from loaders.faults import Fault
from loaders.protocol import Sampling, Status
from metrics.choosing.trials import Trial
from metrics.inputs.data import Data

TITLE = "Unlearning, side by side"

Trials = tuple[Trial, ...]


@dataclass(frozen=True)
class CompareView:
    """The components of the Compare page; `panes` and `cards` by model key.

    `numbers` are max new tokens, temperature, top-p and seed, in that order; `own` holds the rows
    of a visitor's file, `answered` the keys of the models whose panes belong to the last run.
    """

    scenario: Any
    row: Any
    upload: Any
    own: Any
    sampling: Any
    numbers: list[Any]
    prompt: Any
    run: Any
    stop: Any
    notice: Any
    again: Any
    truth: Any
    panes: Mapping[str, Any]
    answered: Any
    cards: Mapping[str, Any]
    chart: Any
    words: Any
    announce: Any


@dataclass(frozen=True)
class View:
    """The whole page; `trajectory` where the family has checkpoints."""

    badges: Any
    compare: CompareView
    metrics: MetricsView
    precision: PrecisionView
    results: ResultsView
    trajectory: TrajectoryView | None


def lay_out(
    provenance: Provenance,
    data: Data | Fault,
    trials: Trials | Fault,
    precisions: Precisions,
    is_public: bool,
    whole: Family | None = None,
) -> View:
    """Put everything on the page; `whole` is the family with all its checkpoints, if it has any.
    Call it inside `gr.Blocks`."""
    with gr.Column(elem_id="page"):
        html(f"<h1>{TITLE}</h1>", "title")
        badges = html(header_badges(provenance), "badges")
        with gr.Tabs(elem_id="pages", overflow_behavior="wrap"):
            with gr.Tab("Compare", id="compare", elem_id="compare"):
                compare = _compare(provenance, data)
            with gr.Tab("Metrics", id="metrics", elem_id="metrics", render_children=True):
                metrics = lay_out_metrics(provenance, is_public)
            if trials:
                with gr.Tab("Sweep", id="sweep", elem_id="sweep", render_children=True):
                    _sweep(provenance, trials)
            trajectory = _trajectory(whole) if whole is not None else None
            with gr.Tab("Precision", id="precision", elem_id="precision", render_children=True):
                precision = lay_out_precision(precisions)
            with gr.Tab("Results", id="results", elem_id="results", render_children=True) as tab:
                results = lay_out_results(tab, provenance.family)
    return View(badges, compare, metrics, precision, results, trajectory)


def _trajectory(whole: Family) -> TrajectoryView:
    with gr.Tab("Trajectory", id="trajectory", elem_id="trajectory", render_children=True):
        return lay_out_trajectory(whole)


def _compare(provenance: Provenance, data: Data | Fault) -> CompareView:
    family = provenance.family
    first = SCENARIOS[0]
    rows = list_rows(data, first)
    text, truth = (rows[0].text, rows[0].truth) if rows else ("", None)
    with gr.Row(elem_id="asking"):
        scenario = gr.Radio(
            [(s.label, s.key) for s in SCENARIOS],
            value=first.key if rows else OWN,
            label="Scenario",
            container=False,
            elem_id="scenario",
        )
        row = gr.Dropdown(
            row_choices(family, first, len(rows)),
            value=row_value(first, 0) if rows else None,
            label="Row of the data",
            container=False,
            elem_id="row",
            visible=bool(rows),
        )
        upload = gr.UploadButton(
            "Upload prompts (CSV, JSONL)", visible=not rows, size="sm", elem_id="upload"
        )
        sampling, numbers = _sampling(first.max_new_tokens)
    with gr.Row(elem_id="asked"):
        prompt = gr.Textbox(
            text,
            label="Prompt",
            show_label=False,
            container=False,
            lines=2,
            max_lines=5,
            elem_id="prompt",
            placeholder="Write a prompt, or pick a passage above.",
        )
        run = gr.Button("Run", variant="primary", elem_id="run")
        stop = gr.Button("Stop", interactive=False, elem_id="stop")
    why = html(notice(str(data) if isinstance(data, Fault) else ""), "notice")
    again = gr.Button("Try again", visible=False, size="sm", elem_id="again")
    true = html(truth_block(first, truth), "truth")
    with gr.Row(elem_id="panes"):
        panes = {
            spec.key: html(
                pane(provenance, spec, Answer(spec.key, "waiting", message="…")),
                f"pane-{spec.key}",
            )
            for spec in family.models
        }
    cards = {
        spec.key: html(card_panel(provenance, spec, Status("waiting")), f"card-{spec.key}", "cards")
        for spec in family.models
    }
    with gr.Row(elem_id="seen"):
        with gr.Column(elem_classes="card figure", scale=7, min_width=0):
            html(
                "<h2>How much of the true text each model gives back</h2><p class='sub'>ROUGE-L "
                "to the true text, a passage cut to the same length. Closest to Retrained is best, "
                "not lowest.</p>",
                "curves-title",
            )
            chart = make_chart(curves(family, [], first.max_new_tokens), "curves")
        with gr.Column(scale=5, min_width=0):
            words = html(in_words(family, []), "words")
    announce = html('<p class="sr" aria-live="polite"></p>', "announce-compare", "sr")
    return CompareView(
        scenario=scenario,
        row=row,
        upload=upload,
        own=gr.State(()),
        answered=gr.State(()),
        sampling=sampling,
        numbers=numbers,
        prompt=prompt,
        run=run,
        stop=stop,
        notice=why,
        again=again,
        truth=true,
        panes=panes,
        cards=cards,
        chart=chart,
        words=words,
        announce=announce,
    )


def _sampling(max_new_tokens: int) -> tuple[Any, list[Any]]:
    default = Sampling(max_new_tokens)
    with gr.Accordion(describe_sampling(default), open=False, elem_id="sampling") as chip:
        numbers = [
            gr.Number(
                max_new_tokens, label="Max new tokens", precision=0, elem_id="max-new-tokens"
            ),
            gr.Slider(0, 2, 0, step=0.05, label="Temperature (0: greedy)", elem_id="temperature"),
            gr.Slider(0.05, 1, 1, step=0.05, label="Top-p", elem_id="top-p"),
            gr.Number(0, label="Seed", precision=0, elem_id="seed"),
        ]
    return chip, numbers


def _sweep(provenance: Provenance, trials: Trials | Fault) -> None:
    """The Sweep page; nothing on it ever changes, so it has no view."""
    if isinstance(trials, Fault):
        html(notice(str(trials)), "sweep-notice")
        return
    family = provenance.family
    with gr.Column(elem_classes="card figure"):
        html(sweep_head(family, trials), "sweep-title")
        make_chart(sweep_figure(family, trials), "settings", "Every setting that was tried")
    html(sweep_said(trials), "sweep-words")
    html(forgot_table(trials), "forgot")
    html(shipped_table(provenance, trials), "shipped")
