"""A Hub of one's own on a free port: what `datasets` asks the real one for, from memory."""

import io
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import pandas


@dataclass(frozen=True)
class Repo:
    """Commit to file to content, the newest commit last. `refusal` is the Hub's error code."""

    commits: dict[str, dict[str, bytes]] = field(default_factory=dict)
    refusal: str = ""
    cut: bool = False


@contextmanager
def running_hub(repos: dict[str, Repo]) -> Iterator[str]:
    """Serve data sets by their ids; yields the address for HF_ENDPOINT."""
    handler = type("Handler", (_Handler,), {"repos": repos})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


def as_files(tables: dict[str, list[Any]]) -> dict[str, bytes]:
    """Tables as they lie on the Hub: a parquet file for each, and a card that names the configs."""
    files = {}
    for name, rows in tables.items():
        named = [{"text": row} if isinstance(row, str) else row for row in rows]
        buffer = io.BytesIO()
        pandas.DataFrame(named).to_parquet(buffer)
        files[f"{name}-00000-of-00001.parquet"] = buffer.getvalue()
    return files | {"README.md": _card(tables).encode()}


def _card(tables: dict[str, list[Any]]) -> str:
    lines = ["---", "configs:"]
    for config in dict.fromkeys(name.split("/")[0] for name in tables):
        lines += [f"- config_name: {config}", "  data_files:"]
        for name in tables:
            if name.startswith(f"{config}/"):
                lines += [f"  - split: {name.split('/')[1]}", f"    path: {name}-*"]
    return "\n".join([*lines, "---", ""])


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    repos: dict[str, Repo]

    def log_message(self, *_: object) -> None:
        """Nothing: what a test says is enough."""

    def do_GET(self) -> None:
        self._answer([])

    do_HEAD = do_GET

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        asked = json.loads(body) if body.startswith("{") else parse_qs(body)
        self._answer(asked.get("paths", []))

    def _answer(self, asked: list[str]) -> None:
        """`/datasets/OWNER/NAME/resolve/REVISION/FILE`, `/api/datasets/OWNER/NAME/KIND/REVISION`"""
        parts = unquote(urlsplit(self.path).path).strip("/").removeprefix("api/").split("/")
        repo = self.repos.get("/".join(parts[1:3]), Repo(refusal="RepoNotFound"))
        kind, revision = [*parts[3:5], "revision", "main"][:2]
        commit = next(reversed(repo.commits), "") if revision == "main" else revision
        if repo.refusal:
            self._reply(401, error=repo.refusal)
        elif commit not in repo.commits:
            self._reply(404, error="RevisionNotFound")
        elif kind == "resolve":
            self._file(repo, commit, "/".join(parts[5:]))
        else:
            listed = _listed(repo.commits[commit], kind, "/".join(parts[5:]), asked)
            answer = {"id": "/".join(parts[1:3]), "sha": commit, "siblings": []}
            self._reply(200, json.dumps(answer if kind == "revision" else listed).encode(), commit)

    def _file(self, repo: Repo, commit: str, name: str) -> None:
        content = repo.commits[commit].get(name)
        if content is None:
            self._reply(404, commit=commit, error="EntryNotFound")
        else:
            self._reply(200, content, commit, cut=repo.cut and name.endswith(".parquet"))

    def _reply(
        self, status: int, body: bytes = b"", commit: str = "", error: str = "", cut: bool = False
    ) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("ETag", f'"{sha256(body).hexdigest()}"')
        self.send_header("X-Repo-Commit", commit)
        if error:
            self.send_header("X-Error-Code", error)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body[: len(body) // 2] if cut else body)
            self.close_connection = cut


def _listed(
    files: dict[str, bytes], kind: str, folder: str, asked: list[str]
) -> list[dict[str, Any]]:
    """Files and folders right inside `folder`, or those that were asked for by their paths."""
    paths = {name for file in files for name in (file, file.rpartition("/")[0]) if name}
    if kind == "tree":
        chosen = [path for path in paths if path.rpartition("/")[0] == folder]
    else:
        chosen = [path for path in paths if path in asked]
    return [
        {"path": path, "oid": "0" * 40}
        | ({"type": "file", "size": len(files[path])} if path in files else {"type": "directory"})
        for path in sorted(chosen)
    ]
