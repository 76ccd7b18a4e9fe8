"""Pure: reads the handshake of a WebSocket as API Gateway hands it to functions."""

from __future__ import annotations

from typing import Any


def header(event: dict[str, Any], wanted: str) -> str | None:
    """The value of a header, given its name in lower case; None without it. Several values are joined by commas.

    ``headers`` has only the last value of each header. It is read only if the event has no ``multiValueHeaders``.
    """
    every = event.get("multiValueHeaders")
    if every is None:
        every = {name: [value] for name, value in (event.get("headers") or {}).items()}
    found = [value for name, values in every.items() if name.lower() == wanted for value in values]
    return ",".join(found) if found else None


def subprotocols(event: dict[str, Any]) -> list[str]:
    """The subprotocols that the viewer offers, in order; empty without any."""
    offered = header(event, "sec-websocket-protocol")
    return [] if offered is None else [each.strip() for each in offered.split(",")]
