"""An HTTP server whose answers a test chooses one by one."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Self

import pytest
from pytest_socket import enable_socket, socket_allow_hosts

from genrecls.datasets.download import http

Answer = Callable[["Handler"], None]


def reach_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the test reach this machine, and nothing else; no proxy stands in between."""
    enable_socket()
    socket_allow_hosts(["127.0.0.1"], allow_unix_socket=True)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setattr(http, "_PAUSE", 0.0)


class Handler(BaseHTTPRequestHandler):
    """Gives each request the next answer for its path; the last one stays."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        owner = getattr(self.server, "owner")  # noqa: B009 - no attribute of the type
        owner.requests.append((self.path, self.headers.get("Range")))
        answers = owner.answers.get(self.path, [status(404)])
        answer = answers.pop(0) if len(answers) > 1 else answers[0]
        try:
            answer(self)
        except (BrokenPipeError, ConnectionResetError):
            self.close_connection = True

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        pass

    def send(self, code: int, body: bytes, declared: int | None = None, **headers: str) -> None:
        """Send `body` under a length that may be a lie, and hang up."""
        self.send_response(code)
        self.send_header("Content-Length", str(len(body) if declared is None else declared))
        self.send_header("Connection", "close")
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(body)
        self.close_connection = True


def whole(body: bytes, tag: str | None = '"1"', kind: str = "application/octet-stream") -> Answer:
    """The file, or the asked part of it, as a good server gives them."""

    def answer(handler: Handler) -> None:
        headers = {"Content_Type": kind} | ({"ETag": tag} if tag else {})
        found = re.fullmatch(r"bytes=(\d+)-", handler.headers.get("Range", ""))
        if found and tag and handler.headers.get("If-Range") == tag:
            start = int(found[1])
            place = f"bytes {start}-{len(body) - 1}/{len(body)}"
            handler.send(206, body[start:], None, Content_Range=place, **headers)
        else:
            handler.send(200, body, None, **headers)

    return answer


def chunked(body: bytes, *, ended: bool = True) -> Answer:
    """The file without its length, in pieces; perhaps without the mark of its end."""

    def answer(handler: Handler) -> None:
        handler.send_response(200)
        handler.send_header("Transfer-Encoding", "chunked")
        handler.end_headers()
        for piece in (body[:300_000], body[300_000:]):
            handler.wfile.write(b"%x\r\n%b\r\n" % (len(piece), piece))
        handler.wfile.write(b"0\r\n\r\n" if ended else b"")
        handler.close_connection = True

    return answer


def cut(body: bytes, after: int, tag: str | None = '"1"') -> Answer:
    """The file from its beginning, ended after some bytes."""

    def answer(handler: Handler) -> None:
        headers = {"ETag": tag} if tag else {}
        handler.send(200, body[:after], len(body), **headers)

    return answer


def rest(body: bytes, start: int, shown: int, tag: str = '"1"') -> Answer:
    """A part from `start` that claims to be from `shown`."""

    def answer(handler: Handler) -> None:
        place = f"bytes {shown}-{len(body) - 1}/{len(body)}"
        handler.send(206, body[start:], None, Content_Range=place, ETag=tag)

    return answer


def plain(sent: bytes) -> Answer:
    """Exactly these bytes, headers included, and then nothing."""

    def answer(handler: Handler) -> None:
        handler.close_connection = True
        handler.wfile.write(sent)

    return answer


def endless(beginning: bytes, piece: bytes, pause: float = 0.0) -> Answer:
    """A beginning, and then a piece again and again until nobody listens or the server stops."""

    def answer(handler: Handler) -> None:
        handler.close_connection = True
        handler.wfile.write(beginning)
        owner = getattr(handler.server, "owner")  # noqa: B009 - no attribute of the type
        while not owner.ended.wait(pause):
            handler.wfile.write(piece)

    return answer


def status(code: int, body: bytes = b"<html>no</html>") -> Answer:
    return lambda handler: handler.send(code, body, None, Content_Type="text/html")


@dataclass
class Server:
    """A running server.

    Attributes:
        answers: for each path what is answered in turn.
        requests: path and range of what was asked.
        ended: set when the server is to stop.
    """

    answers: dict[str, list[Answer]] = field(default_factory=dict)
    requests: list[tuple[str, str | None]] = field(default_factory=list)
    ended: threading.Event = field(default_factory=threading.Event)

    def __enter__(self) -> Self:
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._server.owner = self  # type: ignore[attr-defined]
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,))
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.ended.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def gives(self, path: str, *answers: Answer) -> str:
        """Answer requests for `path` so; return the address."""
        self.answers[path] = list(answers)
        return f"http://127.0.0.1:{self._server.server_port}{path}"

    @property
    def ranges(self) -> list[str | None]:
        return [asked for _, asked in self.requests]
