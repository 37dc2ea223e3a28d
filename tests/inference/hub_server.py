"""A stand-in for the Hugging Face Hub: repositories in memory, as its library speaks to them."""

from __future__ import annotations

import base64
import hashlib
import json
import re
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import unquote

COMMIT = "0123456789abcdef0123456789abcdef01234567"


@dataclass
class Hub:
    """What the server holds.

    Attributes:
        files: content by repository and name.
        private: repositories that were created for nobody else.
        requests: method and path of each request.
    """

    files: dict[str, dict[str, bytes]] = field(default_factory=dict)
    private: dict[str, bool] = field(default_factory=dict)
    requests: list[str] = field(default_factory=list)


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    @property
    def hub(self) -> Hub:
        hub: Hub = getattr(self.server, "hub")  # noqa: B009 - no attribute of the type
        return hub

    def do_HEAD(self) -> None:
        self._give()

    def do_GET(self) -> None:
        self._give()

    def do_POST(self) -> None:
        path = self._path()
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        if path == "/api/repos/create":
            asked = json.loads(body)
            name = "/".join(filter(None, (asked.get("organization"), asked["name"])))
            name = name if "/" in name else f"user/{name}"
            self.hub.files.setdefault(name, {})
            self.hub.private[name] = asked.get("visibility") == "private"
            self._answer({"url": f"https://huggingface.co/{name}", "name": name})
        elif "/preupload/" in path:
            files = [
                {"path": file["path"], "uploadMode": "regular", "shouldIgnore": False}
                for file in json.loads(body)["files"]
            ]
            self._answer({"files": files})
        elif match := re.fullmatch(r"/api/models/([^/]+/[^/]+)/commit/\w+", path):
            for line in body.splitlines():
                entry = json.loads(line)
                if entry["key"] == "file":
                    content = base64.b64decode(entry["value"]["content"])
                    self.hub.files[match[1]][entry["value"]["path"]] = content
            self._answer(
                {
                    "commitUrl": f"https://huggingface.co/{match[1]}/commit/{COMMIT}",
                    "commitOid": COMMIT,
                }
            )
        else:
            self._answer({}, 200 if path == "/api/validate-yaml" else 404)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        pass

    def _path(self) -> str:
        path = unquote(self.path.partition("?")[0])
        self.hub.requests.append(f"{self.command} {path}")
        return path

    def _give(self) -> None:
        path = self._path()
        about = re.fullmatch(r"/api/models/([^/]+/[^/]+)(?:/revision/\w+)?", path)
        file = re.fullmatch(r"/([^/]+/[^/]+)/resolve/(\w+)/(.+)", path)
        if about and about[1] in self.hub.files:
            siblings = [
                {"rfilename": name, "size": len(content)}
                for name, content in self.hub.files[about[1]].items()
            ]
            self._answer({"id": about[1], "sha": COMMIT, "siblings": siblings, "tags": []})
        elif file and (content := self.hub.files.get(file[1], {}).get(file[3])) is not None:
            tag = hashlib.sha1(content, usedforsecurity=False).hexdigest()
            self._send(content, 200, {"ETag": f'"{tag}"', "X-Repo-Commit": COMMIT})
        else:
            self._answer({"error": "Repository not found"}, 404, {"X-Error-Code": "RepoNotFound"})

    def _answer(self, value: Any, code: int = 200, headers: dict[str, str] | None = None) -> None:
        kind = {"Content-Type": "application/json"}
        self._send(json.dumps(value).encode(), code, {**kind, **(headers or {})})

    def _send(self, body: bytes, code: int, headers: dict[str, str]) -> None:
        self.send_response(code)
        for name, value in {**headers, "Content-Length": str(len(body))}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)


class HubServer:
    """The server, as long as the block lasts."""

    def __init__(self) -> None:
        self.hub = Hub()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.hub = self.hub  # type: ignore[attr-defined]
        self.address = f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> HubServer:
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
