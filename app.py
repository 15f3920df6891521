"""The dashboard's command: read the flags, build, launch. Nothing else happens at import."""

import argparse
import os
import socket
import sys
from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from loaders import (
    PRECISIONS,
    Engine,
    Family,
    Fault,
    family_names,
)
from loaders.choices import Place
from loaders.lent import import_lender
from loaders.session import Session, Watch, unwatched
from loaders.trajectory import list_checkpoints, without_earlier
from loaders.usage import STDERR, open_log
from metrics import Data, Results, load_data
from metrics.choosing.sweep import load_sweep
from metrics.choosing.trials import Trial
from metrics.plan import add_choices, add_place, choose_family, choose_place
from metrics.recorded import load_recorded

if TYPE_CHECKING:
    from dashboard.precision.measure import Engines
    from dashboard.trajectory.measure import Trajectory


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the dashboard until it is interrupted. Returns the exit code; 2 for a bad flag."""
    options = flags().parse_args(arguments)
    try:
        serve(options)
    except Fault as fault:
        print(f"app.py: {fault}", file=sys.stderr)
        return 2
    return 0


def flags() -> argparse.ArgumentParser:
    """The command line, as `app.py --help` shows it."""
    parser = argparse.ArgumentParser(
        description="See machine unlearning, four models side by side."
    )
    families = " | ".join([*family_names(), "FILE.toml"])
    parser.add_argument("--family", default="demo", help=f"{families} (default: demo)")
    add_choices(parser)
    parser.add_argument(
        "--precision",
        default="nf4",
        choices=PRECISIONS,
        help="how the weights are held (default: nf4, 4-bit)",
    )
    add_place(parser)
    # A hosted Space says in these two variables where it wants to be served.
    host, number = os.getenv("GRADIO_SERVER_NAME"), os.getenv("GRADIO_SERVER_PORT")
    parser.add_argument(
        "--host", default=host or "127.0.0.1", help="address to serve on (default: 127.0.0.1)"
    )
    parser.add_argument(
        "--port", type=port, default=number or "7860", help="port to serve on (default: 7860)"
    )
    parser.add_argument("--share", action="store_true", help="open a public link through Gradio")
    parser.add_argument(
        "--public",
        action="store_true",
        default=bool(os.getenv("SPACE_ID")),
        help="keep nothing: every visitor's results in memory, for the visit (always on a Space)",
    )
    parser.add_argument(
        "--auth", type=credentials, metavar="USER:PASSWORD", help="ask visitors to log in"
    )
    parser.add_argument(
        "--usage-log",
        nargs="?",
        const=STDERR,
        default=STDERR if os.getenv("SPACE_ID") else None,
        metavar="FILE",
        help="a line of JSON for each piece of work, without prompts, to FILE or to the terminal "
        "(always on a Space)",
    )
    return parser


def port(text: str) -> int:
    """A port number, or argparse's own error with the range."""
    if not text.isdigit() or not 1 <= int(text) <= 65535:
        raise argparse.ArgumentTypeError(f"{text!r} is not a port; choose 1 to 65535")
    return int(text)


def credentials(text: str) -> tuple[str, str]:
    """USER:PASSWORD taken apart at the first colon."""
    user, colon, password = text.partition(":")
    if not (user and colon and password):
        raise argparse.ArgumentTypeError("give it as USER:PASSWORD, neither of them empty")
    return user, password


def serve(options: argparse.Namespace) -> None:
    """Serve the page of a family, then load its models behind it, until interrupted."""
    spaces = import_lender()  # before torch, which it changes
    whole = choose_family(options.family, options.data, options.checkpoints)
    family = without_earlier(whole)
    asked = load_data(family) if options.data else data(family)
    place = choose_place(options)
    require_free(options.host, options.port)
    from dashboard.health import Health
    from dashboard.page import Where, build
    from dashboard.page import serve as open_page
    from dashboard.results.shelves import Shelves
    from dashboard.standin import open_stand_in

    watch = open_log(options.usage_log).metered if options.usage_log else unwatched
    session = opened(family, options.precision, place, watch, spaces)
    tiny = partial(engine, precision=options.precision, place=Place("cpu"))
    stand_in = open_stand_in(family, tiny, watch) if spaces else None
    others = None if spaces else engines(family, place)
    shelves = Shelves(is_public=options.public or options.share)
    stages = None if spaces else trajectory(whole, options.precision, place)
    page = build(
        session, asked, trials(family), recorded(family), others, shelves, stages, stand_in=stand_in
    )
    where = Where(options.host, options.port, options.share, options.auth)
    try:
        open_page(page, where, block=False, routes=[Health(session).route()])
        session.start()
        if stand_in is not None:
            stand_in.session.start()
        page.block_thread()
    except KeyboardInterrupt:
        pass  # it came before the page was waited for, which takes it for the end as well
    finally:
        session.stop()
        shelves.close()


def opened(family: Family, precision: str, place: Place, watch: Watch, spaces: Any) -> Session:
    """The session of the page: it loads behind it, or here and now where `spaces` lends a GPU."""
    if spaces is not None:
        from dashboard.zerogpu import lent_session
        from loaders.lent.opening import open_loaded

        return lent_session(family, open_loaded(family, precision), spaces, watch)
    from dashboard.run import WIDTHS

    return Session(family, partial(engine, family, precision, place), WIDTHS, watch)


def data(family: Family) -> Data | Fault:
    """The family's data, or what is wrong with it: own prompts work without."""
    try:
        return load_data(family)
    except Fault as fault:
        return fault


def trials(family: Family) -> tuple[Trial, ...] | Fault:
    """The family's sweep, empty where it has none, or what is wrong with it."""
    try:
        return load_sweep(family)
    except Fault as fault:
        return fault


def recorded(family: Family) -> Results | Fault | None:
    """The results that ship with the family, None where there are none, or what is wrong."""
    try:
        return load_recorded(family)
    except Fault as fault:
        return fault


def engines(family: Family, place: Place) -> "Engines":
    """How the Precision page gets at engines at other precisions."""
    from dashboard.precision.measure import Engines

    return Engines(offers, lambda precision: engine(family, precision, place))


def trajectory(family: Family, precision: str, place: Place) -> "Trajectory | None":
    """The checkpoints of a family and how the Trajectory page gets at them; None without any."""
    if not list_checkpoints(family):
        return None
    from dashboard.trajectory.measure import Trajectory

    return Trajectory(family, lambda some: engine(some, precision, place))


def offers(device: str) -> dict[str, str | None]:
    """Called in the session's thread, where torch is imported already."""
    from loaders.device import available_precisions

    return available_precisions(device)


def engine(family: Family, precision: str, place: Place) -> Engine:
    """Called in the session's thread: the import brings torch, transformers and bitsandbytes."""
    from loaders.opening import open_engine

    return open_engine(family, precision, place.device, place.context, place.force)


def require_free(host: str, port: int) -> None:
    """A Fault if something else listens on `port` already, or `host` is not ours."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise Fault(
                f"Cannot serve on {host}:{port} ({error.strerror}); choose another --port or "
                "--host, or stop the program that uses it."
            ) from error


if __name__ == "__main__":
    sys.exit(main())
