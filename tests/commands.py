"""A command line, as a process of its own or in this one, where torch is imported already."""

import io
import subprocess
import sys
from collections.abc import Callable, Sequence
from contextlib import redirect_stderr, redirect_stdout

from tests.serving import ROOT

Done = subprocess.CompletedProcess[str]
PATIENCE_SECONDS = 170


def run_process(*words: str, environment: dict[str, str] | None = None) -> Done:
    """`python` with `words`, as a user types it; `environment` is all that it has, or our own."""
    return subprocess.run(
        [sys.executable, *words],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=PATIENCE_SECONDS,
        env=environment,
    )


def run_here(main: Callable[[Sequence[str]], int], *words: str) -> Done:
    """What `main` prints and returns for `words`, without the seconds in which a process starts."""
    with redirect_stdout(io.StringIO()) as out, redirect_stderr(io.StringIO()) as errors:
        try:
            code = main(words)
        except SystemExit as ended:  # how argparse ends
            code = int(ended.code or 0)
    return Done(list(words), code, out.getvalue(), errors.getvalue())
