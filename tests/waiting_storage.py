"""DynamoDB in this process for tests that decide the order of calls (trials/model)."""

from __future__ import annotations

from functools import cache
from typing import Any

from trials.model import storage
from trials.model.cloud import effect


@cache
def waiting_storage() -> tuple[Any, Any]:
    """Two clients of DynamoDB in this process; the calls of the first one wait for their turns."""
    waiting, raw = storage.client(), storage.client()
    call = type(waiting)._make_api_call  # noqa: SLF001
    waiting._make_api_call = lambda name, given: effect(name, lambda: call(waiting, name, given))  # noqa: SLF001
    return waiting, raw
