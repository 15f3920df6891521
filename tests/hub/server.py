"""A Hub of one's own on a free port: what `datasets`, `transformers` and the project ask of it.

Large files are given out by a server of another name, as on the Hub: by a redirect, with ETag and
ranges.
"""

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import parse_qs, quote, unquote, urlsplit

from tests.hub.repos import LARGE, Hub, Repo, Seen, Trouble, etag, sibling
from tests.loopback import QuietHandler, running

PIECE = 2**16
CDN = "localhost"  # the Hub itself is 127.0.0.1: a token is not for both


@contextmanager
def running_hub(hub: Hub) -> Iterator[str]:
    """Serve `hub`; yields the address for HF_ENDPOINT."""
    handler = type("Handler", (_Handler,), {"hub": hub})
    with running(handler) as address:
        yield address


class _Handler(QuietHandler):
    hub: Hub

    def do_GET(self) -> None:
        self._answer([])

    do_HEAD = do_GET

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        asked = json.loads(body) if body.startswith("{") else parse_qs(body)
        self._answer(asked.get("paths", []))

    def _answer(self, asked: list[str]) -> None:
        path = unquote(urlsplit(self.path).path)
        token = self.headers.get("authorization", "")
        self.hub.seen.append(Seen(self.command, path, self.headers.get("range", ""), token))
        trouble = self.hub.trouble(path)
        if trouble is not None and trouble.status:
            self._refuse(trouble.status, trouble.code, wait=trouble.wait)
        elif path.startswith("/cdn/"):
            _, owner, name, commit, *rest = path.strip("/").split("/")
            content = self.hub.repos[f"{owner}/{name}"].commits[commit]["/".join(rest)]
            self._body(content, trouble)
        else:
            self._repo(path, asked, trouble)

    def _repo(self, path: str, asked: list[str], trouble: Trouble | None) -> None:
        """`[/api][/models|/datasets]/OWNER/NAME[/KIND[/REVISION[/FILE]]]`"""
        parts = path.strip("/").removeprefix("api/").split("/")
        if parts[0] in ("models", "datasets"):
            parts = parts[1:]
        repo = self.hub.repos.get("/".join(parts[:2]), Repo(refusal="RepoNotFound"))
        kind, revision = (
            [*parts[2:4], "revision", "main"][:2] if parts[2:] else ["revision", "main"]
        )
        commit = repo.commit_of(revision)
        if repo.refusal:
            self._refuse(401, repo.refusal)
        elif not commit:
            self._refuse(404, "RevisionNotFound")
        elif kind == "resolve":
            self._file("/".join(parts[:2]), commit, "/".join(parts[4:]), trouble)
        else:
            answer = _info(repo, "/".join(parts[:2]), commit)
            listed = _listed(repo.commits[commit], kind, "/".join(parts[4:]), asked)
            said = json.dumps(answer if kind == "revision" else listed).encode()
            self._body(said, None, {"X-Repo-Commit": commit})

    def _file(self, repo: str, commit: str, name: str, trouble: Trouble | None) -> None:
        held = self.hub.repos[repo]
        content = held.commits[commit].get(name)
        if content is None:
            self._refuse(404, "EntryNotFound", commit)
        elif held.gated and "authorization" not in self.headers:
            self._refuse(401, "GatedRepo")
        elif name.endswith(LARGE):
            self._redirect(repo, commit, name, content)
        else:
            if held.cut and name.endswith(".parquet"):
                trouble = Trouble(name, cut=len(content) // 2)
            headers = {"X-Repo-Commit": commit, "ETag": f'"{etag(name, content)}"'}
            self._body(content, trouble, headers)

    def _redirect(self, repo: str, commit: str, name: str, content: bytes) -> None:
        port = self.server.server_address[1]
        self.send_response(302)
        for header, value in {
            "Location": f"http://{CDN}:{port}/cdn/{repo}/{commit}/{quote(name)}?signature=secret",
            "X-Repo-Commit": commit,
            "X-Linked-Etag": f'"{etag(name, content)}"',
            "X-Linked-Size": str(len(content)),
            "Content-Length": "0",
        }.items():
            self.send_header(header, value)
        self.end_headers()

    def _refuse(self, status: int, code: str, commit: str = "", wait: int = 0) -> None:
        self.send_response(status)
        self.send_header("Content-Length", "0")
        if code:
            self.send_header("X-Error-Code", code)
        if commit:
            self.send_header("X-Repo-Commit", commit)
        if wait:
            self.send_header("Retry-After", str(wait))
        self.end_headers()

    def _body(
        self, content: bytes, trouble: Trouble | None, headers: dict[str, str] | None = None
    ) -> None:
        """The content from where it is asked for, or what trouble makes of it."""
        trouble = trouble or Trouble("")
        if trouble.short:
            content = content[: -trouble.short]
        if trouble.damaged:
            content = bytes(64) + content[64:]
        first = int(self.headers.get("range", "bytes=0-").removeprefix("bytes=").split("-")[0])
        if first >= len(content) and first:
            self._refuse(416, "")
            return
        self.send_response(206 if "range" in self.headers else 200)
        self.send_header("Content-Length", str(len(content) - first))
        self.send_header("Accept-Ranges", "bytes")
        if "range" in self.headers:
            span = f"bytes {first}-{len(content) - 1}/{len(content)}"
            self.send_header("Content-Range", span)
        for header, value in (headers or {}).items():
            self.send_header(header, value)
        self.end_headers()
        if self.command != "HEAD":
            self._send(content[first:], trouble)

    def _send(self, content: bytes, trouble: Trouble) -> None:
        if trouble.cut:
            content, self.close_connection = content[: trouble.cut], True
        for start in range(0, len(content), PIECE):
            self.wfile.write(content[start : start + PIECE])
            time.sleep(trouble.pause)


def _info(repo: Repo, name: str, commit: str) -> dict[str, Any]:
    files = repo.commits[commit]
    siblings = [sibling(file, content) for file, content in files.items()]
    gated = "manual" if repo.gated else False
    return {"id": name, "sha": commit, "siblings": siblings, "gated": gated, "private": False}


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
