"""The addresses of API Gateway's host, resolved again every minute."""

from __future__ import annotations

import asyncio
import socket
from typing import TYPE_CHECKING, Any

from broadcaster.send.errors import GatewayError

if TYPE_CHECKING:
    from collections.abc import Callable

    from broadcaster.send.signing import Endpoint

RESOLVED_SECONDS = 60.0
"""Addresses are resolved again after this many seconds."""

Address = tuple[Any, ...]
"""One address as socket.getaddrinfo gives it: family, kind, protocol, name, and host with port."""


class Addresses:
    """The addresses of one endpoint. ``elapsed`` tells seconds of a clock that also runs while the function is frozen.

    Only IPv4 addresses are used. A function outside of a VPC has no route for IPv6: Lambda has outbound IPv6 in
    dual-stack subnets of a VPC only
    (Ipv6AllowedForDualStack in https://docs.aws.amazon.com/lambda/latest/dg/API_VpcConfig.html).
    """

    def __init__(self, endpoint: Endpoint, elapsed: Callable[[], float]) -> None:
        self._endpoint = endpoint
        self._elapsed = elapsed
        self._resolved_at = float("-inf")
        self.known: list[Address] = []
        """The addresses that were resolved last."""

    async def refresh(self) -> None:
        """Resolve the host again if its addresses are older than ``RESOLVED_SECONDS``.

        If that fails, the known addresses stay in use. Raises GatewayError if none are known.
        """
        if self._elapsed() - self._resolved_at < RESOLVED_SECONDS:
            return
        host, port = self._endpoint.host, self._endpoint.port
        loop = asyncio.get_running_loop()
        try:
            self.known = list(await loop.getaddrinfo(host, port, family=socket.AF_INET, type=socket.SOCK_STREAM))
        except OSError as error:
            if not self.known:
                raise GatewayError(f"The host {host} cannot be found: {error}") from error
        self._resolved_at = self._elapsed()
