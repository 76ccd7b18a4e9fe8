"""A service over HTTP on a real socket of this machine: it keeps what it was sent, and answers as the test says."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

from tests.support import serving

if TYPE_CHECKING:
    from collections.abc import Iterator


@dataclass(frozen=True)
class Request:
    """A request as it came over the wire. Names of headers are in small letters."""

    method: str
    target: str
    headers: dict[str, str]
    body: bytes


class HttpService(ThreadingHTTPServer):
    """``requests`` are in order. ``answers`` are used up one by one; the last one stays."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.requests: list[Request] = []
        self.answers: list[tuple[int, bytes, dict[str, str]]] = [(200, b"{}", {})]

    def say(self, *answers: tuple[int, bytes] | tuple[int, bytes, dict[str, str]]) -> None:
        """The next answers: status, body, and headers."""
        self.answers = [(each[0], each[1], each[2] if len(each) == 3 else {}) for each in answers]

    @property
    def url(self) -> str:
        """Its URL, without a path."""
        return f"http://127.0.0.1:{self.server_port}"


class _Handler(BaseHTTPRequestHandler):
    server: HttpService
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        """Keep the request and give the next answer."""
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        headers = {name.lower(): value for name, value in self.headers.items()}
        self.server.requests.append(Request(self.command, self.path, headers, body))
        answers = self.server.answers
        status, answer, more = answers.pop(0) if len(answers) > 1 else answers[0]
        self.send_response(status)
        for name, value in {"Content-Length": str(len(answer)), **more}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


@contextmanager
def http_service() -> Iterator[HttpService]:
    """Such a service, while the block runs."""
    with HttpService() as server, serving(server):
        yield server
