"""Where things are on the Results page; it connects nothing and computes nothing."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import gradio as gr

from dashboard.markup import html
from dashboard.results.records import records_table
from loaders.choices import PRECISIONS
from loaders.family import Family

ANY = ""
FIELDS = ("family", "model", "precision", "profile")
FORMATS = (
    ("csv", "CSV"),
    ("json", "JSON"),
    ("parquet", "Parquet"),
    ("latex", "LaTeX"),
    ("html", "HTML report"),
)
NOTHING = '<p class="sub">Nothing is selected: tick records in the list.</p>'


@dataclass(frozen=True)
class ResultsView:
    """The components of the Results page.

    `filters` are family, model, precision, profile and since, in that order; `exports` are buttons
    by the format's name; `picked` holds the ids of the records that are ticked.
    """

    tab: Any
    filters: list[Any]
    records: Any
    picked: Any
    selected: Any
    compare: Any
    exports: Mapping[str, Any]
    samples: Any
    file: Any
    delete: Any
    question: Any
    asked: Any
    really: Any
    keep: Any
    pair: Any
    model: Any
    precision: Any
    upload: Any
    notice: Any


def lay_out_results(tab: Any, family: Family) -> ResultsView:
    """Put the page where it is called; it is filled when its tab is opened."""
    with gr.Column(elem_id="stored", elem_classes="card"):
        html(
            "<h2>Everything that was measured</h2><p class='sub'>What is stored here, what was "
            "imported, and what comes with the project, which is recorded and cannot be "
            "deleted. Tick two records to compare them.</p>",
            "stored-title",
        )
        filters = _filters()
        records = gr.HTML(
            records_table((), ()),
            elem_id="records",
            apply_default_css=False,
            js_on_load=TELL_PICKED,
        )
    selected, compare, exports, samples, delete = _selected()
    file = gr.File(visible="hidden", interactive=False, elem_id="export-file")
    with gr.Row(visible=False, elem_id="deleting", elem_classes="card") as question:
        asked = html("", "delete-question")
        really = gr.Button("Delete for good", elem_id="delete-really")
        keep = gr.Button("Keep", elem_id="delete-keep")
    why = html("", "results-notice")
    pair = html("", "pair")
    model, precision, upload = _import(family)
    return ResultsView(
        tab=tab,
        filters=filters,
        records=records,
        picked=gr.State(()),
        selected=selected,
        compare=compare,
        exports=exports,
        samples=samples,
        file=file,
        delete=delete,
        question=question,
        asked=asked,
        really=really,
        keep=keep,
        pair=pair,
        model=model,
        precision=precision,
        upload=upload,
        notice=why,
    )


def _filters() -> list[Any]:
    with gr.Row(elem_id="filters"):
        made: list[Any] = [
            gr.Dropdown([("any", ANY)], value=ANY, label=name.capitalize(), elem_id=f"only-{name}")
            for name in FIELDS
        ]
        since = gr.Textbox(
            "", label="Since", placeholder="2026-11-24", max_lines=1, elem_id="only-since"
        )
    return [*made, since]


def _selected() -> tuple[Any, Any, dict[str, Any], Any, Any]:
    with gr.Row(elem_id="picked", elem_classes="card"):
        selected = html(NOTHING, "selected")
        compare = gr.Button(
            "Compare", variant="primary", interactive=False, elem_id="compare-records"
        )
        exports: dict[str, Any] = {
            name: gr.Button(label, interactive=False, elem_id=f"export-{name}")
            for name, label in FORMATS
        }
        samples = gr.Checkbox(
            False, label="with every sample", container=False, elem_id="export-samples"
        )
        delete = gr.Button("Delete", interactive=False, elem_id="delete-records")
    return selected, compare, exports, samples, delete


def _import(family: Family) -> tuple[Any, Any, Any]:
    with gr.Row(elem_id="importing", elem_classes="card"):
        html(
            "<h2>Import from open-unlearning</h2><p class='sub'>A MUSE_EVAL.json or "
            "MUSE_SUMMARY.json. The file does not say which model it is of, nor how it was held: "
            "you do.</p>",
            "import-title",
        )
        model = gr.Dropdown(
            [(spec.label, spec.key) for spec in family.models],
            value=family.models[0].key,
            label="Model",
            allow_custom_value=True,
            elem_id="import-model",
        )
        precision = gr.Dropdown(
            list(PRECISIONS), value="bf16", label="Held in", elem_id="import-precision"
        )
        upload = gr.UploadButton("Import a file", elem_id="import-file")
    return model, precision, upload


# What was made is taken at once: a button of Gradio's takes what was there when it was pressed.
TAKE = """
(file) => {
  if (!file) return;
  const link = document.createElement('a');
  Object.assign(link, {href: file.url, download: file.orig_name});
  document.body.append(link);
  link.click();
  link.remove();
}
"""
# A new list is patched into the old one, whose boxes would stay as they were ticked.
TELL_PICKED = """
watch('value', () => requestAnimationFrame(() => {
  for (const box of element.querySelectorAll('input[data-id]')) box.checked = box.defaultChecked;
}));
element.addEventListener('change', () => {
  const ids = [...element.querySelectorAll('input[data-id]:checked')].map((box) => box.dataset.id);
  trigger('click', {ids: ids.join(' ')});
});
"""
