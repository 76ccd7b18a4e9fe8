"""Pure: reads the handshake of a WebSocket as API Gateway hands it to functions."""

from __future__ import annotations

from typing import Any


def header(event: dict[str, Any], wanted: str) -> str | None:
    """A header by its name in small letters, however it is written and however often it comes; None if it does not.

    ``headers`` has but one value of each, the last, and is only read where there is no ``multiValueHeaders``.
    """
    every = event.get("multiValueHeaders")
    if every is None:
        every = {name: [value] for name, value in (event.get("headers") or {}).items()}
    found = [value for name, values in every.items() if name.lower() == wanted for value in values]
    return ",".join(found) if found else None
