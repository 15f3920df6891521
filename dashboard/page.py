"""Builds the page around a session and serves it; the only two calls the rest of the code needs."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gradio as gr
from starlette.routing import Route

from dashboard.chart import script_route
from dashboard.facts import Facts
from dashboard.layout import TITLE, Trials, lay_out
from dashboard.precision.measure import Engines
from dashboard.precision.view import gather
from dashboard.results.shelves import Shelves
from dashboard.standin import StandIn
from dashboard.trajectory.measure import Trajectory
from dashboard.wiring import wire, wire_precision, wire_results, wire_trajectory
from loaders.faults import Fault
from loaders.session import Session
from metrics.inputs.data import Data
from metrics.results import Results
from metrics.store import open_private

ASSETS = Path(__file__).parent.parent / "assets"
FONT = ["system-ui", "-apple-system", "Segoe UI", "Roboto", "DejaVu Sans", "sans-serif"]
MONO = ["ui-monospace", "Menlo", "Consolas", "DejaVu Sans Mono", "monospace"]
MOST_WAITING = 100
MOST_BYTES = 64 * 1024 * 1024  # that a visitor may bring in one file
KEPT_SECONDS = 3600  # that a file which was brought or taken away lies on the server


@dataclass(frozen=True)
class Where:
    """The address to serve at; `auth` is a name and a password, `share` asks for a public link."""

    host: str = "127.0.0.1"
    port: int | None = None
    share: bool = False
    auth: tuple[str, str] | None = None


def build(
    session: Session,
    data: Data | Fault,
    trials: Trials | Fault = (),
    recorded: Results | Fault | None = None,
    engines: Engines | None = None,
    shelves: Shelves | None = None,
    trajectory: Trajectory | None = None,
    *,
    stand_in: StandIn | None = None,
) -> gr.Blocks:
    """The page of a session, started or not; where no GPU is lent, `stand_in` answers.

    `data`, `trials` and the `recorded` results may be what went wrong with them. Without trials
    there is no Sweep page, without a `trajectory` no Trajectory page, and without `engines` nothing
    can be measured at other precisions. Without `shelves` results end with the page.
    """
    facts = Facts(session)
    shelves = shelves or Shelves(is_public=False, opened=open_private)
    precisions = gather(session.family, data, trials, recorded, engines)
    page = gr.Blocks(
        title=TITLE, analytics_enabled=False, fill_width=True, delete_cache=(600, KEPT_SECONDS)
    )
    with page:
        whole = trajectory.family if trajectory is not None else None
        view = lay_out(facts.provenance, data, trials, precisions, shelves.is_public, whole)
        wire(session, data, facts, view, shelves, page, stand_in, recorded)
        wire_precision(session, data, precisions, view.precision, shelves, page)
        wire_results(session.family, shelves, view.results, page)
        if trajectory is not None and view.trajectory is not None:
            wire_trajectory(session, data, trajectory, view.trajectory, shelves, page)
    page.queue(max_size=MOST_WAITING)
    return page


def serve(
    page: gr.Blocks,
    where: Where,
    *,
    block: bool = True,
    quiet: bool = False,
    routes: Sequence[Route] = (),
) -> str:
    """Serve `page`, with `routes` beside it, and return its address; with `block`, only when it is
    interrupted.

    Raises OSError if the port is taken.
    """
    _, url, _ = page.launch(
        server_name=where.host,
        server_port=where.port,
        share=where.share,
        auth=where.auth,
        prevent_thread_lock=not block,
        quiet=quiet,
        **_appearance(routes),
    )
    return url


def _appearance(routes: Sequence[Route]) -> dict[str, Any]:
    return {
        "theme": gr.themes.Base(font=FONT, font_mono=MONO),
        "css_paths": ASSETS / "dashboard.css",
        "head": f"<script>{(ASSETS / 'dashboard.js').read_text(encoding='utf-8')}</script>",
        "app_kwargs": {"routes": [script_route(), *routes]},
        "footer_links": ["api"],
        "run_history": False,
        "ssr_mode": False,
        "mcp_server": False,
        "enable_monitoring": False,
        "max_file_size": MOST_BYTES,
        "show_error": False,
    }
