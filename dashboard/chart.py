"""The one live chart component: a figure as JSON, drawn in the browser by `Plotly.react`.

Plotly.js comes out of the plotly package and is served by this program, never by a CDN. The first
chart that is seen asks for it: as a script of the page's head everything else would wait for it.
"""

import gzip
from functools import cache
from importlib.metadata import version
from importlib.resources import files
from pathlib import Path
from typing import Any

import gradio as gr
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from dashboard.escape import esc, json_text

SCRIPT = Path(__file__).parent.parent / "assets" / "chart.js"


def make_chart(figure: dict[str, Any], elem_id: str, scrolls_as: str = "") -> gr.HTML:
    """A chart that keeps its node, and with it zoom and size, when its figure changes.

    With a name in `scrolls_as` it may be wider than its card, and scrolls inside it.
    """
    plot = f'<div class="plot" role="img" data-plotly=".{script_path()}"></div>'
    scroller = f'<div class="scroller" tabindex="0" role="region" aria-label="{esc(scrolls_as)}">'
    return gr.HTML(
        json_text(figure),
        html_template=f"{scroller}{plot}</div>" if scrolls_as else plot,
        js_on_load=SCRIPT.read_text(encoding="utf-8"),
        elem_id=elem_id,
        elem_classes="chart",
        apply_default_css=False,
    )


def script_path() -> str:
    """Where plotly.js is served; the version in it makes it cacheable for good."""
    return f"/plotly-{version('plotly')}.min.js"


def script_route() -> Route:
    """The route that serves plotly.js."""

    def serve(request: Request) -> Response:
        headers = {
            "Cache-Control": "public, max-age=31536000, immutable",
            "Content-Encoding": "gzip",
        }
        return Response(_script(), media_type="text/javascript", headers=headers)

    return Route(script_path(), serve)


@cache
def _script() -> bytes:
    """plotly.js, packed once for all visitors: 1.5 of its 4.8 MB."""
    return gzip.compress((files("plotly") / "package_data" / "plotly.min.js").read_bytes())
