"""MiniStack's DynamoDB in this process: its code answers botocore's requests without a socket.

A call takes 0.4 ms instead of 3 ms, and nothing happens between calls.
"""

from __future__ import annotations

import importlib
import importlib.util
import sys
from functools import cache
from typing import TYPE_CHECKING, Any

import boto3
from botocore.awsrequest import AWSResponse
from botocore.config import Config

from devstack import tables
from devstack.stack.ministack import environment
from devstack.system import ACCOUNT, REGION, SECRET

if TYPE_CHECKING:
    from collections.abc import Iterator

    from devstack.system import System


class _Body:
    """An answer's body as botocore reads it from urllib3."""

    def __init__(self, data: bytes) -> None:
        self._data = data

    def stream(self, *_: Any, **__: Any) -> Iterator[bytes]:
        yield self._data


@cache
def _service() -> Any:
    """MiniStack's module. Only its package is loaded from MiniStack's own environment."""
    [folder] = environment().glob("lib/python*/site-packages/ministack")
    spec = importlib.util.spec_from_file_location(
        "ministack", folder / "__init__.py", submodule_search_locations=[str(folder)]
    )
    if spec is None or spec.loader is None:
        raise ImportError(f"MiniStack cannot be loaded from {folder}")
    module = sys.modules["ministack"] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return importlib.import_module("ministack.services.dynamodb")


def _answer(request: Any, **_: Any) -> AWSResponse:
    headers = {
        name.lower(): value.decode() if isinstance(value, bytes) else value for name, value in request.headers.items()
    }
    body = request.body if isinstance(request.body, bytes) else request.body.encode()
    answering = _service().handle_request("POST", "/", headers, body, {})
    try:
        answering.send(None)
    except StopIteration as answered:
        status, answer_headers, data = answered.value
    else:
        raise RuntimeError("MiniStack's DynamoDB waits for something")
    return AWSResponse(request.url, status, answer_headers, _Body(data if isinstance(data, bytes) else data.encode()))


def client() -> Any:
    """A boto3 client of that DynamoDB."""
    made = boto3.client(
        "dynamodb",
        endpoint_url="http://127.0.0.1",
        region_name=REGION,
        aws_access_key_id=ACCOUNT,
        aws_secret_access_key=SECRET,
        config=Config(retries={"mode": "standard", "max_attempts": 1}),
    )
    made.meta.events.register("before-send.dynamodb", _answer)  # type: ignore[arg-type]  # its stubs know no answers
    return made


def make_tables(db: Any, system: System, *broadcasts: str) -> None:
    """Delete all data and create the described tables, and ``broadcasts`` of more cells.

    No row is deleted by TTL, which is late anyway.
    """
    _service().reset()
    for name, table in system.raw["tables"].items():
        db.create_table(**tables.arguments(system.name(name), table))
    for name in broadcasts:
        db.create_table(**tables.arguments(name, system.raw["tables"]["broadcasts"]))
