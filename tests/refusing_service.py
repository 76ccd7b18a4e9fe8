"""A service of AWS that answers every call with one error, on a real socket."""

from __future__ import annotations

import json
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

import boto3
from botocore.config import Config

from devstack.system import ACCOUNT, SECRET
from tests.support import serving

if TYPE_CHECKING:
    from collections.abc import Iterator


class RefusingService(ThreadingHTTPServer):
    """Answers with ``status`` and ``code``, in the shape of AWS's JSON protocols; ``calls`` counts its answers."""

    daemon_threads = True

    def __init__(self, code: str, status: int) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.code, self.status, self.calls = code, status, 0
        self.reasons: list[str] = []
        """Of a canceled transaction: the code of each reason."""

    @property
    def url(self) -> str:
        """Where it is."""
        return f"http://127.0.0.1:{self.server_port}"

    def client(self, service: str, region: str = "eu-west-1") -> Any:
        """A boto3 client of it, with the tries of a function's client."""
        patient = Config(read_timeout=5, retries={"mode": "standard", "total_max_attempts": 5})
        return boto3.client(  # type: ignore[call-overload]
            service, endpoint_url=self.url, region_name=region, config=patient,
            aws_access_key_id=ACCOUNT, aws_secret_access_key=SECRET,
        )  # fmt: skip


class _Handler(BaseHTTPRequestHandler):
    server: RefusingService
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        """Refuse."""
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        server = self.server
        server.calls += 1
        said: dict[str, Any] = {"__type": f"com.amazonaws.test#{server.code}", "message": f"{server.code} for a test"}
        if server.reasons:
            said["CancellationReasons"] = [{"Code": each} for each in server.reasons]
        body = json.dumps(said).encode()
        self.send_response(server.status)
        self.send_header("Content-Type", "application/x-amz-json-1.0")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


@contextmanager
def refusing_service(code: str, status: int = 400) -> Iterator[RefusingService]:
    """A service that answers with this error, as long as this lasts."""
    with RefusingService(code, status) as server, serving(server):
        yield server
