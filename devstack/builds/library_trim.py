"""Trims the installed libraries to the files that a Lambda function uses. Touches only the given folder.

Removed: service models of botocore that the code does not call (more than 20 MB), sources of extension modules, type
stubs, tests, records of the installation. Kept of a ``.dist-info``: the files that ``importlib.metadata`` reads,
licences.
"""

from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from pathlib import Path

SERVICES: Final = {
    "apigatewaymanagementapi": "execute-api", "dynamodb": "dynamodb", "kinesis": "kinesis", "sqs": "sqs",
    "stepfunctions": "states",
}  # fmt: skip
"""The services that the functions call, by their models' names; the value is the prefix of their endpoints."""

_NO_USE: Final = ("*.c", "*.h", "*.hash", "*.pxd", "*.pxi", "*.pyi", "*.pyx", "py.typed", ".lock")
_NO_USE_FOLDERS: Final = ("bin", "*/tests", "botocore/data/*/*/examples-1.json")
_INSTALLATION: Final = frozenset({"INSTALLER", "RECORD", "REQUESTED", "WHEEL", "direct_url.json", "uv_cache.json"})


def trim(folder: Path) -> None:
    """Take from ``folder``, where libraries were installed, what no function uses."""
    for path in [found for pattern in _NO_USE for found in folder.rglob(pattern)]:
        path.unlink()
    for path in [found for pattern in _NO_USE_FOLDERS for found in folder.glob(pattern)]:
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    for path in [found for about in folder.glob("*.dist-info") for found in about.iterdir()]:
        if path.name in _INSTALLATION:
            path.unlink()
    data = folder / "botocore/data"
    for model in data.iterdir():
        if model.is_dir() and model.name not in SERVICES:
            shutil.rmtree(model)
    endpoints = data / "endpoints.json"
    ours = _ours(json.loads(endpoints.read_text()))
    # uv links files from its cache. A write to one file would change every installation on the machine.
    endpoints.unlink()
    endpoints.write_text(json.dumps(ours, separators=(",", ":")))


def _ours(endpoints: dict[str, Any]) -> dict[str, Any]:
    """Botocore's table of endpoints with our services only.

    Every process reads the table, which has more than a megabyte, before it makes its first client: 23 ms of a cold
    start. Regions, and how the name of an endpoint is made where nothing else is said, stay as they are.
    """
    prefixes = frozenset(SERVICES.values())
    partitions = [
        {**each, "services": {name: about for name, about in each["services"].items() if name in prefixes}}
        for each in endpoints["partitions"]
    ]
    return {**endpoints, "partitions": partitions}
