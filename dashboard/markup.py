"""The component for finished HTML; it decides nothing about what is shown."""

import gradio as gr


def html(value: str, elem_id: str, *classes: str) -> gr.HTML:
    """A piece of finished HTML; every dynamic text in `value` went through `esc` before."""
    return gr.HTML(
        value, elem_id=elem_id, elem_classes=list(classes), apply_default_css=False, js_on_load=None
    )
