"""A folder to the Hub, with a token from the environment alone, which is never shown or stored."""

import os
from pathlib import Path

from huggingface_hub import HfApi

from loaders.faults import Fault
from loaders.hub.refusals import HTTPError

TOKEN = "HF_TOKEN"


def require_token() -> str:
    """The token that may write; a Fault where the environment has none."""
    if token := os.environ.get(TOKEN, "").strip():
        return token
    raise Fault(f"--push-to needs a token that may write; put it into the environment as {TOKEN}.")


def push(folder: Path, repo: str, token: str, is_public: bool) -> str:
    """Put all files of `folder` into the Hub's `repo`, made private if it is new and not
    `is_public`; the commit they are in then. A folder that is there already is not sent again."""
    hub = HfApi(token=token)
    try:
        hub.create_repo(repo, private=not is_public, exist_ok=True)
        message = "NF4 weights, verified against a fresh quantization"
        pushed = hub.upload_folder(repo_id=repo, folder_path=folder, commit_message=message)
    # RuntimeError is what the client makes of a large file that cannot be sent.
    except (HTTPError, RuntimeError, ValueError) as error:
        cause = error.__cause__ if isinstance(error, RuntimeError) and error.__cause__ else error
        reason = str(cause).strip().splitlines()[0].replace(token, "…")
        raise Fault(f"{folder} cannot be pushed to {repo}: {reason}") from error
    return str(pushed.oid)
