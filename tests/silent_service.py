"""A service that takes connections and never answers, on a real socket."""

from __future__ import annotations

import selectors
import socket
import threading
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

import boto3
from botocore.config import Config

from devstack.system import ACCOUNT, SECRET

if TYPE_CHECKING:
    from collections.abc import Iterator


class SilentService:
    """Listens on a port of 127.0.0.1. ``calls`` are the connections that it took, ``waiting`` those still open."""

    def __init__(self) -> None:
        self.calls = self.waiting = 0
        self._ended = False
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._selector = selectors.DefaultSelector()
        self._selector.register(self._listener, selectors.EVENT_READ)
        self._open: set[socket.socket] = set()
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()

    @property
    def url(self) -> str:
        """Where it is."""
        return f"http://127.0.0.1:{self._listener.getsockname()[1]}"

    def client(self, service: str, seconds: int = 60) -> Any:
        """A boto3 client that waits for so long here, once."""
        patient = Config(read_timeout=seconds, retries={"total_max_attempts": 1})
        return boto3.client(  # type: ignore[call-overload]
            service, endpoint_url=self.url, region_name="eu-west-1", config=patient,
            aws_access_key_id=ACCOUNT, aws_secret_access_key=SECRET,
        )  # fmt: skip

    def close(self) -> None:
        """End it, and with it the calls that wait."""
        self._ended = True
        with suppress(OSError):
            socket.create_connection(self._listener.getsockname()).close()
        self._thread.join()

    def _serve(self) -> None:
        while not self._ended:
            for key, _ in self._selector.select():
                if key.fileobj is self._listener:
                    connection, _ = self._listener.accept()
                    self._selector.register(connection, selectors.EVENT_READ)
                    self._open.add(connection)
                    self.calls += 1
                else:
                    self._read(key.fileobj)
            self.waiting = len(self._open)
        for each in (*self._open, self._listener):
            each.close()
        self._selector.close()

    def _read(self, connection: Any) -> None:
        try:
            given = connection.recv(65536)
        except OSError:
            given = b""
        if not given:
            self._selector.unregister(connection)
            self._open.discard(connection)
            connection.close()


@contextmanager
def silent_service() -> Iterator[SilentService]:
    """A service that never answers, as long as this lasts."""
    made = SilentService()
    try:
        yield made
    finally:
        made.close()
