"""What tests of every part share."""

from __future__ import annotations

import os

import pytest


def needs(what: str, there: object) -> None:
    """Skip where something is missing that a user need not have; in CI it must be there."""
    if there:
        return
    if os.environ.get("CI"):
        pytest.fail(f"{what} is missing, and CI must have it")
    pytest.skip(f"{what} is missing")
