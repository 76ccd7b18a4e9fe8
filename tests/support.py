"""What tests of every part share."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

FROM_A_PAGE = [
    {"Origin": "https://evil.example"},
    {"Origin": "null"},
    {"Origin": "http://127.0.0.1:4580"},
    {"Sec-Fetch-Site": "cross-site"},
    {"Sec-Fetch-Site": "none"},
    {"Host": "evil.example"},
]
"""Headers that only a browser sends to a port of this machine, each for a page of its own."""


def needs(what: str, there: object) -> None:
    """Skip where something is missing that a user need not have; in CI it must be there."""
    if there:
        return
    if os.environ.get("CI"):
        pytest.fail(f"{what} is missing, and CI must have it")
    pytest.skip(f"{what} is missing")


def processes(port: int) -> list[str]:
    """Processes that belong to the stack on a port: it is in the environment of each."""
    found = []
    for environ in Path("/proc").glob("[0-9]*/environ"):
        try:
            if f"\0GATEWAY_PORT={port}\0".encode() in b"\0" + environ.read_bytes():
                found.append(environ.parent.name)
        except OSError:
            continue
    return found
