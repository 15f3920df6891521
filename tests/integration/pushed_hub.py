"""A Hub that can be pushed to, on a free port: models by their ids, from memory, as HTTP has it.

Speaks what huggingface_hub's client says without Xet: repos/create, preupload, LFS batch and PUT,
commit, and for reading model info and resolve.
"""

import json
import re
from base64 import b64decode
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from hashlib import sha1, sha256
from typing import Any
from urllib.parse import unquote, urlsplit

from tests.loopback import QuietHandler, running

TOKEN = "hf_a_token_that_may_write"


@dataclass
class Shelf:
    """What the Hub holds: models by id, each commit by its hash with all its files, newest last;
    `private` are those that were created so, `blobs` the large files that were sent, by hash."""

    models: dict[str, dict[str, dict[str, bytes]]] = field(default_factory=dict)
    private: set[str] = field(default_factory=set)
    blobs: dict[str, bytes] = field(default_factory=dict)

    def commit(self, model: str, files: dict[str, bytes]) -> str:
        """Add files to a model; the new commit, or the last one if nothing changed."""
        commits = self.models.setdefault(model, {})
        last = next(reversed(commits), "")
        whole = {**commits.get(last, {}), **files}
        if last and whole == commits[last]:
            return last
        name = sha1(f"{model}{len(commits)}".encode()).hexdigest()
        commits[name] = whole
        return name


@contextmanager
def running_shelf(shelf: Shelf) -> Iterator[str]:
    """Serve `shelf`; yields the address for HF_ENDPOINT."""
    handler = type("Handler", (_Handler,), {"shelf": shelf})
    with running(handler) as address:
        yield address


class _Handler(QuietHandler):
    shelf: Shelf

    def do_GET(self) -> None:
        path = unquote(urlsplit(self.path).path)
        if found := re.fullmatch(r"/api/models/([^/]+/[^/]+)(?:/(revision|tree)/(.+))?", path):
            self._describe(*found.groups(default=""))
        elif found := re.fullmatch(r"/([^/]+/[^/]+)/resolve/([^/]+)/(.+)", path):
            self._resolve(*found.groups())
        else:
            self._reply(404)

    do_HEAD = do_GET

    def do_PUT(self) -> None:
        body = self._body()
        self.shelf.blobs[sha256(body).hexdigest()] = body
        self._reply(200)

    def do_POST(self) -> None:
        path, body = unquote(urlsplit(self.path).path), self._body()
        if path == "/api/validate-yaml":
            self._send({"errors": [], "warnings": []})
        elif self.headers.get("authorization") != f"Bearer {TOKEN}":
            self._reply(403)
        elif path == "/api/repos/create":
            self._create(json.loads(body))
        elif found := re.fullmatch(r"/api/models/([^/]+/[^/]+)/preupload/main", path):
            self._send({"files": [_mode(file) for file in json.loads(body)["files"]]})
        elif path.endswith(".git/info/lfs/objects/batch"):
            self._send({"objects": [self._wanted(one) for one in json.loads(body)["objects"]]})
        elif found := re.fullmatch(r"/api/models/([^/]+/[^/]+)/commit/main", path):
            self._commit(found[1], [json.loads(line) for line in body.splitlines()])
        else:
            self._reply(404)

    def _create(self, asked: dict[str, Any]) -> None:
        model = f"{asked['organization']}/{asked['name']}"
        if asked.get("visibility") == "private":
            self.shelf.private.add(model)
        self.shelf.commit(model, {".gitattributes": b"*.safetensors filter=lfs\n"})
        self._send({"url": f"{self._address}/{model}", "id": model})

    def _wanted(self, one: dict[str, Any]) -> dict[str, Any]:
        """A large file that is here already is not asked for."""
        href = f"{self._address}/upload/{one['oid']}"
        known = one["oid"] in self.shelf.blobs
        return one | ({} if known else {"actions": {"upload": {"href": href}}})

    def _commit(self, model: str, lines: list[dict[str, Any]]) -> None:
        files = {}
        for line in lines:
            value = line["value"]
            if line["key"] == "file":
                files[value["path"]] = b64decode(value["content"])
            elif line["key"] == "lfsFile":
                files[value["path"]] = self.shelf.blobs[value["oid"]]
        commit = self.shelf.commit(model, files)
        url = f"{self._address}/{model}/commit/{commit}"
        self._send({"success": True, "commitUrl": url, "commitOid": commit, "hookOutput": ""})

    def _describe(self, model: str, kind: str, revision: str) -> None:
        commit, files = self._find(model, revision.split("/")[0])
        if not commit:
            self._reply(404, error="RepoNotFound" if not files else "RevisionNotFound")
        elif kind == "tree":
            self._send([_entry(name, content) for name, content in files.items()])
        else:
            siblings = [{"rfilename": name, "size": len(files[name])} for name in files]
            card = {"license": "mit"}
            self._send({"id": model, "sha": commit, "siblings": siblings, "cardData": card})

    def _resolve(self, model: str, revision: str, name: str) -> None:
        commit, files = self._find(model, revision)
        if name in files:
            self._reply(200, files[name], commit)
        else:
            self._reply(404, commit=commit, error="EntryNotFound" if commit else "RepoNotFound")

    def _find(self, model: str, revision: str) -> tuple[str, dict[str, bytes]]:
        commits = self.shelf.models.get(model, {})
        commit = next(reversed(commits), "") if revision in ("", "main") else revision
        return (commit, commits[commit]) if commit in commits else ("", {})

    @property
    def _address(self) -> str:
        return f"http://{self.headers['host']}"

    def _body(self) -> bytes:
        return self.rfile.read(int(self.headers.get("content-length", 0)))

    def _send(self, answer: Any) -> None:
        self._reply(200, json.dumps(answer).encode(), kind="application/json")

    def _reply(
        self, status: int, body: bytes = b"", commit: str = "", error: str = "", kind: str = ""
    ) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("ETag", f'"{sha256(body).hexdigest()}"')
        for name, value in (
            ("X-Repo-Commit", commit),
            ("X-Error-Code", error),
            ("Content-Type", kind),
        ):
            if value:
                self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)


def _mode(file: dict[str, Any]) -> dict[str, Any]:
    mode = "lfs" if file["path"].endswith(".safetensors") else "regular"
    return {"path": file["path"], "uploadMode": mode, "shouldIgnore": False, "oid": None}


def _entry(name: str, content: bytes) -> dict[str, Any]:
    return {"type": "file", "path": name, "size": len(content), "oid": sha1(content).hexdigest()}
