"""A service over HTTP that forgets its connections without a word, as a network does while Lambda has us frozen."""

from __future__ import annotations

import socket
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

from tests.support import serving

if TYPE_CHECKING:
    import ssl
    from collections.abc import Iterator


class ForgettingService:
    """Answers every request with ``{}``. ``opened`` counts connections, ``swallowed`` requests that nobody answers."""

    def __init__(self) -> None:
        self.opened = self.swallowed = 0
        self.url = ""
        self._forgotten = 0
        self._sockets: list[socket.socket] = []

    def forget(self) -> None:
        """Answer nothing more on the connections that are open now, and do not close them."""
        self._forgotten = self.opened

    def open(self, connection: Any) -> int:
        """The number of a connection that was opened."""
        self._sockets.append(connection)
        self.opened += 1
        return self.opened

    def is_forgotten(self, number: int) -> bool:
        """Whether a request came on a connection that was forgotten; it is counted."""
        self.swallowed += number <= self._forgotten
        return number <= self._forgotten

    def end(self) -> None:
        """Close every connection."""
        for each in self._sockets:
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)


@contextmanager
def forgetting_service(tls: ssl.SSLContext | None = None) -> Iterator[ForgettingService]:
    """Such a service on a port of 127.0.0.1 while the block runs."""
    service = ForgettingService()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def setup(self) -> None:
            super().setup()
            self.number = service.open(self.request)

        def do_GET(self) -> None:
            self.do_POST()

        def do_POST(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length", "0")))
            if not service.is_forgotten(self.number):
                self.send_response(200)
                self.send_header("Content-Length", "2")
                self.end_headers()
                self.wfile.write(b"{}")

        def log_message(self, *_: Any) -> None:
            pass

    class Server(ThreadingHTTPServer):
        daemon_threads = False

        def handle_error(self, *_: Any) -> None:
            """A client that closes, or does not trust us, is no error here."""

        def get_request(self) -> Any:
            connection, address = super().get_request()
            return (tls.wrap_socket(connection, server_side=True) if tls is not None else connection), address

    with Server(("127.0.0.1", 0), Handler) as server:
        scheme = "https" if tls is not None else "http"
        service.url = f"{scheme}://localhost:{server.server_address[1]}"
        try:
            with serving(server):
                yield service
        finally:
            service.end()
