"""A MUSE data set of the Hub, read through `datasets` at its revision; never a folder."""

import json
import re
from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path
from typing import Any, cast

from loaders.family import HUB_ID
from loaders.faults import Fault
from metrics.inputs.layout import OPTIONAL, SETS, Table, present_name, require_size

COMMIT = re.compile(r"[0-9a-f]{7,40}")
CONFIGS = ("knowmem", "verbmem", "privleak")


def read_hub(repo: str, revision: str) -> dict[str, Table]:
    """Every table of `repo` by name, downloaded at `revision` or taken from the cache.

    No revision is the newest there is. Where the Hub cannot be asked, a copy that was kept has to
    be of that commit; of a tag or a branch that cannot be known.
    """
    _check_id(repo)
    splits: dict[str, Any] = {}
    for config in CONFIGS:
        builder = _prepared(repo, config, revision)
        revision = str(builder.hash)  # the commit: what comes next has to be of the same one
        splits |= {f"{config}/{split}": rows for split, rows in builder.as_dataset().items()}
    found = {name: present_name(splits, name) for name in (*SETS, *OPTIONAL)}
    for name in SETS:
        if found[name] is None:
            raise Fault(_no_split(repo, name, splits))
    return {
        name: _table(f"{repo}, {called}", splits[called])
        for name, called in found.items()
        if called is not None
    }


def read_split(repo: str, revision: str, config: str, split: str) -> list[dict[str, Any]]:
    """The rows of one split of any config; Faults as `read_hub` has them."""
    _check_id(repo)
    splits = _prepared(repo, config, revision).as_dataset()
    if split not in splits:
        named = {f"{config}/{name}": rows for name, rows in splits.items()}
        raise Fault(_no_split(repo, f"{config}/{split}", named))
    rows: list[dict[str, Any]] = splits[split].to_list()
    return rows


def _check_id(repo: str) -> None:
    if not HUB_ID.fullmatch(repo):
        raise Fault(
            f"The data {repo!r} is neither a Hub id like 'owner/name' nor a folder starting with "
            "'.', '/' or '~'."
        )
    if Path(repo).exists():
        raise Fault(f"{repo} is a folder here and a Hub id as well; write './{repo}' or move it.")


def _prepared(repo: str, config: str, revision: str) -> Any:
    """The builder of one config, downloaded; what goes wrong underneath becomes one Fault."""
    from datasets import load_dataset_builder  # type: ignore[import-untyped]
    from datasets.exceptions import DatasetsError  # type: ignore[import-untyped]
    from huggingface_hub.errors import HfHubHTTPError

    # A download that is cut off raises the HTTP library's own error, whichever library that is.
    transport = cast(type[Exception], HfHubHTTPError.__bases__[0])
    try:
        builder = load_dataset_builder(repo, config, revision=revision or None)
        _check_commit(repo, revision, str(builder.hash))
        builder.download_and_prepare()
    except (DatasetsError, transport, OSError, ValueError, RuntimeError) as error:
        raise Fault(_reason(repo, config, revision, error)) from error
    return builder


def _check_commit(repo: str, revision: str, commit: str) -> None:
    """`datasets` takes the newest copy that it has kept, of whichever revision, without a word."""
    if COMMIT.fullmatch(revision) and not commit.startswith(revision):
        raise Fault(
            f"The data set {repo} could not be downloaded: the Hub did not give revision "
            f"{revision[:8]}, and the copy kept here is of {commit[:8]}. "
            "Check the network, or give a folder."
        )


def _reason(repo: str, config: str, revision: str, error: Exception) -> str:
    said = (str(error).strip() or type(error).__name__).splitlines()[0]
    if "is a gated dataset" in said:
        return f"The data set {repo} is gated; ask for access on its page, then `hf auth login`."
    if said.startswith("Revision"):
        return f"The data set {repo} has no revision {revision!r}; correct 'data_revision'."
    if "doesn't exist on the Hub" in said:
        return (
            f"The data set {repo} is not on the Hub, or it is private; correct 'data', or "
            "`hf auth login`."
        )
    if found := re.search(r"BuilderConfig .* not found\. Available: \[(.*)\]", said):
        return (
            f"The data set {repo} has no config {config!r}, it has {found[1]}; a MUSE data set "
            f"has {', '.join(CONFIGS)}."
        )
    if isinstance(error, ConnectionError) or "LocalEntry" in said or "find cache" in said:
        said = f"the Hub could not be reached, and no copy of its {config} is kept here"
    return (
        f"The data set {repo} could not be downloaded: {said.rstrip('.')}. "
        "Check the name, the revision and the network, or give a folder."
    )


def _no_split(repo: str, name: str, splits: Mapping[str, Any]) -> str:
    config, split = name.split("/")
    there = ", ".join(other.split("/")[1] for other in splits if other.startswith(f"{config}/"))
    return f"The data set {repo} has no split {split!r} in its {config}; it has {there}."


def _table(source: str, rows: Any) -> Table:
    require_size(source, rows.num_rows)
    listed = rows.to_list()
    text = json.dumps(listed, sort_keys=True, default=str)
    return Table(source, tuple(listed), sha256(text.encode()).digest())
