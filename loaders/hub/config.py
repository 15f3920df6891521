"""The config.json of a model on the Hub, before anything else of it is here; nothing is kept."""

import json
from typing import Any

from huggingface_hub import get_session, hf_hub_url
from huggingface_hub.utils import (  # type: ignore[attr-defined]
    build_hf_headers,
    hf_raise_for_status,
)

from loaders.checkpoint import is_commit
from loaders.hub.kept import kept_commit, snapshot
from loaders.hub.refusals import FAILURES, Asked, as_fault

NAME = "config.json"
SECONDS = 10.0  # that the Hub may take for its answer


def peek_config(repo: str, revision: str) -> dict[str, Any]:
    """What the config says: that which is kept here, or the Hub's, asked once and not waited for.

    A Fault where it cannot be had now: loading the model has the patience to wait for it.
    """
    commit = revision if is_commit(revision) else kept_commit(repo, revision or "main")
    path = snapshot(repo, commit) / NAME
    if commit and path.is_file():
        return dict(json.loads(path.read_text(encoding="utf-8")))
    url = hf_hub_url(repo, NAME, revision=revision or None)
    try:
        answer = get_session().get(url, headers=build_hf_headers(), timeout=SECONDS)
        hf_raise_for_status(answer)
        return dict(answer.json())
    except FAILURES as error:
        raise as_fault(Asked(repo, revision or "main"), error) from error
