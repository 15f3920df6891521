"""Which commit a branch or tag is, asked for once in a process, so that a run has one model.

What the Hub says is remembered, never changed: a model that is loaded stays what it was.
"""

import threading

from loaders.checkpoint import is_commit
from loaders.hub.kept import kept_commit
from loaders.hub.listing import list_files
from loaders.hub.refusals import FAILURES

_KNOWN: dict[tuple[str, str], str] = {}
_LOCK = threading.Lock()


def resolve(repo: str, revision: str) -> str:
    """The commit of `revision`; where the Hub cannot be asked, that of the copy that is kept.

    Raises what the client raises where there is neither.
    """
    if is_commit(revision):
        return revision
    branch = revision or "main"
    with _LOCK:
        if (known := _KNOWN.get((repo, branch))) is not None:
            return known
    try:
        commit = list_files(repo, branch).commit
    except FAILURES:
        if not (commit := kept_commit(repo, branch)):
            raise
    with _LOCK:
        return _KNOWN.setdefault((repo, branch), commit)


def commit_or_revision(repo: str, revision: str) -> str:
    """`resolve`, and the revision itself where nobody can say which commit it is."""
    try:
        return resolve(repo, revision)
    except FAILURES:
        return revision


def forget(repo: str, revision: str) -> None:
    """Ask again the next time: the model is to be loaded anew, and its branch may have moved."""
    with _LOCK:
        _KNOWN.pop((repo, revision or "main"), None)
