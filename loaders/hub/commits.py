"""Which commit a branch or tag is, asked for once in a process, so that a run has one model.

What the Hub says is remembered, never changed: a model that is loaded stays what it was.
"""

import re
import threading

from loaders.hub.kept import kept_commit
from loaders.hub.listing import list_files
from loaders.hub.refusals import FAILURES

COMMIT = re.compile(r"[0-9a-f]{40}")

_KNOWN: dict[tuple[str, str], str] = {}
_LOCK = threading.Lock()


def is_commit(revision: str) -> bool:
    """Whether a revision is a commit already, which names the same files forever."""
    return bool(COMMIT.fullmatch(revision))


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
